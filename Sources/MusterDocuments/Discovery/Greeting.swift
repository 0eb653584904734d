import MusterCore

/// What is said to a server to find out what it is. All of it only reads, and none of it needs a password; servers that
/// their program tells are not spoken to at all, except where the drill depends on the answer.
public struct Greeting: Hashable, Sendable {
    /// For people.
    public var words: String
    var says: [UInt8]

    /// `INFO server`: version, mode and configuration file (https://redis.io/docs/latest/commands/info/).
    static let redis = Greeting(words: "INFO server", says: Array("INFO server\r\n".utf8))
    /// HEAD of the front page (RFC 9110, section 9.3.2). What does not speak HTTP says so in its own way: a banner, an
    /// alert of TLS, an error.
    static let http = Greeting(
        words: "HEAD /",
        says: Array(
            "HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: muster\r\nConnection: close\r\n\r\n".utf8))

    /// `version`, which memcached answers in its text protocol (protocol.txt, "Other commands"); one that wants a login or
    /// TLS does not.
    static let memcached = Greeting(words: "version", says: Array("version\r\n".utf8))

    /// The header of AMQP 0-9-1, which a broker answers with Connection.Start (section 2.2.4); hung up then, that is a
    /// line in its log.
    static let amqp = Greeting(words: "the header of AMQP", says: Array("AMQP".utf8) + [0, 0, 9, 1])

    /// - Returns: nil for what must not or need not be spoken to.
    static func of(_ kind: ServiceKind?) -> Greeting? {
        switch kind {
        case .redis, .sentinel: redis
        case .nginx, .apache, .haproxy, .http, .etcd, nil: http
        case .memcached: memcached
        // Their program tells all; MariaDB counts connections that say nothing, and blocks hosts for them.
        case .rabbitmq: amqp
        case .postgresql, .mysql, .tcp: nil
        }
    }

    /// How long a server may take. One that waits for us to say more is silent for so long.
    static let patience = Duration.milliseconds(700)

    /// Says it.
    func say(to address: StreamAddress, on host: any HostReader) -> GreetingAnswer {
        let sighting = host.visit(
            Visit(address.fromHere, says: says, deadline: Self.patience, isEnough: isEnough))
        if !sighting.bytes.isEmpty { return GreetingAnswer(sighting.bytes) }
        return sighting.ending == .refused ? .refused : .silence
    }

    private var isEnough: ([UInt8]) -> Bool {
        { bytes in
            guard bytes.first == UInt8(ascii: "$") else {
                // Lines that are known are heard to their end; of anything else eight bytes tell enough.
                let isLine = bytes.starts(with: "HTTP/".utf8) || bytes.starts(with: "VERSION ".utf8)
                return bytes.contains(10) || bytes.count >= 8 && !isLine
            }
            guard let end = bytes.firstIndex(of: 10),
                let count = Int(String(decoding: bytes[1..<end].dropLast(), as: UTF8.self))
            else { return false }
            return bytes.count - end > max(0, count)
        }
    }
}

/// What a server said.
public enum GreetingAnswer: Hashable, Sendable {
    /// The answer to `INFO server`, by its words.
    case redis([String: String])
    case redisWantsPassword
    /// The status of the front page.
    case http(Int)
    case tls, ssh, mysql, memcached, amqp
    /// A mail or file server's `220`.
    case mail
    /// Something else: its first line.
    case other(String)
    case silence, refused

    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes.prefix(8192), as: UTF8.self)
        let line = String(text.prefix { $0 != "\r\n" && $0 != "\n" && $0 != "\r" })
        if bytes.starts(with: [0x15, 0x03]) {
            self = .tls
        } else if text.hasPrefix("HTTP/1."), let status = Int(line.dropFirst(9).prefix(3)) {
            self = .http(status)
        } else if text.hasPrefix("$") {
            self = .redis(Self.info(text))
        } else if ["-NOAUTH", "-NOPERM", "-DENIED"].contains(where: { text.hasPrefix($0) }) {
            self = .redisWantsPassword
        } else if text.hasPrefix("-ERR") {
            self = .redis([:])
        } else if text.hasPrefix("SSH-") {
            self = .ssh
        } else if text.hasPrefix("220") {
            self = .mail
        } else if text.hasPrefix("AMQP") || Self.isConnectionStart(bytes) {
            self = .amqp
        } else if line == "ERROR" || line.hasPrefix("VERSION ") {
            self = .memcached
        } else if bytes.count > 5, bytes[3] == 0, bytes[4] == 10 || bytes[4] == 0xFF {
            // The handshake of protocol version 10, or an error in its place.
            self = .mysql
        } else {
            self = .other(printable(String(line.prefix(60))))
        }
    }

    /// A frame of type 1 on channel 0 with class 10, method 10 (AMQP 0-9-1, sections 2.3.5 and 1.4.2.1).
    private static func isConnectionStart(_ bytes: [UInt8]) -> Bool {
        bytes.count > 10 && bytes.starts(with: [1, 0, 0]) && bytes[7...10] == [0, 10, 0, 10]
    }

    private static func info(_ text: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            found[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return found
    }

    /// What a server is that said this.
    var kind: ServiceKind? {
        switch self {
        case .redis(let info): info["redis_mode"] == "sentinel" ? .sentinel : .redis
        case .redisWantsPassword: .redis
        case .http: .http
        case .mysql: .mysql
        case .memcached: .memcached
        case .amqp: .rabbitmq
        case .tls, .ssh, .mail, .other, .silence, .refused: nil
        }
    }
}

/// Text of a stranger's as it may be shown and written into a comment: without line ends, and without what moves a
/// terminal's cursor.
public func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                let category = scalar.properties.generalCategory
                let isHarmful = [
                    .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned,
                ]
                .contains(category)
                return isHarmful ? "\u{FFFD}" : scalar
            }))
}
