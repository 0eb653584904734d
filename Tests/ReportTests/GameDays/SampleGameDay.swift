import MusterCore
import MusterDocuments
import MusterDrills

/// A game day made by hand: one drill passed, one failed with people in its runbook, one was skipped.
enum SampleGameDay {
    static let startUTC = SampleOutcomes.startUTC - 600_000_000_000

    static func utc(_ seconds: Double) -> Int64 { startUTC + Int64(seconds * 1e9) }

    static func entry(
        _ kind: GameDayEntry.Kind, _ seconds: Double, _ text: String, by actor: String = "muster",
        _ role: GameDayRole? = nil, happened: Double? = nil, detail: Value = .null,
        state: GameDayState? = nil,
        run: String? = nil, corrects: Int? = nil
    ) -> GameDayEntry {
        GameDayEntry(
            kind, at: Instant(nanoseconds: Int64(seconds * 1e9)), host: "ops1", bootID: "boot",
            utc: utc(seconds), happened: happened.map { utc($0) }, source: actor == "muster" ? .auto : .human,
            actor: actor, role: role, text: text, detail: detail, state: state, run: run, corrects: corrects)
    }

    static func drill(
        _ position: Int, _ name: String, _ phase: GameDayDrillEvent.Phase, outcome: Int? = nil,
        verdict: Verdict? = nil
    ) -> Value {
        GameDayDrillEvent(
            position: position, name: name, phase: phase, exitCode: verdict == .pass ? 0 : 1,
            outcome: outcome,
            verdict: verdict
        ).value
    }

    /// A person's step and a machine's, 6 to 9 seconds after the outcome began.
    static let manual: Event = {
        var event = SampleOutcomes.event(
            .runbookStep, 6000, "call the database team: done", subject: "call", until: 9000)
        event.detail = [
            "kind": "manual", "ok": true, "humanWaitNanoseconds": 1_000_000_000,
            "humanWorkNanoseconds": 2_000_000_000, "machineNanoseconds": 0,
        ]
        return event
    }()
    static let noticed = SampleOutcomes.event(
        .alert, 4900, "alert 'redis-down' fires: RedisDown{job=\"sessions\"}", subject: "redis-down",
        actor: "alerting", until: 5000)

    static let passed: Outcome = {
        var outcome = SampleOutcomes.pass
        outcome.number = 41
        outcome.header.id = "01JD8RUN0000000000000000P1"
        outcome.events.append(SampleOutcomes.event(.alertWatch, 100, "'pager' listens", subject: "pager"))
        outcome.events.append(noticed)
        outcome.closing?.judgement.measurements += ["", "redis-down"].map {
            Measurement(
                name: "time-to-detect", subject: $0,
                interval: Interval(lower: .milliseconds(900), upper: .milliseconds(1000)))
        }
        outcome.closing?.judgement.objectives.append(
            SampleOutcomes.objective(
                "detect", "10 s from fault", "900 ms to 1 s, by 'redis-down'",
                Interval(lower: .milliseconds(900), upper: .milliseconds(1000)), .met,
                "noticed in 900 ms to 1 s by the alert 'redis-down', within the 10 s allowed"))
        return outcome
    }()

    static let failed: Outcome = {
        var outcome = SampleOutcomes.failWithLosses
        outcome.number = 42
        outcome.header.id = "01JD8RUN0000000000000000F2"
        // A minute after the first one.
        outcome.header.startedAtUTC += 60_000_000_000
        outcome.events.append(manual)
        outcome.events = outcome.events.map { event in
            var event = event
            event.utcNanoseconds += 60_000_000_000
            return event
        }
        return outcome
    }()

    static let entries: [GameDayEntry] = {
        let pass = passed.header.id
        let fail = failed.header.id
        var all: [GameDayEntry] = [
            entry(.state, 0, "checked", by: "ada", .owner, state: .planned),
            entry(
                .approval, 10, "approved", by: "grace", .approver,
                detail: GameDayApproval(
                    name: "grace", ticket: "CHG-7", planHash: String(repeating: "ab", count: 32)
                ).value),
            entry(.state, 10, "approved by grace", by: "grace", .approver, state: .approved),
            entry(.state, 20, "edited: drills/redis-kill.yaml", state: .planned),
            entry(
                .approval, 30, "approved again", by: "grace", .approver,
                detail: GameDayApproval(
                    name: "grace", ticket: "CHG-7", planHash: String(repeating: "cd", count: 32)
                ).value),
            entry(.state, 30, "approved by grace", by: "grace", .approver, state: .approved),
            entry(.state, 60, "preflight", by: "ivan", .ic, state: .preflight),
            entry(
                .preflight, 61, "disk",
                detail: PreflightItem("disk", .block, "900 MiB are free, 1 GiB wanted").value),
            entry(
                .preflight, 70, "disk", by: "grace", .approver,
                detail: PreflightItem(
                    "disk", .block, "900 MiB are free, 1 GiB wanted",
                    override: .init(name: "grace", reason: "the drills write 10 MiB")
                ).value),
            entry(
                .attendance, 80, "ivan is here", by: "ivan", .ic,
                detail: GameDayAttendance(name: "ivan", isHere: true).value),
            entry(.state, 90, "nothing blocks", state: .goNoGo),
            entry(.decision, 100, "go", by: "ivan", .ic),
            entry(.state, 100, "ivan says go", by: "ivan", .ic, state: .running),
            entry(.drill, 599, "drill 1 of 3 begins", detail: drill(0, "kill", .started), run: pass),
            entry(.note, 604.5, "the dashboard is red", by: "mika", .responder),
            entry(
                .drill, 612, "'kill' ended: pass",
                detail: drill(0, "kill", .finished, outcome: 41, verdict: .pass),
                run: pass),
            entry(.drill, 659, "drill 2 of 3 begins", detail: drill(1, "losses", .started), run: fail),
        ]
        all += later(fail)
        return all.enumerated().map { index, entry in
            var entry = entry
            entry.sequence = index + 1
            return entry
        }
    }()

    private static func later(_ fail: String) -> [GameDayEntry] {
        [
            entry(.detection, 670, "a customer called", by: "mika", .responder, happened: 665.25),
            entry(.todo, 671, "alert on the replica", by: "sol", .scribe),
            entry(.note, 672, "restarted at 10:40", by: "sol", .scribe),
            entry(.note, 673, "restarted at 10:41", by: "sol", .scribe, corrects: 20),
            entry(
                .drill, 675, "'losses' ended: fail",
                detail: drill(1, "losses", .finished, outcome: 42, verdict: .fail), run: fail),
            entry(
                .drill, 676, "'partition' is skipped: 'losses' did not pass",
                detail: drill(2, "partition", .skipped)),
            entry(
                .finding, 680, "acknowledged writes are lost", by: "ivan", .ic,
                detail: GameDayFinding(isCritical: true).value),
            entry(.state, 690, "'losses' did not pass", state: .recovering),
            entry(.state, 700, "nothing is left broken", state: .verifying),
            entry(.state, 710, "now people say what they saw", state: .hotwash),
            entry(
                .attendance, 800, "ivan leaves", by: "ivan", .ic,
                detail: GameDayAttendance(name: "ivan", isHere: false).value),
            entry(
                .hotwash, 810, "the page came before the customers did", by: "mika", .responder,
                detail: HotwashRemark(.well).value),
            entry(
                .hotwash, 811, "nobody knew where the runbook lies", by: "sol", .scribe,
                detail: HotwashRemark(.poorly).value),
        ]
    }

    static let roster = GameDayRoster(
        [.owner: ["ada"], .ic: ["ivan"], .scribe: ["sol"], .responder: ["mika"], .approver: ["grace"]],
        absent: ["linus"])

    static let previousID = "01JD8DAY000000000000000PRE"

    static var actions: [ActionItem] {
        var done = ActionItem(
            id: "a1", title: "write the runbook down", kind: .process, owner: "sol",
            due: CivilDate("2026-10-01"),
            gameDay: previousID, openedUTC: startUTC)
        done.number = 1
        done.status = .done
        done.closedBy = "ada"
        done.evidenceNote = "it is in runbooks/"
        var late = ActionItem(
            id: "a2", title: "replicate synchronously", kind: .prevent, owner: "mika", priority: .p1,
            due: CivilDate("2026-11-01"), verifyingDrill: "redis-kill", gameDay: previousID,
            openedUTC: startUTC)
        late.number = 2
        var new = ActionItem(
            id: "a3", title: "turn the append-only file on", kind: .prevent, owner: "mika", priority: .p1,
            due: CivilDate("2026-12-24"), ticket: "OPS-9", gameDay: header.id, openedUTC: startUTC)
        new.number = 3
        return [done, late, new]
    }

    static let header = GameDayHeader(
        id: "01JD8DAY000000000000000NOW", name: "failover", path: "drills/gamedays/failover.yaml",
        title: "Session store fails over", zone: "Europe/Berlin", host: "ops1", bootID: "boot", actor: "ada",
        toolVersion: "0.1.0", createdUTC: startUTC)

    static func document(_ kind: GameDayDocument.Kind, _ path: String, _ text: String) -> GameDayDocument {
        GameDayDocument(path: path, kind: kind, hash: String(repeating: "5a", count: 32), text: text)
    }

    static let documents = [
        document(.gameDay, "drills/gamedays/failover.yaml", "format: 1\n"),
        document(.drill, "drills/redis-kill.yaml", "format: 1\n"),
        document(
            .expectation, "kill",
            "title: Redis is killed and comes back\nfailure: SIGKILL\nimpact: two seconds\nresponse: none\n"
                + "alert: RedisDown within 10s\nrollback: muster undo\n"),
        document(
            .expectation, "losses",
            "title: Redis without its file loses nothing\nfailure: SIGKILL\nimpact: none\nresponse: call the team\n"
                + "rollback: muster undo\ndrill expects: nothing is lost\n"),
        document(
            .expectation, "partition",
            "title: A partition is survived\nfailure: packets are dropped\nimpact: none\nresponse: none\nrollback: undo\n"
        ),
    ]

    static func material(_ change: (inout GameDayRecord) -> Void = { _ in }) -> GameDayReport.Material {
        var record = GameDayRecord(number: 2, header: header, entries: entries, documents: documents)
        change(&record)
        var before = header
        before.id = previousID
        return GameDayReport.Material(
            record: record, roster: roster, outcomes: [passed, failed], actions: actions,
            previous: GameDayRecord(number: 1, header: before, entries: []), chainRoot: "c0ffee",
            madeUTC: utc(900), localOffset: { _ in 3600 })
    }
}
