import MusterCore

/// Sees a proxy as a client does: connects to where it listens and, to compare, to the server behind it. It asks the
/// proxy's interface where that is, and nothing else.
public struct ProxyObserver {
    let host: any HostReader
    let entrance: StreamAddress
    /// The server behind it; nil where a client of ours cannot go straight to it.
    let server: StreamAddress?
    let stream: ToxicStream
    private let speech: Speech?
    private let says: String?

    /// - Returns: nil when there is no such proxy any more, or it listens where no client of ours can go.
    init?(
        _ target: Target, on host: any HostReader, stream: ToxicStream, speaks: Speech?, says: String?
    ) throws {
        let place = try ProxyPlace.resolve(target, on: host)
        guard let state = try? place.state(on: host), let entrance = StreamAddress(state.listen) else {
            return nil
        }
        self.host = host
        self.entrance = entrance.fromHere
        let server = StreamAddress(state.upstream)?.fromHere
        self.server = server
        self.stream = stream
        speech = speaks ?? server.flatMap(Self.usualSpeech)
        self.says = says
    }

    // On its own: in line, on the property that was just set, it makes the optimizer of Swift 6.3.1 crash.
    private static func usualSpeech(with server: StreamAddress) -> Speech? {
        guard let port = server.port else { return nil }
        return Speech.usual(onPort: port)
    }

    /// Something to say in which at least so many bytes pass in the toxic's direction; nil when nothing is known.
    func exchange(passing bytes: Int = 0) -> Exchange? {
        if let says {
            let words = Exchange.words(says)
            return bytes <= (stream == .upstream ? words.says.count : 1) ? words : nil
        }
        return stream == .upstream
            ? speech?.exchange(upstream: bytes) : speech?.exchange(downstream: bytes)
    }

    /// Through the proxy.
    func look(
        _ exchange: Exchange?, within limit: Duration, closesFirst: Bool = false, atOnce count: Int = 1
    ) -> [Sighting] {
        host.visit(visit(entrance, exchange, limit, closesFirst), atOnce: count)
    }

    /// Straight to the server; nil where that cannot be.
    func lookStraight(_ exchange: Exchange?, within limit: Duration, closesFirst: Bool = false) -> Sighting? {
        server.map { host.visit(visit($0, exchange, limit, closesFirst)) }
    }

    private func visit(
        _ address: StreamAddress, _ exchange: Exchange?, _ limit: Duration, _ closesFirst: Bool
    ) -> Visit {
        var visit = Visit(address, says: exchange?.says ?? [], deadline: limit) {
            !closesFirst && (exchange?.isWhole($0) ?? false)
        }
        visit.closesFirst = closesFirst
        return visit
    }

    /// Advice where nothing can be seen.
    var unknown: Effect {
        .notYet(
            "nothing is known that could be said to \(server?.text ?? "the server"): give `speaks:` ("
                + Speech.allCases.map(\.rawValue).joined(separator: ", ") + ") or `says:`")
    }
}

extension Sighting {
    /// For people: `an answer after 100.3 ms`.
    var inWords: String {
        switch ending {
        case .answered: "an answer after \(ended.forPeople)"
        case .closed:
            (bytes.isEmpty
                ? "the connection was closed" : "the connection was closed after \(bytes.count) bytes")
                + ", after \(ended.forPeople)"
        case .reset: "the connection was reset after \(ended.forPeople)"
        case .refused: "the connection was refused"
        case .silent:
            connected == nil
                ? "no connection within \(ended.forPeople)" : "no answer within \(ended.forPeople)"
        case .impossible(let why): why
        }
    }
}
