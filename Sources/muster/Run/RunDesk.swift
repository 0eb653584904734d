import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Where a run hears of what people want of it from other terminals: it looks into the store a few times a second, on a
/// thread of its own, so that a disk that is slow holds nothing up but this.
final class RunDesk: @unchecked Sendable {
    private let store: OutcomeStore
    private let writer: StoreWriter
    private let run: String
    private let onAbort: @Sendable (String) -> Void
    private let condition = Condition()
    private let clock = SystemTimekeeper()
    // Guarded by `condition`.
    private var question: Int?
    private var seen: Question?
    private var isStopped = false

    private static let period = Duration.milliseconds(100)

    /// - Parameter onAbort: called on the desk's thread with the reason.
    /// - Throws: `SystemError` when the system gives no thread.
    init(
        _ store: OutcomeStore, _ writer: StoreWriter, run: String,
        onAbort: @escaping @Sendable (String) -> Void
    ) throws {
        self.store = store
        self.writer = writer
        self.run = run
        self.onAbort = onAbort
        try startThread(name: "muster-desk") { [self] in work() }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
    }

    /// Shows a question to everybody; nil when it cannot be kept.
    func show(_ question: Question) -> Int? {
        guard let number = try? writer.ask(question) else { return nil }
        condition.withLock {
            self.question = number
            seen = nil
        }
        return number
    }

    /// The question that was shown last, as it stood at the last look.
    var standing: Question? { condition.withLock { seen } }

    /// Says how it was answered here.
    /// - Returns: the answer that counts, which may be somebody else's; nil when the store cannot be written.
    func settle(
        _ number: Int, _ answer: Question.Answer, by actor: String?, reason: String?, evidence: String?
    ) -> Question? {
        condition.withLock { question = nil }
        let reply = try? writer.answer(
            number, answer, by: actor, reason: reason, evidence: evidence, at: clock.monotonic())
        switch reply {
        case .taken(let question), .answeredBefore(let question): return question
        case .tooLate, .nobodyWaits, .unknown, nil: return nil
        }
    }

    func acknowledge(_ number: Int, by actor: String) {
        writer.acknowledge(number, by: actor, at: clock.monotonic())
    }

    func redact(_ number: Int, reason: String?, evidence: String?) {
        writer.redact(number, reason: reason, evidence: evidence)
    }

    private func work() {
        while true {
            let number: Int? = condition.withLock {
                let wake = clock.monotonic() + Self.period
                while !isStopped, condition.wait(until: wake) {}
                return question
            }
            if condition.withLock({ isStopped }) { return }
            if let number, let found = try? store.question(number) {
                condition.withLock { if question == number { seen = found } }
            }
            for request in (try? store.abortRequests(ofRun: run)) ?? [] {
                writer.take(request)
                onAbort("\(request.actor): \(request.reason) (from another terminal)")
            }
        }
    }
}

extension StoreWriter {
    /// Returns once it is durable.
    fileprivate func ask(_ question: Question) throws -> Int {
        var number = 0
        try now { store, _ in number = try store.ask(question) }
        return number
    }

    fileprivate func answer(
        _ number: Int, _ answer: Question.Answer, by actor: String?, reason: String?, evidence: String?,
        at now: Instant
    ) throws -> QuestionReply {
        var reply = QuestionReply.unknown
        try self.now { store, _ in
            reply = try store.answer(
                number, answer, by: actor, reason: reason, evidence: evidence, at: now, isRun: true)
        }
        return reply
    }

    fileprivate func acknowledge(_ number: Int, by actor: String, at now: Instant) {
        later { store, _ in _ = try store.acknowledge(number, by: actor, at: now) }
    }

    fileprivate func redact(_ number: Int, reason: String?, evidence: String?) {
        later { store, _ in try store.redact(number, reason: reason, evidence: evidence) }
    }

    fileprivate func take(_ request: AbortRequest) {
        later { store, _ in try store.takeAbortRequest(request.number) }
    }
}
