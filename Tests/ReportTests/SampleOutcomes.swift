import MusterCore
import MusterDrills

/// Outcomes made by hand, whose reports are kept as golden files.
enum SampleOutcomes {
    static let start = Instant(nanoseconds: 7_000_000_000_000)
    /// 2026-11-23T01:46:00.000Z
    static let startUTC: Int64 = 1_795_398_360_000_000_000

    static func header(
        _ drill: String, expect: String? = "Redis restarts within two seconds; nothing is lost."
    )
        -> RunHeader
    {
        RunHeader(
            id: "01JD8Q6Z5W4R8T2M1N0P9XCVBA", drill: drill, drillPath: "drills/\(drill).yaml",
            drillText: """
                format: 1
                drill: \(drill)
                steps:
                  - inject: process-kill
                    as: crash
                    into: redis
                """,
            drillHash: "9f2c" + String(repeating: "0", count: 60), service: "sessions",
            owner: "team-platform", environment: .staging, failureMode: "process-crash", expect: expect,
            variables: ["persistence": "aof-always"], durabilityScope: "process", host: "db1",
            bootID: "3c6d7d2e-7f1b-4a77-9a39-0f8a5b0f4f10", kernel: "Linux 6.1.0-18-amd64",
            timeZone: "Europe/Berlin", actor: "mika", toolVersion: "0.1.0", protocolVersion: 1,
            judgeVersion: 1, binaryHash: "ab12" + String(repeating: "0", count: 60), startedAt: start,
            startedAtUTC: startUTC)
    }

    static func at(_ milliseconds: Double) -> Instant { start + .nanoseconds(Int64(milliseconds * 1e6)) }

    static func event(
        _ kind: Event.Kind, _ milliseconds: Double, _ text: String, subject: String = "",
        actor: String = "muster",
        until: Double? = nil
    ) -> Event {
        Event(
            kind, at: at(until ?? milliseconds), utc: startUTC + Int64((until ?? milliseconds) * 1e6),
            bracket: until.map { Bracket(at(milliseconds), at($0)) }, subject: subject, actor: actor,
            text: text)
    }

    /// Samples every 20 ms over 12 s; those sent from 4 s until `back` milliseconds fail.
    static func probe(_ name: String, writer: Int? = nil, back: Double?, until end: Double = 12_000) -> Signal
    {
        var random = SplitMix64(seed: UInt64(writer ?? 0) &+ UInt64(name.utf8.count))
        var samples: [Sample] = []
        for index in 0..<Int(end / 20) {
            let due = at(Double(index) * 20)
            let started = due + .nanoseconds(Int64(random.next() % 90_000))
            let sinceStart = Double((started - start).nanoseconds) / 1e6
            let isDown = sinceStart >= 4000 && sinceStart < (back ?? .infinity) && back != 4000
            // Just after the recovery answers are slower.
            let isWarm = (back ?? 0) > 4000 && sinceStart > (back ?? 0) && sinceStart < (back ?? 0) + 400
            let took = Int64(180_000 + random.next() % 240_000) * (isWarm ? 24 : 1)
            let isTimeout = isDown && index % 9 == 0
            samples.append(
                Sample(
                    due: due, started: started,
                    finished: started + .nanoseconds(isTimeout ? 250_000_000 : took),
                    outcome: isTimeout ? .timeout : isDown ? .error : isWarm ? .slow : .ok,
                    code: isDown ? 111 : 0))
        }
        return Signal(name: name, writer: writer, every: .milliseconds(20), samples: samples)
    }

    static func signals(back: Double?, until end: Double = 12_000) -> [Signal] {
        [probe("ping", back: back, until: end)]
            + (1...3).map { probe("sessions", writer: $0, back: back.map { $0 + 11 }, until: end) }
    }

    static let injection = InjectionRecord(
        id: InjectionID("k3f9-01JD8Q6Z5W4R8T2M1N0P9XCVBB")!, name: "crash", fault: "process-kill",
        parameters: ["signal": "KILL"], target: ["fixture": "redis"], host: "local", state: .closed,
        undo: ["no helper of this injection is left: holds", "redis runs again in its fixture: holds"])

    static func ledger(lost: Int) -> LedgerFindings {
        var ledger = LedgerFindings(workload: "sessions")
        ledger.sent = 1800
        ledger.acknowledged = 1604
        ledger.refused = 190
        ledger.inDoubt = 6
        ledger.counts = [
            .survived: 1604 - lost, .recovered: 2, .notApplied: 4, .failed: 190, .lostTail: lost,
        ]
        if lost == 0 { return ledger }
        ledger.anomalies = (0..<lost).map { (index: Int) -> LedgerAnomaly in
            let sent = 2949 + Double(index) * 17
            let key = EntryKey(stream: Int32(index % 3 + 1), sequence: Int64(500 + index / 3))
            return LedgerAnomaly(
                key: key, entryClass: .lostTail, sent: at(sent), acknowledged: at(sent + 0.4))
        }
        ledger.rpa = Interval(lower: .microseconds(1_050_600), upper: .microseconds(1_055_300))
        ledger.tailRPA = Interval(lower: .microseconds(1_049_000), upper: .microseconds(1_055_300))
        ledger.lossSpan = .milliseconds(1037)
        ledger.lostBytes = Int64(lost) * 64
        ledger.sample = SampleFindings(older: 10_000, drawn: 777, missing: 0)
        var behind = ReplicaFindings(name: "redis://127.0.0.1:6380")
        behind.missing = 12
        behind.different = 1
        var gone = ReplicaFindings(name: "redis://127.0.0.1:6381")
        gone.unread = 1604
        gone.inconclusive =
            "the replica redis://127.0.0.1:6381 could not be read: 1604 keys could not be read"
        ledger.replicas = [behind, gone]
        ledger.counts[.divergent] = 13
        return ledger
    }

    static func objective(
        _ name: String, _ objective: String, _ measured: String, _ interval: Interval?,
        _ result: ObjectiveResult.Result, _ reason: String
    ) -> ObjectiveResult {
        ObjectiveResult(
            name: name, objective: objective, measured: measured, interval: interval, result: result,
            reason: reason)
    }
}
