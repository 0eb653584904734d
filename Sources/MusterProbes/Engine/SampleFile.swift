import Glibc
import MusterCore
import MusterSystem

/// A file without a name for the samples of a long run. It is made when they have outgrown what may lie in memory,
/// and gone with the process, whatever ends that.
///
/// A thread of its own writes it, so that nobody waits for its disk. What is not written yet is in memory, within a
/// limit; beyond it nothing is taken, and stays where it was. What cannot be written is tried again: the disk may be
/// full only for as long as the drill fills it.
final class SampleFile: SampleArchive {
    private let writer: SampleFileWriter

    /// - Parameters:
    ///   - directory: where it is made; in the nearest one above where that is not there.
    ///   - spare: bytes that may lie in memory; a million samples take some seven or eight.
    init(near directory: String, spare: Int) { writer = SampleFileWriter(directory, spare: spare) }

    deinit { writer.stop() }

    func keep(_ bytes: [UInt8]) -> Int? { writer.keep(bytes) }

    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        writer.read(at: place, into: bytes)
    }

    /// Waits until all that was taken is written; for tests.
    func flush() { writer.flush() }
}

/// What the file shares with its thread, which would keep the file itself alive.
private final class SampleFileWriter: @unchecked Sendable {
    private let directory: String
    private let condition = Condition()
    // Guarded by `condition`.
    private var spare: Int
    private var file: Descriptor?
    private var end = 0
    /// By place, in order.
    private var waiting: [(place: Int, bytes: [UInt8])] = []
    private var waitingBytes = 0
    private var isStarted = false
    private var isEnded = false

    private static let limit = 4 << 20
    /// Between two tries.
    private static let pause = Duration.milliseconds(500)

    init(_ directory: String, spare: Int) {
        self.directory = directory
        self.spare = spare
    }

    func keep(_ bytes: [UInt8]) -> Int? {
        condition.withLock {
            if bytes.count <= spare {
                spare -= bytes.count
                return nil
            }
            guard waitingBytes + bytes.count <= Self.limit, start() else { return nil }
            waiting.append((end, bytes))
            waitingBytes += bytes.count
            condition.signal()
            defer { end += bytes.count }
            return end
        }
    }

    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        let number: Int32? = condition.withLock {
            guard let found = waiting.first(where: { $0.place == place }) else { return file?.number }
            bytes.copyBytes(from: found.bytes.prefix(bytes.count))
            return nil
        }
        guard let number else { return true }
        // What lies there stays as it is: no lock is held while the disk is waited for.
        var filled = 0
        while filled < bytes.count {
            let got = pread(number, bytes.baseAddress! + filled, bytes.count - filled, place + filled)
            if got < 0, errno == EINTR { continue }
            if got <= 0 { return false }
            filled += got
        }
        return true
    }

    func flush() { condition.withLock { while !waiting.isEmpty { _ = condition.wait() } } }

    func stop() {
        condition.withLock {
            isEnded = true
            condition.signal()
        }
    }

    // MARK: The thread

    private func start() -> Bool {
        if !isStarted { isStarted = (try? startThread(name: "muster-spill") { [self] in work() }) != nil }
        return isStarted
    }

    private func work() {
        while let next = take() {
            let file = condition.withLock { self.file } ?? make()
            let isWritten = file.map { Self.write(next.bytes, $0, at: next.place) } ?? false
            condition.withLock {
                self.file = file
                if isWritten {
                    waiting.removeFirst()
                    waitingBytes -= next.bytes.count
                    condition.signal()
                } else if !isEnded {
                    _ = condition.wait(until: SystemTimekeeper().monotonic() + Self.pause)
                }
            }
        }
    }

    /// nil at the end: what was not written is of no use to anybody then.
    private func take() -> (place: Int, bytes: [UInt8])? {
        condition.withLock {
            while waiting.isEmpty, !isEnded { _ = condition.wait() }
            return isEnded ? nil : waiting.first
        }
    }

    private static func write(_ bytes: [UInt8], _ file: Descriptor, at place: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let taken = pwrite(
                    file.number, bytes.baseAddress! + written, bytes.count - written, place + written)
                if taken < 0, errno == EINTR { continue }
                if taken <= 0 { return false }
                written += taken
            }
            return true
        }
    }

    /// nil when it cannot be made.
    private func make() -> Descriptor? {
        var folder = directory
        while !folder.isEmpty, access(folder, W_OK | X_OK) != 0 {
            guard let slash = folder.lastIndex(of: "/") else { return nil }
            folder = String(folder[..<slash])
        }
        guard !folder.isEmpty else { return nil }
        let path = "\(folder)/.muster-samples-\(UInt64.random(in: 0 ... .max))"
        guard let file = try? Descriptor(opening: path, O_RDWR | O_CREAT | O_EXCL) else { return nil }
        unlink(path)
        return file
    }
}
