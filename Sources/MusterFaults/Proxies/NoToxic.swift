public import MusterCore

/// A toxic of ours is not on a fault proxy.
///
/// Toxics live in the proxy's memory: a proxy that is gone has taken them with it. One that still runs lifts them
/// itself once their time is over, whoever has died.
public struct NoToxic: Fact, Hashable {
    public static let kind = "no-toxic"
    public var api: StreamAddress
    public var proxy: String
    /// Its name there, which carries the injection's id.
    public var toxic: String

    public init(api: StreamAddress, proxy: String, toxic: String) {
        self.api = api
        self.proxy = proxy
        self.toxic = toxic
    }

    public init(fields: Value) throws {
        guard let api = StreamAddress(try fields.text("api", of: Self.kind)) else {
            throw FactError.unreadable(kind: Self.kind, "'api' is no address")
        }
        self.init(
            api: api, proxy: try fields.text("proxy", of: Self.kind),
            toxic: try fields.text("toxic", of: Self.kind))
    }

    /// The name of the toxic of an injection.
    static func name(_ id: InjectionID) -> String { "muster-\(id)" }

    public var fields: Value {
        ["api": .text(api.text), "proxy": .text(proxy), "toxic": .text(toxic)]
    }
    public var phase: MendingPhase { .network }
    public var sentence: String { "no toxic \(toxic) is on proxy '\(proxy)' at \(api.text)" }
    public var byHand: [[String]] { [ProxyPlace.curl(api, path, ["-X", "DELETE"])] }

    private var path: String {
        "\(ProxyPlace(api: api, name: proxy).path)/toxics/\(ProxyPlace.encoded(toxic))"
    }

    public func state(on host: any HostReader) throws -> FactState {
        let answer: APIAnswer
        do {
            answer = try host.fetch(path, from: api, deadline: ProxyPlace.patience)
        } catch let error as HostError where error.code == .notFound {
            return .moot("no fault proxy answers at \(api.text): it is gone, and its toxics with it")
        }
        switch answer.status {
        case 200:
            return .violated("the toxic \(toxic) (\(answer.body["type"]?.asText ?? "?")) is on '\(proxy)'")
        case 404 where answer.body["error"]?.asText == "proxy not found":
            return .moot("proxy '\(proxy)' is gone, and its toxics with it")
        case 404: return .holds
        default:
            throw FactError.cannotRestore("\(api.text) answers \(ProxyPlace.words(answer)) to GET \(path)")
        }
    }

    /// Its deadline, somebody's `POST /reset`, or a proxy that was ended or started anew: all lifted it before its time.
    public func endedEarly(_ found: FactState, on host: any HostReader) throws -> String? {
        switch found {
        case .violated: nil
        case .moot(let why): why
        case .holds:
            "the toxic \(toxic) was on '\(proxy)' no more: its deadline had passed, or somebody removed it"
        }
    }

    public func restore(on host: any Host) throws {
        let answer = try host.send(APIRequest(.delete, path), to: api, deadline: ProxyPlace.patience)
        // That it was quicker itself is no failure; its absence is read again afterwards.
        guard (200..<300).contains(answer.status) || answer.status == 404 else {
            throw FactError.cannotRestore(
                "\(api.text) answers \(ProxyPlace.words(answer)) to DELETE \(path)")
        }
    }
}
