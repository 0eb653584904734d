public import MusterCore

/// A fault proxy lets connections in.
public struct ProxyEnabled: Fact, Hashable {
    public static let kind = "proxy-enabled"
    public var api: StreamAddress
    public var proxy: String

    public init(api: StreamAddress, proxy: String) {
        self.api = api
        self.proxy = proxy
    }

    public init(fields: Value) throws {
        guard let api = StreamAddress(try fields.text("api", of: Self.kind)) else {
            throw FactError.unreadable(kind: Self.kind, "'api' is no address")
        }
        self.init(api: api, proxy: try fields.text("proxy", of: Self.kind))
    }

    public var fields: Value { ["api": .text(api.text), "proxy": .text(proxy)] }
    public var phase: MendingPhase { .network }
    public var sentence: String { "proxy '\(proxy)' at \(api.text) is enabled" }
    public var byHand: [[String]] {
        [ProxyPlace.curl(api, path, ["-X", "POST", "-d", #"{"enabled":true}"#])]
    }

    private var path: String { ProxyPlace(api: api, name: proxy).path }

    public func state(on host: any HostReader) throws -> FactState {
        let answer: APIAnswer
        do {
            answer = try host.fetch(path, from: api, deadline: ProxyPlace.patience)
        } catch let error as HostError where error.code == .notFound {
            return .moot("no fault proxy answers at \(api.text): it is gone")
        }
        if answer.status == 404 { return .moot("proxy '\(proxy)' is gone") }
        guard answer.status == 200, let state = ProxyState(answer.body) else {
            throw FactError.cannotRestore("\(api.text) answers \(ProxyPlace.words(answer)) to GET \(path)")
        }
        return state.isEnabled ? .holds : .violated("'\(proxy)' is disabled")
    }

    public func endedEarly(_ found: FactState, on host: any HostReader) throws -> String? {
        // One that is gone lets nobody in either.
        found == .holds ? "somebody had enabled '\(proxy)' again" : nil
    }

    public func restore(on host: any Host) throws {
        let request = APIRequest(.post, path, body: ["enabled": true])
        let answer = try host.send(request, to: api, deadline: ProxyPlace.patience)
        guard answer.status == 200 else {
            throw FactError.cannotRestore("\(api.text) answers \(ProxyPlace.words(answer)) to POST \(path)")
        }
    }
}
