import Glibc
import MusterCore

/// One connection that carries one exchange at a time. Belongs to the loop's thread.
final class RedisConnection {
    enum Result {
        case replies([RedisReply])
        /// - Parameter nothingSent: no byte of the command can have reached the server.
        case failed(code: Int32, nothingSent: Bool, timedOut: Bool)

        /// The reply, where there is exactly one.
        var reply: RedisReply? {
            if case .replies(let replies) = self, replies.count == 1 { replies[0] } else { nil }
        }
    }

    private let loop: EventLoop
    private let address: RedisAddress
    private let stream: StreamConnection
    private let replyLimit: Int
    private var parser: RedisParser
    private var replies: [RedisReply] = []
    private var expected = 0
    /// Replies to SELECT, which nobody asked for.
    private var skipped = 0
    private var commandSent = false
    /// The reply to ROLE comes next; `waiting` is sent to a master only.
    private var isRoleAwaited = false
    private var waiting: [UInt8] = []
    private var done: ((Result) -> Void)?
    private var patience: Patience?
    private var finder: RedisMasterFinder?

    /// - Parameter replyLimit: bytes of one reply; a longer one is a failure.
    init(loop: EventLoop, address: RedisAddress, replyLimit: Int = 64 << 20) {
        self.loop = loop
        self.address = address
        self.replyLimit = replyLimit
        parser = RedisParser(limit: replyLimit)
        stream = StreamConnection(loop: loop)
        stream.received = { [unowned self] in received($0) }
        stream.ended = { [unowned self] code in
            finish(
                .failed(
                    code: code == 0 ? SampleCode.endOfStream : code, nothingSent: !commandSent,
                    timedOut: false))
        }
    }

    /// Sends commands and waits for as many replies; connects first where there is no connection.
    func exchange(
        _ commands: [[String]], until deadline: Instant, done: @escaping (Result) -> Void
    ) {
        exchange(commands, Patience(deadline - monotonicNow(), on: loop), done: done)
    }

    func exchange(_ commands: [[String]], _ patience: Patience, done: @escaping (Result) -> Void) {
        precondition(self.done == nil, "one exchange at a time")
        self.done = done
        expected = commands.count
        replies = []
        commandSent = false
        self.patience = patience
        stream.patience = patience
        patience.begin { [unowned self] end in
            finish(.failed(code: end.code, nothingSent: !commandSent, timedOut: end == .timeout))
        }
        let bytes = commands.flatMap { RedisReply.command($0) }
        if stream.isOpen {
            commandSent = true
            stream.send(bytes)
            return
        }
        switch address.place {
        case .server(let endpoint): open(endpoint, bytes)
        case .sentinels(let sentinels):
            let finder = self.finder ?? RedisMasterFinder(loop: loop, sentinels: sentinels)
            self.finder = finder
            finder.find(patience) { [unowned self] answer in
                // The time may be over meanwhile.
                guard self.done != nil else { return }
                switch answer {
                case .master(let endpoint): open(endpoint, bytes)
                case .failed(let code): finish(.failed(code: code, nothingSent: true, timedOut: false))
                }
            }
        }
    }

    private func open(_ endpoint: Endpoint, _ bytes: [UInt8]) {
        parser = RedisParser(limit: replyLimit)
        skipped = 0
        stream.patience = patience
        stream.open(endpoint) { [unowned self] code in
            guard code == 0 else {
                return finish(.failed(code: code, nothingSent: true, timedOut: false))
            }
            if address.database != 0 {
                skipped = 1
                stream.send(RedisReply.command(["SELECT", String(address.database)]))
            }
            guard address.isMasterWanted else { return send(bytes) }
            // A sentinel may not have heard yet that its master was made a replica, and a replica answers PING
            // (https://redis.io/docs/latest/develop/reference/sentinel-clients, step 3).
            isRoleAwaited = true
            waiting = bytes
            stream.send(RedisReply.command(["ROLE"]))
        }
    }

    private func send(_ bytes: [UInt8]) {
        commandSent = true
        stream.send(bytes)
    }

    /// The first answer of a server that a sentinel named.
    private func heard(role reply: RedisReply) {
        isRoleAwaited = false
        let bytes = waiting
        waiting = []
        if case .array(let parts) = reply, case .bulk("master")? = parts.first { return send(bytes) }
        // A server that still loads its data answers ROLE with that.
        if case .error = reply { return send(bytes) }
        finish(.failed(code: SampleCode.wrongRole, nothingSent: true, timedOut: false))
    }

    func close() {
        finder?.close()
        stream.close()
    }

    private func received(_ bytes: [UInt8]) {
        // Nobody asked: as the next command's reply it would acknowledge what the server may never have had.
        guard done != nil else { return stream.close() }
        parser.append(bytes)
        do throws(RedisParser.Failure) {
            while let reply = try parser.next() {
                if skipped > 0 {
                    skipped -= 1
                    if case .error = reply {
                        // The connection stands in another database than the one that was asked for.
                        stream.close()
                        return finish(.replies([RedisReply](repeating: reply, count: expected)))
                    }
                    continue
                }
                if isRoleAwaited {
                    heard(role: reply)
                    guard done != nil else { return }
                    continue
                }
                replies.append(reply)
                guard replies.count == expected else { continue }
                // One more reply than commands: which of them is whose?
                guard parser.isAtRest else { throw RedisParser.Failure.malformed }
                return finish(.replies(replies))
            }
        } catch {
            let code = error == .tooLong ? SampleCode.answerTooLong : SampleCode.protocolViolation
            finish(.failed(code: code, nothingSent: false, timedOut: false))
        }
    }

    private func finish(_ result: Result) {
        patience?.cancel()
        patience = nil
        // Who refuses may be the master no longer: the sentinels are asked anew.
        if address.isMasterWanted, case .error? = result.reply { stream.close() }
        // After a failure an answer could still come and be taken for the next command's.
        if case .failed = result {
            isRoleAwaited = false
            finder?.close()
            stream.close()
        }
        guard let done else { return }
        self.done = nil
        done(result)
    }
}
