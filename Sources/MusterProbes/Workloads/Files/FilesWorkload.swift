import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem
import Synchronization

/// Writes each entry to a file of its own, as careful programs replace files: a temporary file, fsync, rename,
/// fsync of the directory.
public struct FilesWorkload: Workload, Hashable {
    public var files = ""
    public var remove = false
    public init() {}

    public static let abilities: Set<WorkloadAbility> = [.register, .deletes]

    public static let form = Form(
        "files",
        "Writes each entry to a file of its own (temporary file, fsync, rename, fsync of the directory).",
        example: "uploads: { files: /srv/app/uploads, writers: 4, rate: 40/s }",
        blank: FilesWorkload(),
        fields: [
            Field(
                required: "files", \.files,
                "A directory that is there; the run makes one of its own in it, muster-<run>.",
                in: absolutePath),
            Field("remove", \.remove, default: false, "Removes the run's directory at its end."),
        ])
}

extension FilesWorkload: SharedWorkload {
    func clients(_ count: Int, on loop: EventLoop, for run: StoreRun) throws -> [any StoreClient] {
        let folder = RunFolder(in: files, named: String(run.names.prefix.dropLast()))
        return (0..<count).map { FilesStore(folder, loop, removes: remove && $0 == count - 1) }
    }
}

/// The directory that a run makes for its files, once: one that has vanished since is the service's loss, and is
/// not made anew.
final class RunFolder: Sendable {
    let path: String
    private let parent: String
    private let isMade = Mutex(false)

    init(in parent: String, named name: String) {
        self.parent = parent
        path = "\(parent)/\(name)"
    }

    /// - Returns: errno; 0 when it is there.
    func make() -> Int32 {
        isMade.withLock { isMade in
            if isMade { return 0 }
            let code = FileSteps.makeDirectory(path, in: parent)
            isMade = code == 0
            return code
        }
    }

    /// Only what this run has made.
    func remove() {
        guard isMade.withLock({ $0 }) else { return }
        for name in FileSteps.names(in: path) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

private final class FilesStore: StoreClient {
    private let folder: RunFolder
    private let worker: BlockingWorker
    private let removes: Bool
    let readBatch = 500

    init(_ folder: RunFolder, _ loop: EventLoop, removes: Bool) {
        self.folder = folder
        self.removes = removes
        worker = BlockingWorker(loop: loop)
    }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        worker.run(
            until: deadline, late: { $0 ? .noAnswer : .neverSent },
            { [folder] in folder.write(key, value, $0) }, done: done)
    }

    func set(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { put(key, value, until: deadline, done: done) }

    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        worker.run(
            until: deadline, late: { $0 ? .noAnswer : .neverSent },
            { [folder] in folder.delete(key, $0) }, done: done)
    }

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        values(wanted.map(\.key), until: deadline) { answers in
            done(
                zip(wanted, answers).map { wanted, answer in
                    switch answer {
                    case .absent: .absent
                    case .present(let texts): .present(isIntact: texts == [wanted.value], count: 1)
                    case .failed(let why): .failed(why)
                    }
                })
        }
    }

    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void) {
        worker.run(
            until: deadline, late: { _ in keys.map { _ in .failed("no answer in time") } },
            { [folder] _ in keys.map(folder.read) }, done: done)
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        worker.run(
            until: deadline, late: { _ in .failed("no answer in time") },
            { [folder] _ in
                guard let names = FileSteps.names(in: folder.path) else {
                    return errno == ENOENT ? .keys([]) : .failed(errorText(errno))
                }
                return .keys(names.filter { $0.hasPrefix(prefix) })
            }, done: done)
    }

    func close() {
        let (folder, removes) = (folder, removes)
        worker.close { if removes { folder.remove() } }
    }
}

extension RunFolder {
    /// Until rename(2) nothing stands under the entry's name, so what fails before it is certainly not applied; a
    /// name that is not made durable leaves the write in doubt.
    fileprivate func write(_ key: String, _ value: String, _ claim: BlockingWorker.Claim) -> WriteAnswer {
        let code = make()
        if code != 0 { return .refused(code) }
        let temporary = "\(path)/.writing-\(key)"
        do {
            let file = try Descriptor(
                opening: temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
            try file.write(Array(value.utf8))
            try file.synchronize()
        } catch {
            unlink(temporary)
            return .refused(error.code)
        }
        guard claim.take() else {
            unlink(temporary)
            return .neverSent
        }
        if rename(temporary, "\(path)/\(key)") != 0 {
            let code = errno
            unlink(temporary)
            return FileSteps.answer(to: code)
        }
        let synchronized = FileSteps.synchronize(path)
        return synchronized == 0 ? .acknowledged() : .inDoubt(synchronized)
    }

    fileprivate func delete(_ key: String, _ claim: BlockingWorker.Claim) -> WriteAnswer {
        guard claim.take() else { return .neverSent }
        if unlink("\(path)/\(key)") != 0, errno != ENOENT { return FileSteps.answer(to: errno) }
        let synchronized = FileSteps.synchronize(path)
        return synchronized == 0 ? .acknowledged() : .inDoubt(synchronized)
    }

    fileprivate func read(_ key: String) -> ValueAnswer {
        do {
            let file = try Descriptor(opening: "\(path)/\(key)", O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            return .present([String(decoding: try file.readAll(), as: UTF8.self)])
        } catch {
            return error.code == ENOENT ? .absent : .failed(error.reason)
        }
    }
}
