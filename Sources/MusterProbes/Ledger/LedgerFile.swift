import Glibc
import MusterCore
import MusterSystem

/// The append-only file behind a ledger, and the thread that makes it durable.
///
/// Records are appended to a bounded buffer in memory; the thread writes what has gathered and calls
/// fdatasync(2) at most every 5 ms, then publishes how many records are durable. An acknowledgement counts only
/// once its record is among them: otherwise our own crash would turn a lost write into one that was never
/// acknowledged, and hide the loss.
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
    private let condition = Condition()
    private let capacity: Int
    private var buffer: [UInt8] = []
    private var waiting = 0
    private var waitingAcknowledged: Int64 = 0
    private var progressNow = Progress()
    private var isClosed = false
    /// Tests hold the thread here.
    private var isHeld = false
    private var thread: OwnThread?

    /// - Parameter capacity: records that may wait for the disk.
    /// - Throws: `MeasuringError.ledger` when the file exists already or cannot be made.
    init(path: String, header: LedgerRecord, capacity: Int = 65_536) throws {
        self.path = path
        self.capacity = capacity
        do {
            descriptor = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND)
            var bytes = LedgerRecord.magic
            header.frame(into: &bytes)
            try descriptor.write(bytes)
            try descriptor.synchronize()
            try synchronizeDirectory(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".")
        } catch {
            throw MeasuringError.ledger(path: path, "\(error); expected a folder where it can be made anew")
        }
        thread = try OwnThread("muster-fsync") { [self] in work() }
    }

    var progress: Progress { condition.withLock { progressNow } }

    /// Whether `count` more records find room. Only the thread that appends may rely on the answer.
    func hasRoom(for count: Int) -> Bool {
        condition.withLock { waiting + count <= capacity && progressNow.failure == nil && !isClosed }
    }

    /// Appends a record, always: room was asked for before its write was sent.
    /// - Returns: its number.
    @discardableResult
    func append(_ record: LedgerRecord) -> Int64 {
        condition.withLock {
            record.frame(into: &buffer)
            waiting += 1
            if case .outcome(_, _, .ok, _) = record { waitingAcknowledged += 1 }
            if case .outcome(_, _, .okWithWarning, _) = record { waitingAcknowledged += 1 }
            progressNow.appended += 1
            if waiting == 1 { condition.signal() }
            return progressNow.appended
        }
    }

    /// Waits until all that was appended is durable.
    /// - Returns: false when it is not by `deadline`, or never will be.
    func flush(until deadline: Instant) -> Bool {
        condition.withLock {
            while progressNow.durable < progressNow.appended, progressNow.failure == nil {
                if !condition.wait(until: deadline) { break }
            }
            return progressNow.durable == progressNow.appended
        }
    }

    func close() {
        condition.withLock {
            isClosed = true
            isHeld = false
            condition.signal()
        }
        thread?.join()
        thread = nil
    }

    /// Keeps records from becoming durable, as a stuck disk would. For tests.
    func hold(_ on: Bool) {
        condition.withLock {
            isHeld = on
            condition.signal()
        }
    }

    private func work() {
        while let batch = nextBatch() {
            let code = store(batch.bytes)
            condition.withLock {
                if code == 0 {
                    progressNow.durable += Int64(batch.count)
                    progressNow.acknowledged += batch.acknowledged
                } else {
                    // After a failed fsync the kernel may have dropped the pages: trying again proves nothing.
                    progressNow.failure = code
                }
                waiting -= batch.count
                condition.signal()
            }
            if code != 0 { return }
            // Gathers records instead of asking the disk for each.
            SystemTimekeeper().sleep(for: .milliseconds(3))
        }
    }

    private func nextBatch() -> (bytes: [UInt8], count: Int, acknowledged: Int64)? {
        condition.withLock {
            while isHeld || (buffer.isEmpty && !isClosed) { _ = condition.wait() }
            guard !buffer.isEmpty else { return nil }
            defer {
                buffer = []
                waitingAcknowledged = 0
            }
            return (buffer, waiting, waitingAcknowledged)
        }
    }

    private func store(_ bytes: [UInt8]) -> Int32 {
        do {
            try descriptor.write(bytes)
            return fdatasync(descriptor.number) == 0 ? 0 : errno
        } catch {
            return error.code
        }
    }
}
