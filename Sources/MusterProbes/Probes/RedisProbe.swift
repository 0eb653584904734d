public import MusterCore
public import MusterDrills

/// Asks a Redis server for PONG, or writes to it.
public struct RedisProbe: Probe, Hashable {
    public var redis = ""
    public var write: String?
    public init() {}

    public static let form = Form(
        "redis", "Sends PING to a Redis server, or writes a key; good is PONG, or OK.",
        example: "ping: { redis: \"redis://127.0.0.1:6379\", every: 10ms, timeout: 250ms }",
        blank: RedisProbe(),
        fields: [
            Field(
                required: "redis", \.redis,
                "redis://host:port, with /database if it is not 0; or redis+sentinel://host:port,host:port/master.",
                in: RedisAddress.problem),
            Field(
                "write", \.write,
                "A key to SET instead of PING: a replica that answers PING may still refuse writes."),
        ])
}

extension RedisProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        let address = try RedisAddress(ofDrill: redis)
        return RedisProber(address, write.map { ["SET", $0, "muster"] } ?? ["PING"], loop)
    }
}

private final class RedisProber: Prober {
    private let address: RedisAddress
    private let command: [String]
    private let loop: EventLoop

    init(_ address: RedisAddress, _ command: [String], _ loop: EventLoop) {
        self.address = address
        self.command = command
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        let connection = RedisConnection(loop: loop, address: address, replyLimit: 65_536)
        connection.exchange([command], patience) { result in
            connection.close()
            switch result {
            case .replies:
                let isGood = result.reply == .simple("PONG") || result.reply == .simple("OK")
                done(isGood ? .ok : .error(Self.code(of: result.reply)))
            case .failed(_, _, timedOut: true): done(.timeout)
            case .failed(let code, _, _): done(.error(code))
            }
        }
    }

    /// What an answer that is not good means; the first word of an error is its kind.
    private static func code(of reply: RedisReply?) -> Int32 {
        guard case .error(let text) = reply else { return SampleCode.protocolViolation }
        return switch text.prefix(while: { $0 != " " }) {
        case "LOADING": SampleCode.stillLoading
        case "READONLY", "MISCONF": SampleCode.readOnly
        case "NOAUTH", "NOPERM": SampleCode.notAuthenticated
        default: SampleCode.refusedByServer
        }
    }
}
