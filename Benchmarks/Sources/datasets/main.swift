import Glibc
import MusterCore
import MusterDrills
import MusterProbes

// Times how fast a dataset is read, hashed and indexed. Usage: datasets files DIRECTORY | sqlite FILE | postgres ADDRESS
// Reads it twice, so that the second reading finds a warm cache, and prints of the second one: nanoseconds, items, bytes;
// and the most memory that the process ever had, in bytes (getrusage(2)).

let arguments = CommandLine.arguments
guard arguments.count == 3 else {
    print("usage: datasets files DIRECTORY | sqlite FILE | postgres ADDRESS")
    exit(2)
}
let dataset: any Dataset
switch arguments[1] {
case "files":
    var files = FilesDataset()
    files.files = arguments[2]
    dataset = files
case "sqlite":
    var database = SQLiteDataset()
    database.sqlite = arguments[2]
    dataset = database
default:
    var server = PostgresDataset()
    server.postgres = arguments[2]
    dataset = server
}
let taker = DatasetTaker(
    [DrillDataset(name: "it", kind: arguments[1], dataset: dataset, setting: DatasetSetting())],
    run: "benchmark", directory: "/var/tmp/muster-benchmark-\(getpid())")
if let problem = taker.takeBefore(isCancelled: { false }, note: { _ in }) {
    print(problem)
    exit(70)
}
let findings = taker.takeAfter(ledger: nil, isCancelled: { false }, note: { _ in })
rmdir("/var/tmp/muster-benchmark-\(getpid())")
// A quick answer must be a right one.
guard let found = findings.first, found.result == .equal, let after = found.after else {
    print("not equal: \(findings)")
    exit(70)
}
var usage = rusage()
getrusage(RUSAGE_SELF.rawValue, &usage)
print(after.read.width.nanoseconds, after.items, after.bytes, usage.ru_maxrss * 1024)
