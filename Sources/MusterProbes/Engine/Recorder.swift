import MusterCore
import MusterSystem
import Synchronization

/// Takes samples from the loops' threads and hands them on: to the live view at once, to the history and the
/// sink in batches on a thread of its own.
///
/// The queue is bounded. When nothing takes samples off it, they are dropped and counted, from history and sink
/// alike, so that what is judged is always what was stored.
final class Recorder: @unchecked Sendable {
    typealias Sink = @Sendable (_ signal: Int, _ samples: [Sample]) -> Void

    private let condition = Condition()
    private let capacity: Int
    private let sink: Sink
    private var queue: [(signal: Int32, sample: Sample)] = []
    private var statuses: [SignalStatus]
    /// Under a lock of its own: when it grows, no loop's thread waits.
    private let history: Mutex<[SampleSeries]>
    private var lateness = LatenessHistogram()
    private var dropped = 0
    private var missed = 0
    private var mark: Instant?
    private var isStopped = false
    private var isIdle = true
    private var thread: OwnThread?

    init(signals: [SignalStatus], capacity: Int, sink: @escaping Sink) throws {
        statuses = signals
        self.capacity = capacity
        self.sink = sink
        history = Mutex(signals.map { _ in SampleSeries() })
        queue.reserveCapacity(min(capacity, 65_536))
        thread = try OwnThread("muster-samples") { [self] in work() }
    }

    /// From any loop's thread.
    /// - Parameter isProbe: whether its lateness tells how well the instrument does.
    func add(_ sample: Sample, to signal: Int, isProbe: Bool) {
        condition.withLock {
            statuses[signal].add(sample, mark: mark)
            if sample.code == SampleCode.instrumentLate || sample.code == SampleCode.tooManyInFlight {
                missed += 1
            }
            if isProbe { lateness.add((sample.started - sample.due).nanoseconds) }
            guard queue.count < capacity else {
                dropped += 1
                return
            }
            queue.append((Int32(signal), sample))
        }
    }

    func setMark(_ instant: Instant) {
        condition.withLock {
            mark = instant
            for index in statuses.indices {
                statuses[index].firstBadAfterMark = nil
                statuses[index].firstGoodAfterBad = nil
            }
        }
    }

    func snapshot() -> (signals: [SignalStatus], instrument: InstrumentStatus) {
        condition.withLock {
            var instrument = InstrumentStatus()
            instrument.latenessP50 = .nanoseconds(lateness.quantile(0.5))
            instrument.latenessP99 = .nanoseconds(lateness.quantile(0.99))
            instrument.latenessMax = .nanoseconds(lateness.maximum)
            instrument.dropped = dropped
            instrument.missed = missed
            if dropped > 0 {
                instrument.suspicions.append("\(dropped) samples were lost: they could not be stored in time")
            }
            // What was due and not sent is no suspicion of its own: bounds are made of what was sent, so a gap
            // widens them, and the judge sees how far.
            return (statuses, instrument)
        }
    }

    /// Everything recorded so far, in the order of sending.
    func signals() -> [Signal] {
        flush()
        let kinds = condition.withLock { statuses }
        return history.withLock { history in
            zip(kinds, history).map { status, samples in
                Signal(name: status.name, writer: status.writer, every: status.every, samples: samples)
            }
        }
    }

    /// A quantile of latency since it was due, over samples due from `start` on; a failure takes for ever.
    /// - Returns: nil without samples, or when the quantile falls among failures.
    func latency(of signals: [Int], quantile share: Double, since start: Instant) -> Duration? {
        let found = history.withLock { history in
            signals.flatMap { signal in
                // What was due from then on was sent from then on.
                history[signal].sent(from: start).filter { $0.due >= start && $0.outcome != .unknown }
            }
        }
        let latencies = found.map { $0.isUp ? ($0.finished - $0.due).nanoseconds : .max }.sorted()
        guard !latencies.isEmpty else { return nil }
        let value = latencies[max(0, Int((share * Double(latencies.count)).rounded(.up)) - 1)]
        return value == .max ? nil : .nanoseconds(value)
    }

    /// Waits until what is queued has reached the history and the sink.
    func flush() {
        condition.withLock {
            condition.signal()
            while !(queue.isEmpty && isIdle), !isStopped { _ = condition.wait() }
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
        thread?.join()
        thread = nil
    }

    private func work() {
        while true {
            let (batch, isLast) = condition.withLock {
                if queue.isEmpty && !isStopped {
                    isIdle = true
                    condition.signal()
                    // `add` does not signal: a wake-up per sample would cost more than the sample.
                    _ = condition.wait(until: monotonicNow() + .milliseconds(50))
                }
                isIdle = queue.isEmpty
                defer {
                    queue = []
                    queue.reserveCapacity(1024)
                }
                return (queue, isStopped)
            }
            deliver(batch)
            if isLast { return }
        }
    }

    private func deliver(_ batch: [(signal: Int32, sample: Sample)]) {
        guard !batch.isEmpty else { return }
        let grouped = Dictionary(grouping: batch) { Int($0.signal) }
        for (signal, entries) in grouped.sorted(by: { $0.key < $1.key }) {
            let samples = entries.map(\.sample)
            history.withLock { history in
                for sample in samples { history[signal].append(sample) }
            }
            sink(signal, samples)
        }
    }
}
