import MusterCore

/// A fault proxy as it is asked through its HTTP interface, which is Toxiproxy's.
struct ProxyPlace: Hashable {
    var api: StreamAddress
    var name: String
    /// The journal row of the drill's own, where it is one.
    var fixture: InjectionID?

    /// How long the interface may take; it answers in a millisecond or two.
    static let patience = Duration.seconds(5)

    /// - Throws: `FaultRefusal` when the target is none.
    static func resolve(_ target: Target, on host: any HostReader) throws -> ProxyPlace {
        guard case .proxy(let scope) = target.selector else {
            throw FaultRefusal(
                .wrongTarget, "this fault is aimed at a fault proxy",
                advice: "give the target `proxy: { name: NAME, api: HOST:PORT }`, or a fixture that is one")
        }
        switch scope {
        case .named(let name, let api): return ProxyPlace(api: api, name: name)
        case .fixture(let name, let id):
            return ProxyPlace(api: .unix(host.site.proxySocket(of: id)), name: name, fixture: id)
        }
    }

    /// Whether a program of Muster's runs it, and not a Toxiproxy, which knows no deadlines and fewer toxics.
    func isMusters(on host: any HostReader) throws -> Bool {
        if fixture != nil { return true }
        let answer = try host.fetch("/muster", from: api, deadline: Self.patience)
        return answer.status == 200 && answer.body["compatible_with"]?.asText != nil
    }

    /// What there is to know of it.
    /// - Throws: `FaultRefusal` when it is not there.
    func state(on host: any HostReader) throws -> ProxyState {
        let answer: APIAnswer
        do {
            answer = try host.fetch(path, from: api, deadline: Self.patience)
        } catch let error as HostError where error.code == .notFound {
            throw FaultRefusal(
                .noMatch, "no fault proxy answers at \(api.text)",
                advice: "start one with `muster proxy`, or let the drill bring one up as a fixture")
        }
        guard answer.status == 200, let state = ProxyState(answer.body) else {
            throw FaultRefusal(
                .noMatch, "\(api.text) has no proxy '\(name)': \(Self.words(answer))",
                advice: "see what it has: \(Self.curl(api, "/proxies").joined(separator: " "))")
        }
        return state
    }

    /// `/proxies/NAME` with what needs it percent-encoded (RFC 3986, section 2.3).
    var path: String { "/proxies/" + Self.encoded(name) }

    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~")].contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }

    /// The command by which a person asks the same.
    static func curl(_ api: StreamAddress, _ path: String, _ options: [String] = []) -> [String] {
        switch api {
        case .tcp: ["curl", "--fail"] + options + ["http://\(api.text)\(path)"]
        case .unix(let socket):
            ["curl", "--fail", "--unix-socket", socket] + options + ["http://localhost\(path)"]
        }
    }

    static func words(_ answer: APIAnswer) -> String {
        let said = answer.body["error"]?.asText ?? answer.body.asText ?? ""
        return "status \(answer.status)" + (said.isEmpty ? "" : ", \(said.prefix(200))")
    }
}

/// A proxy as its interface describes it.
struct ProxyState: Hashable {
    var listen: String
    var upstream: String
    var isEnabled: Bool

    init?(_ value: Value) {
        guard let listen = value["listen"]?.asText, let upstream = value["upstream"]?.asText,
            let isEnabled = value["enabled"]?.asBool
        else { return nil }
        self.listen = listen
        self.upstream = upstream
        self.isEnabled = isEnabled
    }
}
