import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Reads one dataset, lets the test do something to it, reads it again and compares.
/// - Parameter meanwhile: done again and again while it is read the second time, before each name in a directory and after each
///   64 MiB of a file.
func compareDataset(
    _ kind: String, _ dataset: any Dataset, ledger: Ledger? = nil, run: String = "01TEST",
    change: () throws -> Void = {}, meanwhile: @escaping () -> Void = {}
) throws -> DatasetFindings {
    let index = try TemporaryFolder()
    var setting = DatasetSetting()
    setting.within = .seconds(300)
    let taker = DatasetTaker(
        [DrillDataset(name: "it", kind: kind, dataset: dataset, setting: setting)], run: run,
        directory: index.path)
    let problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
    #expect(problem == nil)
    try change()
    let watch = {
        meanwhile()
        return false
    }
    let found = taker.takeAfter(ledger: ledger, isCancelled: watch, note: { _ in })
    #expect(FileSteps.names(in: index.path) == [], "an index has a name")
    return try #require(found.first)
}

/// A ledger of one write, acknowledged or refused, of a run's first stream.
func ledger(_ outcome: LedgerEntry.Outcome) -> Ledger {
    let now = monotonicNow()
    let entry = LedgerEntry(
        key: EntryKey(stream: 0, sequence: 1), sent: now, finished: now, outcome: outcome)
    var ledger = Ledger(
        workload: "w", entries: [entry], readBack: nil, payloadBytes: 64,
        rate: Rate(perSecondThousandths: 1000))
    ledger.plan.seed = 9
    return ledger
}

let ownValue = EntryPayload.make(EntryKey(stream: 0, sequence: 1), seed: 9, bytes: 64)

/// Why a dataset cannot be read before the fault; nil when it can.
func problem(reading kind: String, _ dataset: any Dataset) throws -> String? {
    let index = try TemporaryFolder()
    let taker = DatasetTaker(
        [DrillDataset(name: "it", kind: kind, dataset: dataset, setting: DatasetSetting())], run: "01TEST",
        directory: index.path)
    return taker.takeBefore(isCancelled: { false }, note: { _ in })
}

/// Directories, files and a link: nine items.
func someFiles() throws -> (TemporaryFolder, FilesDataset) {
    let folder = try TemporaryFolder()
    for directory in ["", "/docs", "/docs/deep", "/empty"] {
        mkdir(folder.path + "/tree" + directory, 0o755)
    }
    _ = try folder.write("tree/docs/a.txt", "alpha")
    _ = try folder.write("tree/docs/b.txt", "beta")
    _ = try folder.write("tree/docs/deep/c.txt", String(repeating: "gamma", count: 200_000))
    _ = try folder.write("tree/docs.old", "old")
    symlink("docs/a.txt", folder.path + "/tree/link")
    var dataset = FilesDataset()
    dataset.files = folder.path + "/tree"
    return (folder, dataset)
}

/// Makes an extended attribute (setxattr(2), which Glibc's module does not offer).
/// - Returns: 0 or errno.
func setAttribute(_ path: String, _ name: String, _ value: [UInt8]) -> Int32 {
    typealias Set =
        @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32) -> Int32
    guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "setxattr") else { return ENOSYS }
    return unsafeBitCast(symbol, to: Set.self)(path, name, value, value.count, 0) == 0 ? 0 : errno
}

/// Looks at files as this user from now on, on this thread alone (setfsuid(2), which Glibc's module does not offer): root
/// is let through everywhere otherwise.
func lookAtFiles(as user: UInt32) {
    typealias Set = @convention(c) (UInt32) -> Int32
    guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "setfsuid") else { return }
    _ = unsafeBitCast(symbol, to: Set.self)(user)
}
