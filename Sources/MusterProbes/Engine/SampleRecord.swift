import MusterCore
import MusterDrills
import Synchronization

/// A sample on its way from a loop's thread to the recorder: plain bytes of fixed size.
struct SampleRecord: Sendable, BitwiseCopyable {
    /// Index in the engine's signals; `canary` for the canary's.
    let signal: Int32
    let code: Int32
    let due: Int64
    let started: Int64
    let finished: Int64
    let blind: Int64
    let outcome: UInt8

    static let canary: Int32 = -1

    init(_ sample: Sample, of signal: Int) {
        self.signal = Int32(signal)
        code = sample.code
        due = sample.due.nanoseconds
        started = sample.started.nanoseconds
        finished = sample.finished.nanoseconds
        blind = sample.blind.nanoseconds
        outcome = sample.outcome.rawValue
    }

    var sample: Sample {
        Sample(
            due: Instant(nanoseconds: due), started: Instant(nanoseconds: started),
            finished: Instant(nanoseconds: finished), outcome: Sample.Outcome(rawValue: outcome) ?? .unknown,
            code: code, blind: .nanoseconds(blind))
    }
}

/// The way of one loop's thread to the recorder. What finds no room is dropped, counted, and dated.
final class SampleLane: @unchecked Sendable {
    let ring: Ring<SampleRecord>
    private let dropped = Atomic<Int>(0)
    private let firstDropped = Atomic<Int64>(0)
    private let lastDropped = Atomic<Int64>(0)
    /// Only touched by the loop's thread.
    private var isDropping = false

    init(capacity: Int) throws { ring = try Ring(capacity: capacity) }

    /// Only for the loop's thread.
    func add(_ record: SampleRecord) {
        if ring.push(record) {
            isDropping = false
            return
        }
        if !isDropping { firstDropped.store(record.due, ordering: .relaxed) }
        isDropping = true
        lastDropped.store(record.finished, ordering: .relaxed)
        dropped.add(1, ordering: .releasing)
    }

    /// How many were dropped so far, and from when to when the last row of them lasted.
    var drops: (count: Int, first: Int64, last: Int64) {
        let count = dropped.load(ordering: .acquiring)
        return (count, firstDropped.load(ordering: .relaxed), lastDropped.load(ordering: .relaxed))
    }
}
