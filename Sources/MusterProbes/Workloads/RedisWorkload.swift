public import MusterCore

/// Writes to a Redis server with SET, and reads back with MGET and SCAN.
public struct RedisWorkload: Workload, Hashable {
    public var redis = ""
    public init() {}

    public static let form = Form(
        "redis",
        "Writes entries to a Redis server with SET; reads back with MGET, and looks for others with SCAN.",
        example: "sessions: { redis: \"redis://127.0.0.1:6379\", writers: 8, rate: 500/s }",
        blank: RedisWorkload(),
        fields: [
            Field(
                required: "redis", \.redis, "redis://host:port, with /database if it is not 0.",
                in: RedisAddress.problem)
        ])
}

extension RedisWorkload: RunnableWorkload {
    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient {
        guard let address = RedisAddress(redis) else {
            throw MeasuringError.configuration("redis: '\(redis)' is not redis://host:port/database")
        }
        return RedisStore(RedisConnection(loop: loop, address: address))
    }
}

private final class RedisStore: StoreClient {
    private let connection: RedisConnection
    let readBatch = 128

    init(_ connection: RedisConnection) { self.connection = connection }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        connection.exchange([["SET", key, value]], until: deadline) { result in
            switch result {
            case .replies:
                switch result.reply {
                case .simple("OK"): done(.acknowledged())
                // SET is one step: where the server answers with an error, it did not do it.
                case .error: done(.refused(SampleCode.refusedByServer))
                default: done(.inDoubt(SampleCode.protocolViolation))
                }
            case .failed(_, nothingSent: true, timedOut: true): done(.neverSent)
            case .failed(_, _, timedOut: true): done(.noAnswer)
            case .failed(let code, let nothingSent, _):
                done(nothingSent ? .refused(code) : .inDoubt(code))
            }
        }
    }

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        connection.exchange([["MGET"] + wanted.map(\.key)], until: deadline) { result in
            guard case .array(let values) = result.reply, values.count == wanted.count else {
                return done(wanted.map { _ in .failed(Self.problem(result)) })
            }
            done(
                zip(wanted, values).map { wanted, value in
                    switch value {
                    case .bulk(nil): .absent
                    case .bulk(let text): .present(isIntact: text == wanted.value, count: 1)
                    default: .failed("not the protocol")
                    }
                })
        }
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        scan(prefix, cursor: "0", found: [], until: deadline, done: done)
    }

    /// SCAN may tell a key twice and never leaves one out that is there all the time
    /// (https://redis.io/docs/latest/commands/scan).
    private func scan(
        _ prefix: String, cursor: String, found: Set<String>, until deadline: Instant,
        done: @escaping (ListAnswer) -> Void
    ) {
        let command = ["SCAN", cursor, "MATCH", prefix + "*", "COUNT", "1000"]
        connection.exchange([command], until: deadline) { [self] result in
            guard case .array(let parts) = result.reply, parts.count == 2,
                case .bulk(let next?) = parts[0], case .array(let names) = parts[1]
            else { return done(.failed(Self.problem(result))) }
            let more = found.union(names.compactMap { if case .bulk(let name) = $0 { name } else { nil } })
            if next == "0" { return done(.keys(more.sorted())) }
            scan(prefix, cursor: next, found: more, until: deadline, done: done)
        }
    }

    func close() { connection.close() }

    private static func problem(_ result: RedisConnection.Result) -> String {
        switch result {
        case .replies:
            if case .error(let text) = result.reply { text } else { "an answer that Redis does not give" }
        case .failed(_, _, timedOut: true): "no answer in time"
        case .failed(let code, _, _): SampleCode.inWords(code)
        }
    }
}
