public import MusterCore
public import MusterDrills
import MusterSystem

/// Appends each entry as a line to one file, as logs and journals are written, and makes it durable with fsync.
public struct AppendWorkload: Workload, Hashable {
    public var append = ""
    public var remove = false
    public init() {}

    public static let form = Form(
        "append",
        "Appends each entry as a line to one file, with fsync; reading back finds torn, doubled and misplaced lines.",
        example: "journal: { append: /srv/app/journal, writers: 4, rate: 100/s }",
        blank: AppendWorkload(),
        fields: [
            Field(
                required: "append", \.append,
                "A directory that is there; the run makes a file of its own in it, muster-<run>.log.",
                in: absolutePath),
            Field("remove", \.remove, default: false, "Removes the run's file at its end."),
        ])
}

extension AppendWorkload: SharedWorkload {
    func clients(_ count: Int, on loop: EventLoop, for run: StoreRun) throws -> [any StoreClient] {
        let file = AppendFile(in: append, for: run)
        return (0..<count).map { AppendStore(file, loop, removes: remove && $0 == count - 1) }
    }
}

/// One writer of an append-only file, on a thread of its own.
private final class AppendStore: StoreClient {
    private let file: AppendFile
    private let writer: LoopOnly<AppendFile.Writer>
    private let worker: BlockingWorker
    private let removes: Bool
    /// Keys of writes that were refused or left in doubt: a torn line of theirs is no damage.
    private var unkept: Set<String> = []
    /// The whole file is read for any number of keys.
    let readBatch = 1_000_000

    init(_ file: AppendFile, _ loop: EventLoop, removes: Bool) {
        self.file = file
        self.removes = removes
        writer = LoopOnly(AppendFile.Writer(file))
        worker = BlockingWorker(loop: loop)
    }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        worker.run(
            until: deadline, late: { $0 ? .noAnswer : .neverSent },
            { [writer] in writer.value.append(key, value, $0) },
            done: { [self] answer in
                if answer.outcome != .ok { unkept.insert(key) }
                done(answer)
            })
    }

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        let asked = monotonicNow()
        worker.run(
            until: max(deadline, asked + Self.patience),
            late: { _ in wanted.map { _ in .failed("no answer in time") } },
            { [file, unkept] _ in
                switch file.contents(notBefore: asked) {
                case .failure(let error): wanted.map { _ in .failed(error.reason) }
                case .success(let contents):
                    wanted.map { contents.answer($0, tornIsAbsent: unkept.contains($0.key)) }
                }
            }, done: done)
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        let asked = monotonicNow()
        worker.run(
            until: max(deadline, asked + Self.patience), late: { _ in .failed("no answer in time") },
            { [file] _ in
                switch file.contents(notBefore: asked) {
                case .failure(let error): .failed(error.reason)
                case .success(let contents): .keys(contents.keys)
                }
            }, done: done)
    }

    func examine(until deadline: Instant, done: @escaping ([String]?) -> Void) {
        let asked = monotonicNow()
        worker.run(
            until: max(deadline, asked + Self.patience), late: { _ in nil },
            { [file] _ in (try? file.contents(notBefore: asked).get())?.problems }, done: done)
    }

    func close() {
        let (file, writer, removes) = (file, writer, removes)
        worker.close {
            writer.value.close()
            if removes { file.remove() }
        }
    }

    /// A long file takes longer to read than a write may take.
    private static let patience = Duration.seconds(20)
}
