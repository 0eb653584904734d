import MusterCore

/// Sees a proxy as a client does: connects to where its clients do and, to compare, to the server behind it. It asks
/// the proxy's interface where that is, and nothing of what is done to it.
///
/// Where a namespace is led through the proxy, it connects from within to the server's own address, as everybody there
/// does. Nobody can go straight to the server from there, so there is nothing to compare with.
public struct ProxyObserver {
    /// Why nothing can be looked at.
    struct Unseen: Error {
        var why: String
    }

    let host: any HostReader
    let place: ProxyPlace
    let entrance: StreamAddress
    /// The server behind it; nil where a client of ours cannot go straight to it.
    private(set) var server: StreamAddress?
    let stream: ToxicStream
    private let speech: Speech?
    private let says: String?
    private let leading: Leading?

    /// - Throws: `Unseen` when there is no such proxy any more, or no client of ours can go where its clients do.
    init(
        _ target: Target, on host: any HostReader, stream: ToxicStream = .downstream, speaks: Speech? = nil,
        says: String? = nil
    ) throws {
        let place = try ProxyPlace.resolve(target, on: host)
        guard let state = try? place.state(on: host) else { throw Unseen(why: "the proxy is not there") }
        guard let listen = StreamAddress(state.listen) else {
            throw Unseen(why: "the proxy listens at \(state.listen), which cannot be looked at")
        }
        let leading = try place.fixture.flatMap { try Leading.find($0, on: host) }
        if let leading, leading.to.isEmpty {
            throw Unseen(why: "the kernel has lifted the redirect: nobody is led to the proxy any more")
        }
        let behind = StreamAddress(String(state.upstream.trimmingPrefix("original/")))?.fromHere
        if let leading, leading.namespace != nil {
            entrance = leading.to[0]
            server = nil
        } else {
            entrance = listen.fromHere
            server = behind
        }
        self.host = host
        self.place = place
        self.leading = leading
        self.stream = stream
        self.says = says
        speech = speaks ?? Self.usualSpeech(with: behind ?? leading?.to.first)
    }

    // On its own: in line, on the property that was just set, it makes the optimizer of Swift 6.3.1 crash.
    private static func usualSpeech(with server: StreamAddress?) -> Speech? {
        guard let port = server?.port else { return nil }
        return Speech.usual(onPort: port)
    }

    /// What a look sees. Where connections of a cgroup are led to the proxy, a client of ours is not among them: that
    /// they come is told by the packet filter, which counts them.
    func see(_ look: (ProxyObserver) -> Effect) -> Effect {
        let effect = look(self)
        guard case .proven(let words) = effect, let leading, leading.namespace == nil else { return effect }
        return leading.count > 0
            ? .proven("\(words); connections led through it: \(leading.count)")
            : .notYet("\(words), but no connection was led through it yet")
    }

    /// The same, where the server has nothing to compare with.
    var withoutServer: ProxyObserver {
        var other = self
        other.server = nil
        return other
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
        var visit = Visit(
            address, namespace: leading?.namespace, says: exchange?.says ?? [], deadline: limit
        ) {
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
