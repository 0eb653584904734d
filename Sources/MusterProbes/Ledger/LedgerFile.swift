import CCurl
import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// The append-only file behind a ledger, and the thread that makes it durable.
///
/// The thread that writes puts records into a ring; this file's own thread frames what has gathered, writes
/// it, calls fdatasync(2) at most every 5 ms, and only then releases it from the ring. So what is released is
/// durable, and what is not is still there to be looked at. An acknowledgement counts only once its record is
/// durable: otherwise our own crash would turn a lost write into one that was never acknowledged, and hide
/// the loss.
final class LedgerFile: @unchecked Sendable {
    /// What is known about the records so far, by their numbers, which count from 1.
    struct Progress: Sendable {
        var appended: Int64 = 0
        var durable: Int64 = 0
        /// Acknowledgements among the durable ones.
        var acknowledged: Int64 = 0
        /// Why nothing more becomes durable.
        var failure: Int32?
    }

    let path: String
    private let descriptor: Descriptor
    private let ring: Ring<LedgerRecord>
    /// Of the records that are written at once; the thread's.
    private let frames: Pages
    private let acknowledged = Atomic<Int>(0)
    private let failure = Atomic<Int32>(0)
    private let isClosed = Atomic<Bool>(false)
    /// Tests hold the thread here.
    private let isHeld = Atomic<Bool>(false)
    /// The thread found nothing to do and wants to be woken; only then does appending cost a call to the
    /// kernel.
    private let isAsleep = Atomic<Bool>(false)
    private let bell: Descriptor
    private var thread: OwnThread?

    /// Records that are written and synchronized at once, at most.
    private static let batch = 16_384
    /// Gathers records instead of asking the disk for each.
    private static let gathering = Duration.milliseconds(3)

    /// - Parameter capacity: records that may wait for the disk.
    /// - Throws: `MeasuringError.ledger` when the file exists already or cannot be made.
    init(path: String, header: LedgerHeader, capacity: Int = 65_536) throws {
        self.path = path
        ring = try Ring(capacity: capacity)
        frames = try Pages(byteCount: Self.batch * LedgerRecord.longestFrame)
        let number = ccurl_eventfd_new(1)
        guard number >= 0 else { throw MeasuringError.system("cannot make an eventfd", errno) }
        bell = Descriptor(adopting: number)
        do {
            descriptor = try Descriptor(opening: path, O_RDWR | O_CREAT | O_EXCL | O_APPEND)
            try descriptor.write(LedgerHeader.magic + header.frame)
            try descriptor.synchronize()
            try synchronizeDirectory(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".")
        } catch {
            throw MeasuringError.ledger(path: path, "\(error); expected a folder where it can be made anew")
        }
        thread = try OwnThread("muster-fsync") { [self] in work() }
    }

    var progress: Progress {
        // In this order, so that durable never exceeds appended.
        let durable = ring.released
        let code = failure.load(ordering: .acquiring)
        return Progress(
            appended: Int64(ring.pushed), durable: Int64(durable),
            acknowledged: Int64(acknowledged.load(ordering: .acquiring)), failure: code == 0 ? nil : code)
    }

    // MARK: For the thread that appends

    /// Whether `count` more records find room.
    func hasRoom(for count: Int) -> Bool {
        ring.count + count <= ring.capacity && failure.load(ordering: .relaxed) == 0
            && !isClosed.load(ordering: .relaxed)
    }

    /// Appends a record, always: room was asked for before its write was sent. Should there be none all the
    /// same, it waits for the disk rather than drop anything; once the disk has failed nothing can be kept,
    /// and an outcome without a record is in doubt.
    func append(_ record: LedgerRecord) {
        while !ring.push(record) {
            if failure.load(ordering: .acquiring) != 0 || isClosed.load(ordering: .acquiring) { return }
            SystemTimekeeper().sleep(for: .milliseconds(1))
        }
        // Either the thread sees the record before it sleeps, or this sees that it sleeps.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAsleep.load(ordering: .relaxed) { wakeUp() }
    }

    /// What is not durable yet, in order, and how many records before it are: the taker releases nothing that
    /// could be overwritten while the thread that appends is here.
    func notDurable() -> (durable: Int, records: [LedgerRecord]) {
        let durable = ring.released
        return (durable, (durable..<ring.pushed).map { ring[$0] })
    }

    // MARK: From any thread

    /// Waits until all that was appended is durable.
    /// - Returns: false when it is not by `deadline`, or never will be.
    func flush(until deadline: Instant) -> Bool {
        let appended = ring.pushed
        while ring.released < appended {
            if failure.load(ordering: .acquiring) != 0 || monotonicNow() >= deadline { return false }
            SystemTimekeeper().sleep(for: .milliseconds(1))
        }
        return true
    }

    func close() {
        isClosed.store(true, ordering: .releasing)
        hold(false)
        thread?.join()
        thread = nil
    }

    /// Keeps records from becoming durable, as a stuck disk would. For tests.
    func hold(_ on: Bool) {
        isHeld.store(on, ordering: .releasing)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        wakeUp()
    }

    private func wakeUp() {
        guard isAsleep.exchange(false, ordering: .acquiringAndReleasing) else { return }
        var one: UInt64 = 1
        _ = write(bell.number, &one, 8)
    }

    // MARK: The thread

    private func work() {
        let frames = frames.bytes
        while true {
            let first = ring.released
            let end = min(ring.pushed, first + Self.batch)
            if isHeld.load(ordering: .acquiring) || first == end {
                if first == end, isClosed.load(ordering: .acquiring), ring.pushed == end { return }
                rest()
                continue
            }
            var count = 0
            var newlyAcknowledged = 0
            for position in first..<end {
                let record = ring[position]
                count += record.frame(into: frames.baseAddress! + count)
                if record.isAcknowledgement { newlyAcknowledged += 1 }
            }
            let code = store(UnsafeRawBufferPointer(rebasing: frames[..<count]))
            guard code == 0 else {
                // After a failed fsync the kernel may have dropped the pages: trying again proves nothing.
                return failure.store(code, ordering: .releasing)
            }
            ring.release(to: end)
            acknowledged.add(newlyAcknowledged, ordering: .releasing)
            SystemTimekeeper().sleep(for: Self.gathering)
        }
    }

    /// Until there is something to do.
    private func rest() {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        let isIdle = isHeld.load(ordering: .acquiring) || ring.pushed == ring.released
        if isIdle, !isClosed.load(ordering: .acquiring) {
            var count: UInt64 = 0
            while read(bell.number, &count, 8) < 0, errno == EINTR {}
        } else if !isAsleep.exchange(false, ordering: .acquiringAndReleasing) {
            // Somebody rang meanwhile.
            var count: UInt64 = 0
            _ = read(bell.number, &count, 8)
        }
    }

    private func store(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        var rest = bytes
        while !rest.isEmpty {
            let taken = write(descriptor.number, rest.baseAddress, rest.count)
            if taken < 0 && errno == EINTR { continue }
            if taken <= 0 { return taken == 0 ? ENOSPC : errno }
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
        return fdatasync(descriptor.number) == 0 ? 0 : errno
    }
}
