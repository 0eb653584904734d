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
    /// The client's handshake is under way.
    private var isMeeting = false
    private var alert: UInt8?
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
        case .client:
            isMeeting = false
            serverGate?.release()
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
        isMeeting = true
        try door?.open(NIOSSLServerHandler(context: context))
    }

    // MARK: Ends

    /// OpenSSL's clients say what they find wrong with a certificate in the clear, also in TLS 1.3, where BoringSSL
    /// cannot read that any more: it expects it encrypted (RFC 8446, 6).
    func heard(alertIn bytes: ByteBuffer) {
        guard isMeeting, bytes.readableBytes == 7 else { return }
        let record = Array(bytes.readableBytesView)
        if record[0] == 21, record[1] == 3, record[3] == 0, record[4] == 2 { alert = record[6] }
    }

    func failed(_ side: Side, _ error: any Error) {
        if side == .client, let alert {
            let name = Self.alerts[alert].map { " (\($0))" } ?? ""
            return give(up: "the client sent alert \(alert)\(name)")
        }
        give(up: "the handshake with the \(side.rawValue) failed: \(Self.words(error))")
    }

    /// RFC 8446, 6.
    private static let alerts: [UInt8: String] = [
        40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
        44: "certificate revoked",
        45: "certificate expired", 46: "certificate unknown", 48: "unknown ca", 49: "access denied",
        51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
        90: "user canceled", 112: "unrecognized name", 120: "no application protocol",
    ]

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
