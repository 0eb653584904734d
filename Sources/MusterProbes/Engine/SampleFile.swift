import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// A file without a name for the samples of a long run. It is made when they have outgrown what may lie in memory,
/// and gone with the process, whatever ends that.
///
/// A thread of its own writes it, so that nobody waits for its disk. What is not written yet is in memory, within a
/// limit; beyond it nothing is taken, and must be offered again. What cannot be written is tried again: the disk may be
/// full only for as long as the drill fills it.
final class SampleFile: SampleArchive {
    private let writer: SampleFileWriter

    /// - Parameters:
    ///   - directory: where it is made; in the nearest one above where that is not there.
    ///   - spare: bytes that may lie in memory; a million samples take some seven or eight million.
    ///   - limit: bytes that may wait to be written.
    init(near directory: String, spare: Int, limit: Int = 4 << 20) {
        writer = SampleFileWriter(directory, spare: spare, limit: limit)
    }

    deinit { writer.stop() }

    func keep(_ bytes: [UInt8]) -> ArchiveAnswer { writer.keep(bytes) }

    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        writer.read(at: place, into: bytes)
    }

    /// Why nothing is written at present, for people; nil while something is, or nothing waits.
    var trouble: String? { writer.trouble }

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
    /// Why the last try failed.
    private var failure: String?
    /// Since when the present try has been under way.
    private var triedSince: Instant?

    private let limit: Int
    /// Between two tries.
    private static let pause = Duration.milliseconds(500)

    init(_ directory: String, spare: Int, limit: Int) {
        self.directory = directory
        self.limit = limit
        self.spare = spare
    }

    func keep(_ bytes: [UInt8]) -> ArchiveAnswer {
        condition.withLock {
            if bytes.count <= spare {
                spare -= bytes.count
                return .unneeded
            }
            guard waitingBytes + bytes.count <= limit, start() else { return .full }
            waiting.append((end, bytes))
            waitingBytes += bytes.count
            condition.signal()
            defer { end += bytes.count }
            return .kept(at: end)
        }
    }

    var trouble: String? {
        condition.withLock {
            if !isStarted { return failure }
            let time = triedSince.map { SystemTimekeeper().monotonic() - $0 } ?? .zero
            if time > .seconds(1) { return "a write to it has been under way for \(time.forPeople)" }
            return failure
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
        if isStarted { return true }
        do {
            try startThread(name: "muster-spill") { [self] in work() }
            isStarted = true
        } catch { failure = describe(error) }
        return isStarted
    }

    private func work() {
        while let next = take() {
            let result = Result(catching: {
                let file = try condition.withLock { self.file } ?? make()
                condition.withLock { self.file = file }
                try Self.write(next.bytes, file, at: next.place)
            })
            condition.withLock {
                triedSince = nil
                switch result {
                case .success:
                    failure = nil
                    waiting.removeFirst()
                    waitingBytes -= next.bytes.count
                    condition.signal()
                case .failure(let error):
                    failure = describe(error)
                    // More that comes meanwhile is no reason to try earlier.
                    let next = SystemTimekeeper().monotonic() + Self.pause
                    while !isEnded, condition.wait(until: next) {}
                }
            }
        }
    }

    /// nil at the end: what was not written is of no use to anybody then.
    private func take() -> (place: Int, bytes: [UInt8])? {
        condition.withLock {
            while waiting.isEmpty, !isEnded { _ = condition.wait() }
            triedSince = SystemTimekeeper().monotonic()
            return isEnded ? nil : waiting.first
        }
    }

    private static func write(_ bytes: [UInt8], _ file: Descriptor, at place: Int) throws {
        try bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let taken = pwrite(
                    file.number, bytes.baseAddress! + written, bytes.count - written, place + written)
                if taken < 0, errno == EINTR { continue }
                if taken <= 0 { throw SystemError.last("write to it") }
                written += taken
            }
        }
    }

    private func make() throws -> Descriptor {
        var folder = directory
        while access(folder, W_OK | X_OK) != 0 {
            guard let slash = folder.lastIndex(of: "/"), slash > folder.startIndex else {
                throw SystemError("make it in a folder of '\(directory)'", code: EACCES)
            }
            folder = String(folder[..<slash])
        }
        let path = "\(folder)/.muster-samples-\(UInt64.random(in: 0 ... .max))"
        let file = try Descriptor(opening: path, O_RDWR | O_CREAT | O_EXCL)
        unlink(path)
        return file
    }
}
