public import MusterCore
public import MusterDrills

/// Writes to a Redis server with SET, and reads back with MGET and SCAN.
public struct RedisWorkload: Workload, Hashable {
    public var redis = ""
    public init() {}

    public static let abilities: Set<WorkloadAbility> = [.register, .bank, .deletes, .replicas]

    public static let form = Form(
        "redis",
        "Writes entries to a Redis server with SET; reads back with MGET, and looks for others with SCAN.",
        example: "sessions: { redis: \"redis://127.0.0.1:6379\", writers: 8, rate: 500/s }",
        blank: RedisWorkload(),
        fields: [
            Field(
                required: "redis", \.redis,
                "redis://host:port, with /database if it is not 0; or redis+sentinel://host:port,host:port/master.",
                in: RedisAddress.problem)
        ])
}

extension RedisWorkload: RunnableWorkload {
    public func reading(from url: String) -> RedisWorkload? {
        guard RedisAddress.problem(url) == nil else { return nil }
        var copy = self
        copy.redis = url
        return copy
    }

    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient {
        let address = try RedisAddress(ofDrill: redis)
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
        write(["SET", key, value], until: deadline, done)
    }

    func set(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { put(key, value, until: deadline, done: done) }

    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        write(["DEL", key], until: deadline, done)
    }

    func openAccounts(
        _ names: [String], balance: Int64, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        write(
            ["EVAL", Self.openScript, String(names.count)] + names + [String(balance)], until: deadline, done)
    }

    func transfer(
        _ transfer: BankTransfer, _ key: String, _ value: String, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void
    ) {
        let amount = String(transfer.amount)
        write(
            [
                "EVAL", Self.transferScript, "3", transfer.from, transfer.to, key, amount, value,
                transfer.negative ? "1" : "0",
            ], until: deadline, done)
    }

    /// A script runs alone, and nothing is seen of it before it is over
    /// (https://redis.io/docs/latest/develop/programmability/eval-intro).
    private static let openScript = """
        if redis.call('EXISTS', KEYS[1]) == 0 then
            for _, name in ipairs(KEYS) do redis.call('SET', name, ARGV[1]) end
        end
        return 1
        """
    private static let transferScript = """
        local from, to = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
        if not from or not to then return redis.error_reply('NOACCOUNT an account is missing') end
        local amount = tonumber(ARGV[1])
        if ARGV[3] == '0' then amount = math.max(0, math.min(amount, tonumber(from))) end
        redis.call('SET', KEYS[1], string.format('%d', tonumber(from) - amount))
        redis.call('SET', KEYS[2], string.format('%d', tonumber(to) + amount))
        redis.call('SET', KEYS[3], ARGV[2])
        return 1
        """

    private func write(
        _ command: [String], until deadline: Instant, _ done: @escaping (WriteAnswer) -> Void
    ) {
        let isScript = command[0] == "EVAL"
        connection.exchange([command], until: deadline) { result in
            switch result {
            case .replies:
                switch result.reply {
                case .simple("OK"), .integer: done(.acknowledged())
                case .error(let text):
                    // SET and DEL are one step: where the server answers with an error, it did not do it. A
                    // script that fails half-way is not taken back.
                    let isCertain = !isScript || Self.refusals.contains { text.hasPrefix($0) }
                    let code = SampleCode.refusedByServer
                    done(isCertain ? .refused(code) : .inDoubt(code))
                default: done(.inDoubt(SampleCode.protocolViolation))
                }
            case .failed(_, nothingSent: true, timedOut: true): done(.neverSent)
            case .failed(_, _, timedOut: true): done(.noAnswer)
            case .failed(let code, let nothingSent, _):
                done(nothingSent ? .refused(code) : .inDoubt(code))
            }
        }
    }

    /// Errors by which a script says that it did nothing: our own, and those that come before or instead of its
    /// first write.
    private static let refusals = [
        "NOACCOUNT", "READONLY", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "BUSY", "NOAUTH", "NOPERM",
    ]

    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void) {
        connection.exchange([["MGET"] + keys], until: deadline) { result in
            guard case .array(let values) = result.reply, values.count == keys.count else {
                return done(keys.map { _ in .failed(Self.problem(result)) })
            }
            done(
                values.map { value in
                    switch value {
                    case .bulk(nil): .absent
                    case .bulk(let text?): .present([text])
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

    /// Redis may evict keys by itself (https://redis.io/docs/latest/develop/reference/eviction): what is gone then is
    /// gone by configuration, and counts as lost all the same.
    func hints(until deadline: Instant, done: @escaping ([String]) -> Void) {
        connection.exchange(
            [["CONFIG", "GET", "maxmemory"], ["CONFIG", "GET", "maxmemory-policy"]], until: deadline
        ) { result in
            guard case .replies(let replies) = result, replies.count == 2,
                let limit = Self.setting(replies[0]), let policy = Self.setting(replies[1]), limit != "0",
                policy == "noeviction" || policy.hasPrefix("allkeys-")
            else { return done([]) }
            done([
                policy == "noeviction"
                    ? "its maxmemory is \(limit) bytes; beyond that it refuses writes"
                    : "it may evict keys by itself (maxmemory \(limit) bytes, \(policy)), which counts as loss"
            ])
        }
    }

    private static func setting(_ reply: RedisReply) -> String? {
        guard case .array(let parts) = reply, parts.count == 2, case .bulk(let value?) = parts[1] else {
            return nil
        }
        return value
    }

    func close() { connection.close() }

    private static func problem(_ result: RedisConnection.Result) -> String {
        switch result {
        case .replies:
            if case .error(let text) = result.reply { text } else { "an answer that Redis does not give" }
        case .failed(_, _, timedOut: true): "no answer in time"
        // Redis has no statuses, whose numbers some errnos share.
        case .failed(let code, _, _): code < 134 ? errorText(code) : SampleCode.inWords(code)
        }
    }
}
