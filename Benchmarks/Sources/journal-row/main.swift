import Glibc
import MusterCore
import MusterJournal

// Times what stands between a decision to break something and breaking it: the journal's row, durable.
// Usage: journal-row DIRECTORY COUNT; prints the nanoseconds of each row, one a line.

func monotonic() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// As large as a real one: a paused process, with the helper's fact that every injection has.
func injection(_ number: Int) -> Injection? {
    let name = String(number)
    let ulid = "01JD8Q6Z5W4R8T2M1N0P" + String(repeating: "0", count: 6 - name.count) + name
    guard let id = InjectionID("bench-" + ulid) else { return nil }
    let process: Value = [
        "pid": .int(Int64(number)), "startTicks": 123_456_789,
        "bootID": "b6a1f1c2-7f0e-4b0e-9b1d-3c5d1e2f4a6b",
    ]
    return Injection(
        id: id, run: "01JD8Q6Z5W4R8T2M1N0P9XCVBA", name: "hang-" + name, fault: "process-pause",
        parameters: ["tree": false],
        target: ["count": 1, "process": ["pidFile": .text("/run/service-\(name).pid")]],
        facts: [
            StoredFact(kind: "no-helper", version: 1, fields: ["id": .text(id.rawValue)], byHand: []),
            StoredFact(
                kind: "not-suspended", version: 1, fields: ["process": process, "name": "service"],
                byHand: [["kill", "-CONT", name]]),
        ],
        claims: [Claim("process", name)], disposals: [], mending: .byUs,
        bootID: "b6a1f1c2-7f0e-4b0e-9b1d-3c5d1e2f4a6b", openedAtUTC: SQLiteJournal.wallClock())
}

let words = CommandLine.arguments
guard words.count == 3, let count = Int(words[2]), (1...99_999).contains(count) else {
    print("usage: journal-row DIRECTORY COUNT")
    exit(2)
}
let journal = try SQLiteJournal(in: words[1])
for number in 1...count {
    guard let injection = injection(number) else { exit(70) }
    let from = monotonic()
    try journal.open(injection)
    print(monotonic() - from)
    // A drill has few that are open; whether rows stay open is not what is measured.
    try journal.close(injection.id, .verified)
}
