internal import NIOCore
internal import NIOSSL

/// What the two ends of one connection with a fault of TLS know of each other. Confined to the event loop of its proxy.
final class TLSSession {
    enum Side: String {
        case client
        case server
    }

    private let toxic: TLSFaultToxic
    private let link: TransportLink
    weak var door: TLSDoor?
    private weak var serverGate: TLSGate?
    private var hello = ClientHello()
    private var isPassing = false
    private var isOver = false
    private var timer: Scheduled<Void>?

    init(_ toxic: TLSFaultToxic, _ link: TransportLink) {
        self.toxic = toxic
        self.link = link
    }

    // MARK: In the order in which it happens

    func opened() { limit("the client began no handshake") }

    func heard(_ hello: ClientHello) {
        stopTimer()
        self.hello = hello
        switch toxic.fault {
        case .handshakeStall:
            strike("handshake stall: \(asked)")
            door?.stall()
        case .abruptClose:
            strike("abrupt close: \(asked)")
            link.end(toxic.ending == .reset)
        default: link.connect()
        }
    }

    /// The server is connected.
    func serverHandlers() throws -> [any ChannelHandler] {
        if isPassing { return [] }
        let gate = TLSGate(self, .server)
        serverGate = gate
        guard toxic.upstreamTLS else {
            try meetClient(protocols: [])
            return [gate]
        }
        limit("the server did not complete its handshake")
        return [
            try NIOSSLClientHandler(
                context: TLSContexts.shared().client(protocols: hello.protocols),
                serverHostname: nameForServer),
            gate,
        ]
    }

    func completed(_ side: Side, protocol chosen: String?) {
        stopTimer()
        switch side {
        case .client: serverGate?.release()
        case .server:
            do {
                try meetClient(protocols: chosen.map { [$0] } ?? [])
            } catch {
                give(up: "no certificate: \(error)")
            }
        }
    }

    private func meetClient(protocols: [String]) throws {
        // What the server says meanwhile waits with it: NIOSSL would keep any amount of it for the client.
        serverGate?.hold()
        let names = names
        let context = try TLSContexts.shared().server(toxic.fault, for: names, protocols: protocols)
        if toxic.fault != .none {
            strike("certificate \(toxic.fault.rawValue): \(names.map(\.text).joined(separator: ", "))")
        }
        limit("the client did not complete its handshake")
        try door?.open(NIOSSLServerHandler(context: context))
    }

    // MARK: Ends

    func failed(_ side: Side, _ error: any Error) {
        give(up: "the handshake with the \(side.rawValue) failed: \(Self.words(error))")
    }

    /// The client is none of TLS, or goes.
    func give(up detail: String) {
        stopTimer()
        // What closing a socket brings about is no news.
        if isOver { return }
        isOver = true
        link.tell(FilterNotice(.saw, detail))
        link.end(false)
    }

    /// What the client says passes as it is from here on.
    func pass() {
        stopTimer()
        isPassing = true
        link.connect()
    }

    /// The link closes a socket.
    func closes() { isOver = true }

    func stopTimer() {
        timer?.cancel()
        timer = nil
    }

    private func strike(_ detail: String) { link.tell(FilterNotice(.effective, detail)) }

    private func limit(_ detail: String) {
        stopTimer()
        let time = toxic.handshakeTimeout
        timer = link.loop.assumeIsolated().scheduleTask(in: .told(milliseconds: time)) { [weak self] in
            self?.give(up: "\(detail) within \(time) ms")
        }
    }

    /// What is worth reading in an error of BoringSSL.
    static func words(_ error: any Error) -> String {
        var text = Substring(String(describing: error))
        for begin in ["OPENSSL_internal:", "Error: "] {
            guard let range = text.firstRange(of: begin) else { continue }
            text = text[range.upperBound...]
            if let end = text.firstRange(of: " at ") ?? text.firstRange(of: "]") {
                text = text[..<end.lowerBound]
            }
            break
        }
        return text.trimmingPrefix(" ").prefix(160).lowercased().replacing("_", with: " ")
    }

    // MARK: Names

    private var asked: String { hello.serverName ?? "no name asked for" }

    private var names: [ServerName] {
        if let name = toxic.serverName { return [name] }
        if let name = hello.serverName { return [.host(name)] }
        let server = link.upstreamHost.flatMap { ServerName($0) }
        let own = door?.address.flatMap { ServerName($0) }
        let found = [server, own == server ? nil : own].compactMap { $0 }
        return found.isEmpty ? [.host("localhost")] : found
    }

    private var nameForServer: String? {
        if let name = hello.serverName { return name }
        for name in [toxic.serverName, link.upstreamHost.flatMap { ServerName($0) }] {
            if case .host(let name)? = name { return name }
        }
        return nil
    }
}
