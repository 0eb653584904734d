import MusterCore
import MusterDrills
import MusterSystem
import Synchronization

/// Takes samples from the loops' threads and hands them on: to the live view when that looks, to the history
/// and the sink in batches on a thread of its own.
///
/// Each loop's thread has a ring of its own and never waits. Samples stay in it until they were handed on;
/// when nothing takes them off, newer ones are dropped and counted, from history and sink alike, so that what
/// is judged is always what was stored.
final class Recorder: @unchecked Sendable {
    typealias Sink = @Sendable (_ signal: Int, _ samples: [Sample]) -> Void

    private let probes: SampleLane
    private let writers: SampleLane
    private let sink: Sink
    private let history: Mutex<[SampleSeries]>
    /// Guards what follows. Taken by those who look and by the recorder's thread, never by a loop's thread.
    private let condition = Condition()
    private var statuses: [SignalStatus]
    private var lateness = LatenessHistogram()
    private var watch = InstrumentWatch()
    private var missed = 0
    private var mark: Instant?
    /// By lane: up to where the ring was looked at, which is at least as far as it was taken.
    private var seen = [0, 0]
    private var isStopped = false
    private var isUrged = false
    /// Those who wait in `flush`.
    private var flushing = 0
    /// Whether nothing is handed on, because too much of the history waits for its archive.
    private var isHeldUp = false
    private let owedLimit: Int
    private var thread: OwnThread?

    /// Samples that are handed on at once, at most.
    private static let batch = 65_536
    /// Nobody wakes the recorder: a wake-up per sample would cost more than the sample.
    private static let pause = Duration.milliseconds(50)

    /// - Parameters:
    ///   - capacity: samples that may wait, of probes and of writers each.
    ///   - history: of each signal, empty; with an archive, memory does not grow with it.
    ///   - owedLimit: bytes of the history that may wait in memory for their archives. Beyond them samples stay in the
    ///     rings, and are dropped when these are full.
    init(
        signals: [SignalStatus], capacity: Int, history: [SampleSeries]? = nil, owedLimit: Int = .max,
        sink: @escaping Sink
    ) throws {
        statuses = signals
        self.owedLimit = owedLimit
        probes = try SampleLane(capacity: capacity)
        writers = try SampleLane(capacity: capacity)
        self.sink = sink
        self.history = Mutex(history ?? signals.map { _ in SampleSeries() })
        thread = try OwnThread("muster-samples") { [self] in work() }
    }

    private var lanes: [SampleLane] { [probes, writers] }

    // MARK: From a loop's thread

    /// - Parameters:
    ///   - signal: an index of the signals, or the canary's number.
    ///   - isProbe: whether it comes from the probes' thread; their lateness tells how well the instrument
    ///     does.
    func add(_ sample: Sample, to signal: Int, isProbe: Bool) {
        (isProbe ? probes : writers).add(SampleRecord(sample, of: signal))
    }

    // MARK: From any other thread

    func setMark(_ instant: Instant) {
        condition.withLock {
            look()
            mark = instant
            for index in statuses.indices {
                statuses[index].firstBadAfterMark = nil
                statuses[index].firstGoodAfterBad = nil
            }
        }
    }

    func snapshot() -> (signals: [SignalStatus], instrument: InstrumentStatus) {
        condition.withLock {
            look()
            var instrument = InstrumentStatus()
            instrument.latenessP50 = .nanoseconds(lateness.quantile(0.5))
            instrument.latenessP99 = .nanoseconds(lateness.quantile(0.99))
            instrument.latenessMax = .nanoseconds(lateness.maximum)
            instrument.dropped = lanes.reduce(0) { $0 + $1.drops.count }
            instrument.missed = missed
            instrument.isHeldUp = isHeldUp
            instrument.canaryFailures = watch.canaryFailures
            instrument.windows = watch.closed(by: isStopped ? nil : monotonicNow())
            // What was due and not sent is no suspicion of its own: bounds are made of what was sent, so a
            // gap widens them, and the judge sees how far.
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
        var latencies: [Int64] = []
        // Copies: older samples may have to be read from a disk, and the recorder must not wait for that.
        for samples in history.withLock({ history in signals.map { history[$0] } }) {
            // What was due from then on was sent from then on.
            for sample in samples.sent(from: start) {
                guard sample.due >= start, sample.outcome != .unknown else { continue }
                latencies.append(sample.isUp ? (sample.finished - sample.due).nanoseconds : .max)
            }
        }
        guard !latencies.isEmpty else { return nil }
        let rank = max(0, Int((share * Double(latencies.count)).rounded(.up)) - 1)
        let value = latencies.nth(rank)
        return value == .max ? nil : .nanoseconds(value)
    }

    /// Waits until what was added until now has reached the history and the sink.
    func flush() {
        let goals = lanes.map(\.ring.pushed)
        condition.withLock {
            isUrged = true
            flushing += 1
            defer { flushing -= 1 }
            condition.signal()
            while !isStopped, zip(lanes, goals).contains(where: { $0.ring.released < $1 }) {
                _ = condition.wait()
            }
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

    // MARK: The recorder's side

    /// Looks at what came since the last time. Within the lock.
    private func look() {
        for (index, lane) in lanes.enumerated() {
            let end = lane.ring.pushed
            for position in seen[index]..<end { look(at: lane.ring[position], isProbe: index == 0) }
            seen[index] = end
            watch.add(lane.drops, lane: index, now: monotonicNow())
        }
    }

    private func look(at record: SampleRecord, isProbe: Bool) {
        let sample = record.sample
        guard record.signal != SampleRecord.canary else { return watch.addCanary(sample) }
        statuses[Int(record.signal)].add(sample, mark: mark)
        if sample.code == SampleCode.instrumentLate || sample.code == SampleCode.tooManyInFlight {
            missed += 1
        }
        guard isProbe else { return }
        lateness.add((sample.started - sample.due).nanoseconds)
        watch.add(sample, every: statuses[Int(record.signal)].every)
    }

    private func work() {
        while true {
            let (ends, isLast, isAwaited) = condition.withLock {
                if !isStopped, !isUrged { _ = condition.wait(until: monotonicNow() + Self.pause) }
                isUrged = false
                // Before the rings are looked at: what the loops put in before they ended is in the last
                // batch.
                let isLast = isStopped
                look()
                return (
                    zip(lanes, seen).map { min($1, $0.ring.released + Self.batch) }, isLast, flushing > 0
                )
            }
            let isFull = settleDebts()
            condition.withLock { isHeldUp = isFull }
            // What somebody waits for is no more than the rings hold.
            if isFull, !isLast, !isAwaited { continue }
            let isEmptied = handOn(ends)
            condition.withLock {
                for (lane, end) in zip(lanes, ends) { lane.ring.release(to: end) }
                condition.signal()
            }
            if isLast, isEmptied { return }
        }
    }

    /// - Returns: whether more of the history waits for its archives than may.
    private func settleDebts() -> Bool {
        history.withLock { history in
            var owed = 0
            for index in history.indices where history[index].owedBytes > 0 {
                history[index].offerAgain()
                owed += history[index].owedBytes
            }
            return owed > owedLimit
        }
    }

    /// - Returns: whether nothing was there.
    private func handOn(_ ends: [Int]) -> Bool {
        var batches = [[Sample]](repeating: [], count: statuses.count)
        var isEmpty = true
        for (lane, end) in zip(lanes, ends) {
            for position in lane.ring.released..<end {
                isEmpty = false
                let record = lane.ring[position]
                if record.signal >= 0 { batches[Int(record.signal)].append(record.sample) }
            }
        }
        for (signal, samples) in batches.enumerated() where !samples.isEmpty {
            history.withLock { history in
                for sample in samples { history[signal].append(sample) }
            }
            sink(signal, samples)
        }
        return isEmpty
    }
}

extension [Int64] {
    /// The element that would stand at `rank` were they sorted (Hoare's selection).
    func nth(_ rank: Int) -> Int64 {
        var numbers = self
        var (low, high) = (0, numbers.count - 1)
        while low < high {
            let pivot = numbers[low + (high - low) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while numbers[left] < pivot { left += 1 }
                while numbers[right] > pivot { right -= 1 }
                if left <= right {
                    numbers.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if rank <= right {
                high = right
            } else if rank >= left {
                low = left
            } else {
                return numbers[rank]
            }
        }
        return numbers[rank]
    }
}
