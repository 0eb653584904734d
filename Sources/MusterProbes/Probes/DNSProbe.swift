import CCurl
import Glibc
public import MusterCore
public import MusterDrills

/// Asks a name server for the addresses of a name, with one datagram each time.
public struct DNSProbe: Probe, Hashable {
    public enum Kind: String, FormWord {
        case a = "A"
        case aaaa = "AAAA"
    }
    public var dns = ""
    public var server: String?
    public var type = Kind.a
    public var answer: String?
    public init() {}

    public static let form = Form(
        "dns", "Asks a name server for the addresses of a name; good is an answer that has some.",
        example: "name: { dns: db.example.org, server: 10.0.0.53, answer: 10.0.0.12, every: 100ms }",
        blank: DNSProbe(),
        fields: [
            Field(
                required: "dns", \.dns, "The whole name; no search domain is added to it.",
                in: { DNSName($0) == nil ? "a name such as db.example.org" : nil }),
            Field(
                "server", \.server,
                "The server's address, with its port if that is not 53; else the first in /etc/resolv.conf.",
                in: { NameServers.endpoint($0) == nil ? "an address such as 10.0.0.53 or [::1]:5353" : nil }),
            Field("type", \.type, default: .a, "Which addresses: IPv4 (A) or IPv6 (AAAA)."),
            Field(
                "answer", \.answer, "An address that must be among those of the answer.",
                in: { addressBytes($0) == nil ? "an address such as 10.0.0.12" : nil }),
        ],
        check: { probe in
            let length = probe.type == .a ? 4 : 16
            guard let answer = probe.answer, addressBytes(answer)?.count != length else { return }
            throw FormProblem(
                "'\(answer)' never stands in a record of type \(probe.type.rawValue)", at: nil,
                path: "answer",
                expected: "an address of the type that is asked for")
        })
}

/// The bytes of an IPv4 or IPv6 address, in network byte order.
func addressBytes(_ text: String) -> [UInt8]? {
    for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
        var bytes = [UInt8](repeating: 0, count: length)
        if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
}

extension DNSProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        guard let name = DNSName(dns) else {
            throw MeasuringError.configuration("dns: '\(dns)' is not a name such as db.example.org")
        }
        return DNSProber(self, name, loop)
    }

    func judge(_ answer: DNSQuery.Answer) -> Finding {
        switch answer {
        case .refused(let code): return .error(SampleCode.nameServer + Int32(code))
        case .addresses(let found, let isTruncated):
            let isGood = self.answer.flatMap(addressBytes).map { found.contains($0) } ?? !found.isEmpty
            if isGood { return .ok }
            if isTruncated { return .error(SampleCode.truncated) }
            return .error(found.isEmpty ? SampleCode.noRecord : SampleCode.otherAddress)
        }
    }
}

private final class DNSProber: Prober {
    private let probe: DNSProbe
    private let name: DNSName
    private let loop: EventLoop

    init(_ probe: DNSProbe, _ name: DNSName, _ loop: EventLoop) {
        self.probe = probe
        self.name = name
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        let server = probe.server.map { NameServers.endpoint($0) } ?? NameServers.first()
        guard let address = server.flatMap({ Resolver.numeric($0).first }) else {
            return done(.error(SampleCode.nameNotFound))
        }
        let query = DNSQuery(
            id: .random(in: 0 ... .max), name: name, type: probe.type == .a ? .a : .aaaa)
        let exchange = DNSExchange(query, loop) { [probe] result in
            switch result {
            case .answer(let answer): done(probe.judge(answer))
            case .failed(let code): done(.error(code))
            case .ended(let end): done(end.finding)
            }
        }
        exchange.start(address, patience)
    }
}

/// One question and its answer, on a socket of its own: its port is one more thing that a forger has to guess.
private final class DNSExchange {
    enum Result {
        case answer(DNSQuery.Answer)
        case failed(Int32)
        case ended(Patience.End)
    }

    private let query: DNSQuery
    private let loop: EventLoop
    private var done: ((Result) -> Void)?
    private var descriptor: Int32 = -1
    private var patience: Patience?
    /// Datagrams that were no answer to the question.
    private var strays = 0
    private static let mostStrays = 64

    init(_ query: DNSQuery, _ loop: EventLoop, done: @escaping (Result) -> Void) {
        self.query = query
        self.loop = loop
        self.done = done
    }

    func start(_ address: SocketAddress, _ patience: Patience) {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.family, kind, 0)
        // Connected, it takes datagrams of this server only, and hears of a closed port (ip(7)).
        guard descriptor >= 0, address.connect(descriptor) == 0 else { return finish(.failed(errno)) }
        self.patience = patience
        patience.begin { [self] end in
            let isStrayed = strays > 0 && end == .timeout
            finish(isStrayed ? .failed(SampleCode.protocolViolation) : .ended(end))
        }
        // The loop holds on to this until the end.
        loop.watch(descriptor, .read) { [self] _ in receive() }
        let bytes = query.bytes
        if Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0 { finish(.failed(errno)) }
        patience.advance()
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while done != nil {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN { finish(.failed(errno)) }
                return
            }
            do {
                finish(.answer(try query.answer(in: Array(buffer[..<count]))))
            } catch {
                strays += 1
                if error == .malformed || strays >= Self.mostStrays {
                    finish(.failed(SampleCode.protocolViolation))
                }
            }
        }
    }

    private func finish(_ result: Result) {
        patience?.cancel()
        patience = nil
        if descriptor >= 0 {
            loop.unwatch(descriptor)
            close(descriptor)
            descriptor = -1
        }
        let done = self.done
        self.done = nil
        done?(result)
    }
}
