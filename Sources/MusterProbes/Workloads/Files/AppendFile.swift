import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// The file to which all writers of a workload append. Each line is an entry: `<key> <value>`.
///
/// An entry is written with a line feed before and after it, so that what a crash has torn off stays on a line of
/// its own and spoils no other.
final class AppendFile: Sendable {
    let path: String
    let directory: String
    let names: KeyNames
    private let header: String
    /// Guards the order of writes, and the file's making.
    private let isMade = Mutex(false)
    private let newest = Mutex<(began: Instant, contents: Result<AppendContents, SystemError>)?>(nil)

    init(in directory: String, for run: StoreRun) {
        self.directory = directory
        names = run.names
        path = "\(directory)/\(run.names.prefix.dropLast()).log"
        header = "muster append 1 \(run.names.prefix)"
    }

    /// One writer's descriptor. Each has its own, because the kernel tells a failed write-back once to each
    /// (fsync(2)): with one for all, only one writer would hear of it.
    final class Writer {
        private let file: AppendFile
        private var descriptor: Descriptor?

        init(_ file: AppendFile) { self.file = file }

        func close() { descriptor = nil }

        func append(_ key: String, _ value: String, _ claim: BlockingWorker.Claim) -> WriteAnswer {
            do throws(SystemError) {
                let descriptor = try ready()
                if let refusal = try file.append("\n\(key) \(value)\n", to: descriptor, claim) {
                    return refusal
                }
                do throws(SystemError) {
                    try descriptor.synchronize()
                } catch {
                    // The line may be on the disk or not; a later fsync would not tell (fsync(2), errors).
                    self.descriptor = nil
                    return .inDoubt(error.code)
                }
                return .acknowledged()
            } catch {
                return .refused(error.code)
            }
        }

        /// A file that was put in the place of ours, as by a restore, is opened anew.
        private func ready() throws(SystemError) -> Descriptor {
            try file.make()
            if let descriptor, AppendFile.isAt(file.path, descriptor) { return descriptor }
            let opened = try Descriptor(opening: file.path, O_RDWR | O_APPEND | O_NOFOLLOW)
            guard try file.isOurs(opened) else { throw SystemError("open \(file.path)", code: EEXIST) }
            descriptor = opened
            return opened
        }
    }

    private static func isAt(_ path: String, _ descriptor: Descriptor) -> Bool {
        var there = stat()
        guard stat(path, &there) == 0, let ours = try? descriptor.status() else { return false }
        return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino
    }

    /// Makes the file, once. One that is there already is somebody else's; one that has vanished since is a loss,
    /// and is not made anew.
    private func make() throws(SystemError) {
        try isMade.withLock { isMade throws(SystemError) in
            if isMade { return }
            let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
            do throws(SystemError) {
                try file.write(Array("\(header)\n".utf8))
                try file.synchronize()
                try synchronizeDirectory(directory)
            } catch {
                unlink(path)
                throw error
            }
            isMade = true
        }
    }

    private func isOurs(_ descriptor: Descriptor) throws(SystemError) -> Bool {
        try descriptor.read(at: 0, count: header.utf8.count + 1) == Array("\(header)\n".utf8)
    }

    /// Writes a line whole or not at all, as far as that can be told.
    /// - Returns: nil when it is written.
    private func append(
        _ line: String, to descriptor: Descriptor, _ claim: BlockingWorker.Claim
    ) throws(SystemError) -> WriteAnswer? {
        try isMade.withLock { _ throws(SystemError) in
            let before = try descriptor.status().st_size
            guard claim.take() else { return .neverSent }
            do throws(SystemError) {
                try descriptor.write(Array(line.utf8))
                return nil
            } catch {
                // A part of it may be there, as on a disk that filled up. Nobody else writes meanwhile.
                guard ftruncate(descriptor.number, before) == 0 else { return .inDoubt(error.code) }
                return FileSteps.answer(to: error.code)
            }
        }
    }

    /// What the file holds, read from it since `instant`: readers that ask at the same time share it.
    func contents(notBefore instant: Instant) -> Result<AppendContents, SystemError> {
        newest.withLock { newest in
            if let newest, newest.began >= instant { return newest.contents }
            let began = monotonicNow()
            let contents: Result<AppendContents, SystemError>
            do throws(SystemError) {
                let file = try Descriptor(opening: path, O_RDONLY | O_NOFOLLOW)
                contents = .success(AppendContents(try file.readAll(limit: 1 << 30), names, header: header))
            } catch {
                contents =
                    error.code == ENOENT
                    ? .success(AppendContents([], names, header: header)) : .failure(error)
            }
            newest = (began, contents)
            return contents
        }
    }

    /// Only what this run has made.
    func remove() { if isMade.withLock({ $0 }) { unlink(path) } }
}
