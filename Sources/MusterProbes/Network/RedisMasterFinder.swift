import Glibc
import MusterCore

/// Asks sentinels, one after the other, where the master is, as clients do
/// (https://redis.io/docs/latest/develop/reference/sentinel-clients, steps 1 and 2). Belongs to its loop's thread.
///
/// Nothing is remembered but which sentinel answered last: that one is asked first. Each is given its share of the
/// time, so that one that hangs does not use up all of it.
final class RedisMasterFinder {
    enum Answer {
        case master(Endpoint)
        /// No sentinel knew: what the last one of them failed with.
        case failed(Int32)
    }

    private let loop: EventLoop
    private let sentinels: RedisSentinels
    private let stream: StreamConnection
    private var parser = RedisParser(limit: answerLimit)
    /// Index of the sentinel that answered last.
    private var best = 0
    /// How many have been asked this time.
    private var asked = 0
    private var ticket: TimerQueue.Ticket?
    private var share = Duration.zero
    private var done: ((Answer) -> Void)?
    private weak var patience: Patience?

    /// Bytes of one answer: an address of two short strings.
    private static let answerLimit = 4096

    init(loop: EventLoop, sentinels: RedisSentinels) {
        self.loop = loop
        self.sentinels = sentinels
        stream = StreamConnection(loop: loop)
        stream.received = { [unowned self] in received($0) }
        stream.ended = { [unowned self] in failed($0 == 0 ? SampleCode.endOfStream : $0) }
    }

    deinit { close() }

    /// - Parameters:
    ///   - patience: hears of every step; ending it ends nothing here, `close` does.
    ///   - done: called once, unless it is closed before.
    func find(_ patience: Patience, done: @escaping (Answer) -> Void) {
        close()
        self.done = done
        self.patience = patience
        stream.patience = patience
        // One more share than sentinels, for the server itself.
        share = patience.limit / (sentinels.endpoints.count + 1)
        asked = 0
        ask()
    }

    /// Ends the search without an answer.
    func close() {
        done = nil
        stopClock()
        stream.close()
    }

    private var current: Int { (best + asked) % sentinels.endpoints.count }

    private func ask() {
        parser = RedisParser(limit: Self.answerLimit)
        ticket = loop.at(monotonicNow() + share) { [unowned self] in
            ticket = nil
            stream.close()
            failed(ETIMEDOUT)
        }
        stream.open(sentinels.endpoints[current]) { [unowned self] code in
            guard code == 0 else { return failed(code) }
            stream.send(RedisReply.command(["SENTINEL", "get-master-addr-by-name", sentinels.master]))
        }
    }

    private func stopClock() {
        if let ticket { loop.cancel(ticket) }
        ticket = nil
    }

    private func failed(_ code: Int32) {
        stopClock()
        guard done != nil else { return }
        asked += 1
        guard asked < sentinels.endpoints.count else { return finish(.failed(code)) }
        ask()
    }

    private func received(_ bytes: [UInt8]) {
        parser.append(bytes)
        do throws(RedisParser.Failure) {
            guard let reply = try parser.next() else { return }
            stream.close()
            guard let endpoint = Self.endpoint(reply) else {
                if case .array = reply { return failed(SampleCode.protocolViolation) }
                // nil: it watches no master of that name; an error: it is none of the sentinels.
                return failed(reply == .bulk(nil) ? SampleCode.noMaster : SampleCode.refusedByServer)
            }
            best = current
            stopClock()
            finish(.master(endpoint))
        } catch {
            stream.close()
            failed(error == .tooLong ? SampleCode.answerTooLong : SampleCode.protocolViolation)
        }
    }

    private func finish(_ answer: Answer) {
        let done = self.done
        self.done = nil
        done?(answer)
    }

    private static func endpoint(_ reply: RedisReply) -> Endpoint? {
        guard case .array(let parts) = reply, parts.count == 2, case .bulk(let host?) = parts[0],
            case .bulk(let port?) = parts[1]
        else { return nil }
        return Endpoint(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
    }
}
