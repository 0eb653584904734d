import Glibc
import MusterCore
import MusterDrills

@testable import MusterOutcomes

/// A directory of its own, gone with the last reference.
final class Scratch {
    let path: String
    init() {
        var template = Array("/tmp/muster-outcomes-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            mkdtemp(buffer.baseAddress!).map { String(cString: $0) } ?? ""
        }
    }
    var store: String { path + "/outcomes.sqlite" }
    deinit {
        for name in ["", "-wal", "-shm", "-journal"] { unlink(store + name) }
        rmdir(path)
    }
}

/// Not SHA-256, but every byte and its place count, which is all that these tests need.
let toyHash: OutcomeStore.Hash = { bytes in
    var random = SplitMix64(seed: 0)
    var sum: UInt64 = 0
    for byte in bytes {
        random = SplitMix64(seed: sum ^ UInt64(byte))
        sum = random.next()
    }
    return String(sum, radix: 16)
}

func makeStore(
    _ scratch: Scratch, engine: ProcessIdentity? = nil,
    isAlive: (@Sendable (ProcessIdentity) -> Bool)? = nil
) throws -> OutcomeStore {
    try OutcomeStore(path: scratch.store, hash: toyHash, engine: engine, isAlive: isAlive)
}

func makeHeader(
    _ id: String = "01JD8Q6Z5W4R8T2M1N0P9XCVBA", service: String? = "sessions",
    environment: Environment = .staging, failureMode: String? = "process-crash"
) -> RunHeader {
    RunHeader(
        id: id, drill: "redis-kill", drillPath: "drills/redis-kill.yaml", drillText: "format: 1\n",
        drillHash: "d1", service: service, owner: "team", environment: environment, failureMode: failureMode,
        expect: "It comes back.", variables: ["persistence": "rdb", "empty": ""], durabilityScope: "process",
        host: "laptop", bootID: "boot", kernel: "6.1", timeZone: "Europe/Berlin", actor: "mika",
        toolVersion: "0.1.0", protocolVersion: 1, judgeVersion: 2, binaryHash: "b1", configurationHash: "c1",
        repeatGroup: "", startedAt: Instant(nanoseconds: 5_000), startedAtUTC: 1_800_000_000_000_000_000)
}

func makeEvent(_ kind: Event.Kind, _ at: Int64, _ text: String = "it happened") -> Event {
    Event(
        kind, at: Instant(nanoseconds: at), utc: 1_800_000_000_000_000_000 + at,
        bracket: Bracket(Instant(nanoseconds: at - 10), Instant(nanoseconds: at)), subject: "crash",
        actor: "guard", text: text, detail: ["pid": 4711, "share": .double(0.1), "list": [1, nil, "x"]])
}

func makeClosing(_ verdict: Verdict = .fail) -> RunClosing {
    var ledger = LedgerFindings(workload: "writes")
    ledger.sent = 1200
    ledger.acknowledged = 1100
    ledger.refused = 40
    ledger.inDoubt = 60
    ledger.counts = [.survived: 1090, .lostTail: 7, .lostHole: 3]
    ledger.anomalies = [
        LedgerAnomaly(
            key: EntryKey(stream: 3, sequence: 77), entryClass: .lostHole, sent: Instant(nanoseconds: 70),
            acknowledged: nil)
    ]
    ledger.rpa = Interval(lower: .milliseconds(480), upper: .milliseconds(492))
    ledger.tailRPA = Interval(lower: .milliseconds(400), upper: nil)
    ledger.newestSurvivor = Interval(lower: .milliseconds(12), upper: .milliseconds(13))
    ledger.lostAfterFault = Interval(lower: .milliseconds(700), upper: .milliseconds(800))
    ledger.resolution = .milliseconds(2)
    ledger.holes = [EntryKey(stream: 3, sequence: 77), EntryKey(stream: 1, sequence: 9)]
    ledger.tail = [EntryKey(stream: 2, sequence: 1)]
    ledger.lossSpan = .milliseconds(31)
    ledger.lostBytes = 640
    ledger.blindWindow = .nanoseconds(1)
    ledger.sample = SampleFindings(older: 1000, drawn: 299, missing: 0)
    var behind = ReplicaFindings(name: "redis://127.0.0.1:6380")
    behind.missing = 4
    behind.extra = 2
    var gone = ReplicaFindings(name: "redis://127.0.0.1:6381")
    gone.different = 1
    gone.unread = 9
    gone.inconclusive = "it did not answer"
    ledger.replicas = [behind, gone]
    let interval = Interval(lower: .nanoseconds(1_229_800_000), upper: .nanoseconds(1_240_700_000))
    return RunClosing(
        ending: .completed,
        judgement: Judgement(
            verdict: verdict, reason: "10 acknowledged writes were lost",
            objectives: [
                ObjectiveResult(
                    name: "rto", objective: "2s from fault", measured: "1.23 s to 1.241 s",
                    interval: interval, result: .met, reason: "its upper bound is below 2 s"),
                ObjectiveResult(
                    name: "rpo", objective: "0s", measured: "10 lost", interval: nil, result: .missed,
                    reason: "10 > 0"),
            ],
            measurements: [
                Measurement(name: "rta", subject: "", interval: interval),
                Measurement(
                    name: "downtime", subject: "ping", interval: Interval(lower: .seconds(3), upper: nil)),
                Measurement(
                    name: Measurement.lostAfterFault, subject: "writes",
                    interval: ledger.lostAfterFault ?? interval),
            ],
            ledgers: [ledger, LedgerFindings(workload: "other")], status: .recovered,
            warnings: ["weak stability"], scope: ["losing the disk"]),
        exitCode: 1, residue: ["rule is still there: nft delete table muster"],
        finishedAt: Instant(nanoseconds: 9_000), finishedAtUTC: 1_800_000_060_000_000_000)
}
