import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// The one thread of a run that waits for the disk of the outcomes; nothing that measures or holds a lease
/// ever does. What came meanwhile is written in one transaction.
///
/// A store that cannot be written ends no undo: it is reported once, and whatever is asked for goes on being
/// tried, because the disk may only be full for as long as the drill fills it. Samples wait for it within a
/// limit; whoever brings more is held up, and what the rings then cannot hold counts as lost by the
/// instrument.
final class StoreWriter: @unchecked Sendable {
    private struct Job {
        /// Whether somebody waits for what comes of it, and does without it when it fails.
        let isAwaited: Bool
        let body: (OutcomeStore, String) throws -> Void
    }

    private let store: OutcomeStore
    private let run: String
    private let keepsSamples: Bool
    private let report: @Sendable (any Error) -> Void
    private let condition = Condition()
    // Guarded by `condition`.
    private var waiting = StoreBatch()
    private var jobs: [Job] = []
    private var failure: (any Error)?
    private var wasReported = false
    private var discarded = 0
    private var isStopped = false
    private var hasEnded = false

    private static let sampleLimit = 262_144
    /// Between two tries of a store that fails.
    private static let pause = Duration.milliseconds(500)

    /// - Parameters:
    ///   - keepsSamples: without it samples are left out; what is kept of them is `SignalSummary`.
    ///   - report: called once, on the store's thread, when it cannot be written for the first time.
    /// - Throws: `SystemError` when the system gives no thread.
    init(
        _ store: OutcomeStore, run: String, keepsSamples: Bool,
        report: @escaping @Sendable (any Error) -> Void
    ) throws {
        self.store = store
        self.run = run
        self.keepsSamples = keepsSamples
        self.report = report
        try startThread(name: "muster-store") { [self] in work() }
    }

    func append(_ event: Event) {
        condition.withLock {
            waiting.events.append(event)
            condition.signal()
        }
    }

    /// In place of one that has not been written yet.
    func append(_ pulse: RunPulse) {
        condition.withLock {
            waiting.pulse = pulse
            condition.signal()
        }
    }

    /// Waits while too many are waiting already.
    func append(_ samples: [Sample], of signal: Signal) {
        guard keepsSamples else { return }
        condition.withLock {
            while waiting.sampleCount >= Self.sampleLimit, failure == nil { _ = condition.wait() }
            guard waiting.sampleCount < Self.sampleLimit else {
                discarded += samples.count
                return
            }
            waiting.add(samples, of: signal)
            condition.signal()
        }
    }

    func record(_ summaries: [SignalSummary]) { later { try $0.record(summaries, in: $1) } }
    func record(_ runbook: RunbookRecord) { later { try $0.record(runbook, in: $1) } }
    func record(_ injection: InjectionRecord) { later { try $0.record(injection, in: $1) } }

    /// Puts a notice into the outbox.
    func post(_ notice: Notice, by notifier: Notifier) {
        later { store, _ in try notifier.post(notice, in: store) }
    }

    /// Returns once the record is durable: what is asked of a guard must be known here first.
    func recordNow(_ injection: InjectionRecord) throws { try now { try $0.record(injection, in: $1) } }

    /// Writes what is left, then the closing; the thread ends with it.
    func finish(_ closing: RunClosing) throws {
        defer { stop() }
        try now { try $0.finish($1, closing) }
    }

    /// Samples that found no room because the store could not be written.
    var discardedSamples: Int { condition.withLock { discarded } }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
            while !hasEnded { _ = condition.wait() }
        }
    }

    /// In order with everything else, without anybody waiting for it; tried until it can be written.
    func later(_ body: @escaping (OutcomeStore, String) throws -> Void) {
        condition.withLock {
            jobs.append(Job(isAwaited: false, body: body))
            condition.signal()
        }
    }

    /// After everything that was asked for before; returns once it is durable.
    func now(_ body: @escaping (OutcomeStore, String) throws -> Void) throws {
        var result: Result<Void, any Error>?
        condition.withLock {
            let job = Job(isAwaited: true) { [self] store, run in
                let found = Result {
                    // What it comes after could not be written and waits.
                    if let failure = condition.withLock({ waiting.isEmpty ? nil : self.failure }) {
                        throw failure
                    }
                    try body(store, run)
                }
                condition.withLock {
                    result = found
                    condition.signal()
                }
                try found.get()
            }
            jobs.append(job)
            condition.signal()
            while result == nil { _ = condition.wait() }
        }
        try result?.get()
    }

    // MARK: The thread

    private func work() {
        while let (batch, jobs) = take() {
            condition.withLock {
                failure = nil
                condition.signal()
            }
            if !batch.isEmpty {
                do {
                    try store.append(batch, to: run)
                } catch {
                    // In one transaction: nothing of it was written.
                    condition.withLock { waiting = batch.followed(by: waiting) }
                    note(error)
                }
            }
            var undone: [Job] = []
            for job in jobs {
                // In order: what could not be done is done again before what came after it.
                guard undone.isEmpty || job.isAwaited else {
                    undone.append(job)
                    continue
                }
                do { try job.body(store, run) } catch {
                    if !job.isAwaited { undone.append(job) }
                    note(error)
                }
            }
            condition.withLock { self.jobs.insert(contentsOf: undone, at: 0) }
        }
        condition.withLock {
            hasEnded = true
            condition.signal()
        }
    }

    /// nil when the end has come.
    private func take() -> (StoreBatch, [Job])? {
        condition.withLock {
            let retry = SystemTimekeeper().monotonic() + Self.pause
            while !isStopped {
                if jobs.contains(where: \.isAwaited) { break }
                if failure != nil {
                    if !condition.wait(until: retry) { break }
                } else if waiting.isEmpty, jobs.isEmpty {
                    _ = condition.wait()
                } else {
                    break
                }
            }
            let isLeft = !(jobs.isEmpty && waiting.isEmpty) && failure == nil
            if isStopped, !isLeft, !jobs.contains(where: \.isAwaited) { return nil }
            defer {
                waiting = StoreBatch()
                jobs = []
            }
            return (waiting, jobs)
        }
    }

    private func note(_ error: any Error) {
        let isFirst = condition.withLock {
            defer { condition.signal() }
            let isFirst = !wasReported
            wasReported = true
            failure = error
            return isFirst
        }
        if isFirst { report(error) }
    }
}
