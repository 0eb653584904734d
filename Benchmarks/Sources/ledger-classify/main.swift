import Glibc
import MusterCore
import MusterDrills

// Times what the judge does with a large ledger: COUNT entries of 64 writers, every thousandth of which is lost,
// corrupt, doubled, in doubt or refused. Usage: ledger-classify [COUNT] (default: 10000000).
// Prints the nanoseconds it took, and the most memory that the process ever had, in bytes (getrusage(2)).

func monotonic() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

func peak() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss * 1024
}

let streams = 64
let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 0 : 10_000_000
guard count >= 1000 * streams else {
    print("usage: ledger-classify [COUNT], of at least \(1000 * streams)")
    exit(2)
}
let each = count / streams
var entries: [LedgerEntry] = []
var found: [ReadBack.Found] = []
entries.reserveCapacity(each * streams)
found.reserveCapacity(each * streams)
for stream in 0..<streams {
    for number in 1...each {
        let key = EntryKey(stream: Int32(stream), sequence: Int64(number))
        let sent = Instant(nanoseconds: Int64(number) * 3_200_000 + Int64(stream) * 50_000)
        let place = number % 5000
        let outcome: LedgerEntry.Outcome = place == 4000 ? .info : place == 5000 - 1 ? .fail : .ok
        entries.append(
            LedgerEntry(key: key, sent: sent, finished: sent + .microseconds(300), outcome: outcome))
        if place != 1000, place != 5000 - 1 {
            found.append(ReadBack.Found(key: key, isIntact: place != 2000, count: place == 3000 ? 2 : 1))
        }
    }
}
let ledger = Ledger(
    workload: "writes", entries: entries, readBack: ReadBack(found: found, agreed: true, passes: 2),
    payloadBytes: 64, rate: Rate(perSecondThousandths: 20_000_000))
entries = []
found = []
let fault = Instant(nanoseconds: Int64(each) * 3_200_000 / 2)
let from = monotonic()
let findings = LedgerJudge.classify(ledger, fault: Bracket(fault, fault + .microseconds(200)))
let taken = monotonic() - from
// Every class as often as it was made: a quick answer must be a right one.
let expected = streams * ((each + 4000) / 5000)
guard findings.lost == expected, findings.corrupt == streams * ((each + 3000) / 5000),
    findings.duplicated == streams * ((each + 2000) / 5000), findings.sent == each * streams
else {
    print("wrong: \(findings.counts)")
    exit(70)
}
print("\(taken) \(peak())")
