import MusterCore
import Testing

@testable import MusterDrills

/// A run that restores a backup, good in every respect until a test spoils it. The wall clock is 1,000,000,000 s ahead.
private struct GivenRestore {
    var run = GivenRun(rto: nil, rpo: nil)
    static let ahead: Int64 = 1_000_000_000_000_000_000

    init(maxAge: Double? = nil, taken: String? = "1000000000.5", target: String? = nil) {
        let plan = RestorePlan(source: ["/b"], into: "/c", maxAge: maxAge.map(ms))
        run.drill.steps.append(Step(.runbook(RunbookStep(path: "r.md", restore: plan))))
        run.signals = [boundsVector()]
        note(.runbookStarted, 1100, "r.md", bracket(1100, 1101))
        if let taken { capture(RestoreVariable.taken, taken) }
        if let target { capture(RestoreVariable.target, target) }
        step("fetch", "fetch", 100)
        step("unpack", "restore", 300)
        step("unpack more", "restore", 50)
    }

    mutating func note(
        _ kind: Event.Kind, _ time: Double, _ subject: String, _ bracket: Bracket? = nil,
        text: String = "as the test says", detail: Value = .null
    ) { run.note(kind, time, subject, bracket, text: text, detail: detail) }

    mutating func capture(_ name: String, _ value: String) {
        note(
            .runbookStep, 1102, "asks",
            detail: ["ok": true, "into": .text(name), "value": .text(value), "nanoseconds": 0])
    }

    mutating func step(_ name: String, _ stage: String, _ took: Int64, ok: Bool = true) {
        note(
            .runbookStep, 1500, name, text: "'\(name)' \(ok ? "done" : "failed: torn")",
            detail: [
                "ok": .bool(ok), "stage": .text(stage), "nanoseconds": .int(took * 1_000_000),
                "state": .text(ok ? "succeeded" : "failed"),
            ])
    }

    mutating func finish(ok: Bool = true, restored: Int64? = 3, changed: String = "", problem: String? = nil)
    {
        note(.runbookFinished, 2000, "r.md", detail: ["ok": .bool(ok)])
        var detail: [String: Value] = ["sourceChanged": .text(changed)]
        if let restored { detail["restored"] = .int(restored) }
        if let problem { detail["sourceProblem"] = .text(problem) }
        note(.restoreOver, 2001, "r.md", detail: .map(detail))
        for index in run.events.indices {
            run.events[index].utcNanoseconds = run.events[index].at.nanoseconds + Self.ahead
        }
    }

    var result: ObjectiveResult? { run.result("restore") }
}

@Suite struct RestoreJudgeTests {
    @Test func aWholeBackupIsToldWithItsAgeAndItsStages() throws {
        var given = GivenRestore(maxAge: 600)
        given.finish()
        let result = try #require(given.result)
        // F is 1000 ms, and the backup was taken at 500 ms.
        #expect(result.result == .met && result.reason.contains("501 ms before the fault"), "\(result)")
        let measured = Dictionary(
            uniqueKeysWithValues: given.run.judgement.measurements.filter { $0.subject.isEmpty }
                .map { ($0.name, $0.interval) })
        #expect(measured["restore-fetch"] == interval(100, 100))
        #expect(measured["restore-restore"] == interval(350, 350))
        #expect(measured["restore-replay"] == nil)
        #expect(measured["restore-total"] == interval(900, 900))
        #expect(measured["restore-other"] == interval(450, 450))
    }

    @Test func withoutARestoreNothingIsSaidOfOne() {
        #expect(GivenRun().result("restore") == nil)
    }

    @Test func aStaleOneIsMissedAndToldFirst() throws {
        var given = GivenRestore(maxAge: 400)
        given.finish()
        let result = try #require(given.result)
        #expect(
            result.result == .missed && result.reason.hasPrefix("the backup is stale: it was taken 501 ms"))
        #expect(result.reason.contains("(2001-09-09T01:46:40Z)"), "a date for people: \(result)")
        #expect(given.run.judgement.reason.hasPrefix("Failed: the backup is stale"))
    }

    /// It is not in it what was lost later: a clock is wrong, or a zone, and its age may be any.
    @Test func oneFromTheFutureIsOfNoKnownAge() throws {
        // F is 1000 ms to 1000.2 ms, and clocks are compared to within a millisecond.
        for maxAge in [nil, 600] as [Double?] {
            var given = GivenRestore(maxAge: maxAge, taken: "1000000001.01")
            given.finish()
            let result = try #require(given.result)
            #expect(result.result == .inconclusive, "\(result)")
            #expect(
                result.reason.hasPrefix(
                    "the backup was taken after the fault: a clock or a time zone is wrong"))
            #expect(result.reason.contains("(it says 2001-09-09T01:46:41Z, 8.8 ms after the fault)"))
            #expect(given.run.judgement.measurements.allSatisfy { $0.name != "backup-age" })
        }
        var edge = GivenRestore(maxAge: 600, taken: "1000000001.001")
        edge.finish()
        #expect(edge.result?.result == .met, "as late as the fault itself: \(edge.result?.reason ?? "")")
        // Taken after one fault and before the one that lost the data.
        var later = GivenRestore(maxAge: 600, taken: "1000000001.05")
        later.run.drill.steps.append(later.run.inject("loss"))
        later.note(.injected, 1060, "loss", bracket(1060, 1061))
        later.note(.effective, 1062, "loss")
        later.finish()
        #expect(
            later.result?.reason.contains("11 ms before the fault") == true, "\(later.result?.reason ?? "")")
    }

    @Test(arguments: [nil, "yesterday"]) func anAgeThatNobodySaysIsNoAge(_ taken: String?) {
        var given = GivenRestore(maxAge: 400, taken: taken)
        given.finish()
        #expect(given.result?.result == .inconclusive)
    }

    @Test func anEmptyOneATouchedOneAndOneThatCannotBeLookedAt() {
        var empty = GivenRestore()
        empty.finish(restored: 0)
        #expect(empty.result?.result == .missed)
        #expect(empty.result?.reason == "the backup is empty: nothing was restored into /c")
        var touched = GivenRestore()
        touched.finish(changed: "1 missing of 4 files")
        #expect(touched.result?.result == .missed)
        #expect(touched.result?.reason.hasPrefix("the restore touched the backup") == true)
        var unknown = GivenRestore()
        unknown.finish(problem: "it changed while it was read")
        #expect(unknown.result?.result == .inconclusive)
        var unseen = GivenRestore()
        unseen.finish(restored: nil)
        #expect(unseen.result?.result == .inconclusive)
    }

    /// Whatever else went wrong: whoever runs it again has less to restore from.
    @Test func thatItTouchedTheBackupIsToldBeforeThatItFailed() throws {
        var given = GivenRestore()
        given.step("check", "verify", 10, ok: false)
        var unknown = given
        given.finish(ok: false, changed: "1 missing of 4 files")
        let reason = try #require(given.result?.reason)
        #expect(
            reason
                == "the restore touched the backup that it restored from: 1 missing of 4 files; and the backup could "
                + "not be restored (stage verify): 'check' failed: torn")
        #expect(given.run.judgement.reason.hasPrefix("Failed: the restore touched the backup"))
        // Also where nothing ever came up again.
        given.run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 40_000).signal]
        #expect(given.run.judgement.status == .notRecovered)
        #expect(given.run.judgement.reason.hasPrefix("Failed: the restore touched the backup"))
        unknown.finish(ok: false, problem: "it changed while it was read")
        #expect(unknown.result?.result == .missed)
        #expect(
            unknown.result?.reason.hasSuffix(
                "whether the backup is as it was is not known: it changed while it was read")
                == true)
    }

    /// Reading the source takes none of the restore's time, and is no secret where it takes the recovery's.
    @Test func readingTheSourceIsMeasuredByItself() {
        func given(_ rto: Double, _ from: Objectives.ClockStart, declared: Double? = nil) -> Judgement {
            var given = GivenRestore()
            given.run.drill.objectives.rto = ms(rto)
            given.run.drill.objectives.rtoFrom = from
            for (lower, upper) in [(1010.0, 1040.0), (1040, 1090)] {
                given.note(
                    .restoreRead, upper, "r.md", bracket(lower, upper), detail: ["when": "before"])
            }
            given.note(.restoreRead, 3000, "r.md", bracket(2000, 3000), detail: ["when": "after"])
            if let declared { given.note(.runbookStarted, declared, "first.md", bracket(declared, declared)) }
            given.finish()
            given.run.events.sort { $0.at < $1.at }
            return given.run.judgement
        }
        let judgement = given(700, .fault)
        let read = judgement.measurements.filter { $0.name == "source-read" }
        #expect(read.map(\.interval) == [interval(80, 80)])
        func isWarned(_ judgement: Judgement) -> Bool {
            judgement.warnings.contains {
                $0.hasPrefix("the recovery time holds 80 ms in which Muster itself")
            }
        }
        #expect(isWarned(judgement) && !isWarned(given(900, .fault)))
        // The clock began with the restore's own runbook, or with one before it.
        #expect(!isWarned(given(700, .declared)) && isWarned(given(700, .declared, declared: 1005)))
    }

    @Test func aStepThatFailsIsNamedWithItsStageUnlessTheRunbookGotOverIt() {
        var given = GivenRestore()
        given.step("check", "verify", 10, ok: false)
        var survived = given
        given.finish(ok: false)
        #expect(given.result?.result == .missed)
        #expect(
            given.result?.reason == "the backup could not be restored (stage verify): 'check' failed: torn")
        survived.finish()
        #expect(survived.result?.result == .met)
    }

    @Test func aRefusedOneAndOneThatNeverBegan() {
        var refused = GivenRestore()
        refused.run.forget(.runbookStarted)
        refused.note(.restoreRefused, 1100, "r.md", text: "refused to restore into /c: it is not empty")
        #expect(refused.result?.result == .missed)
        #expect(refused.result?.reason.contains("not empty") == true)
        var never = GivenRestore()
        never.run.forget(.runbookStarted)
        #expect(never.result?.result == .inconclusive)
        // Before anything was broken it is no verdict on the backup: the drill could not be carried out.
        var early = refused
        early.run.forget(.injected)
        #expect(early.run.judgement.verdict == .error)
        #expect(early.run.judgement.reason.contains("not empty"))
    }

    @Test func withoutProofOfTheFaultNothingIsConcluded() {
        var given = GivenRestore()
        given.run.forget(.effective)
        given.finish(restored: 0)
        #expect(given.result?.result == .inconclusive)
    }

    /// Writes 1 … 9 were sent at 100, 200, … and acknowledged 20 ms later; the target is 550 ms.
    @Test(
        arguments: [
            ([6, 7, 8, 9], .met), ([5, 6, 7, 8, 9], .missed), ([7, 8, 9], .missed), ([6, 8, 9], .missed),
            ([], .missed),
        ] as [(Set<Int64>, ObjectiveResult.Result)]
    ) func aRecoveryToAPointEndsBetweenTwoWrites(
        _ missing: Set<Int64>, _ wanted: ObjectiveResult.Result
    ) {
        var given = GivenRestore(target: "1000000000.55")
        given.run.ledgers = [ledger(1...9, missing: missing)]
        given.finish()
        #expect(given.result?.result == wanted, "\(missing): \(given.result?.reason ?? "")")
        if missing == [7, 8, 9] { #expect(given.result?.reason.contains("beyond") == true) }
        if missing.contains(5) { #expect(given.result?.reason.contains("short of") == true) }
    }

    @Test func aWriteUnderWayAtTheTargetMayBeThereOrNot() {
        for missing in [Set<Int64>([5, 6, 7, 8, 9]), [6, 7, 8, 9]] {
            // Write 5 was sent at 500 and acknowledged at 520.
            var given = GivenRestore(target: "1000000000.51")
            given.run.ledgers = [ledger(1...9, missing: missing)]
            given.finish()
            #expect(given.result?.result == .met, "\(missing): \(given.result?.reason ?? "")")
        }
    }

    /// In doubt or refused: sent after the target it must not be there, whatever became of its answer.
    @Test(arguments: [LedgerEntry.Outcome.info, .fail]) func aWriteWithoutAnAnswerIsNotToBeThereEither(
        _ outcome: LedgerEntry.Outcome
    ) {
        for (missing, finished, wanted) in [
            ([6, 7, 9], 820, .missed), ([6, 7, 8, 9], 820, .met), ([6, 7, 9], 1500, .met),
        ] as [(Set<Int64>, Double, ObjectiveResult.Result)] {
            var given = GivenRestore(target: "1000000000.55")
            var doubtful = ledger(1...9, missing: missing)
            doubtful.entries[7].outcome = outcome
            // Given up after the restore began: the restored system may have taken it.
            doubtful.entries[7].finished = at(finished)
            given.run.ledgers = [doubtful]
            given.finish()
            #expect(given.result?.result == wanted, "\(missing): \(given.result?.reason ?? "")")
            if wanted == .missed { #expect(given.result?.reason.contains("beyond") == true) }
        }
    }

    @Test func aTornWriteFromBeyondTheTargetIsThereAllTheSame() {
        var given = GivenRestore(target: "1000000000.55")
        var torn = ledger(1...9, missing: [6, 7, 9])
        torn.readBack?.found[5].isIntact = false
        given.run.ledgers = [torn]
        given.finish()
        #expect(given.result?.reason.contains("beyond") == true, "\(given.result?.reason ?? "")")
    }

    @Test func everyLedgerIsAskedAndTheOneThatSaysSoNamed() {
        func judged(_ second: Ledger) -> ObjectiveResult? {
            var given = GivenRestore(target: "1000000000.55")
            var second = second
            second.workload = "others"
            given.run.ledgers = [ledger(1...9, missing: [6, 7, 8, 9]), second]
            given.finish()
            return given.result
        }
        #expect(judged(ledger(1...9, missing: [6, 7, 8, 9], stream: 2))?.result == .met)
        let beyond = judged(ledger(1...9, missing: [7, 8, 9], stream: 2))
        #expect(
            beyond?.result == .missed && beyond?.reason.contains("1 writes of 'others' sent after") == true)
        let short = judged(ledger(1...9, missing: [5, 6, 7, 8, 9], stream: 2))
        #expect(
            short?.result == .missed && short?.reason.contains("1 writes of 'others' acknowledged") == true)
        var unread = ledger(1...9, missing: [6, 7, 8, 9], stream: 2)
        unread.readBack?.problems = ["gone"]
        #expect(judged(unread)?.result == .inconclusive)
        // What was written over or deleted is gone by right.
        var register = ledger(1...9, missing: [1, 2, 3, 4, 6, 7, 8, 9], stream: 2)
        register.plan.mode = .register
        #expect(judged(register)?.result == .met)
    }

    @Test func whatASampleLeftOutIsNotMissing() {
        var given = GivenRestore(target: "1000000000.55")
        var sampled = ledger(1...9, missing: [1, 2, 6, 7, 8, 9])
        sampled.readBack?.sample = ReadSample(
            runs: [ReadSample.Run(stream: 1, numbers: 3...9)], since: at(200), older: 2, drawn: 0)
        given.run.ledgers = [sampled]
        given.finish()
        #expect(given.result?.result == .met, "\(given.result?.reason ?? "")")
        sampled.readBack?.sample?.runs.insert(ReadSample.Run(stream: 1, numbers: 1...1), at: 0)
        given.run.ledgers = [sampled]
        #expect(given.result?.reason.contains("short of") == true, "\(given.result?.reason ?? "")")
    }

    @Test func aTargetWithoutWritesAroundItProvesNothing() {
        for (target, words) in [("1000000000.95", "between"), ("1000000000.05", "before")] {
            var given = GivenRestore(target: target)
            given.run.ledgers = [ledger(1...9, missing: target == "1000000000.05" ? Set(1...9) : [])]
            given.finish()
            #expect(given.result?.result == .inconclusive && given.result?.reason.contains(words) == true)
        }
    }

    @Test func aDatasetThatDiffersOrWasNotReadDecides() {
        var run = GivenRun(rto: nil)
        run.signals = [boundsVector()]
        run.drill.datasets = [
            DrillDataset(name: "d", kind: "files", dataset: GivenDataset(), setting: DatasetSetting())
        ]
        func judged(_ change: (inout DatasetFindings) -> Void) -> ObjectiveResult? {
            var findings = DatasetFindings(name: "d", kind: "files")
            change(&findings)
            findings.conclude()
            let history = History(events: run.events, signals: run.signals, ledgers: [], datasets: [findings])
            return DrillJudge.judge(run.drill, history).objectives.first { $0.name == "datasets" }
        }
        #expect(judged { _ in }?.result == .met)
        #expect(judged { $0.missing = 2 }?.result == .missed)
        #expect(judged { $0.problems = ["gone"] }?.result == .inconclusive)
        #expect(run.result("datasets")?.result == .inconclusive, "it was never compared")
    }
}

private struct GivenDataset: Dataset {
    static let form = Form("given", "A dataset of the tests.", blank: GivenDataset(), fields: [])
}

@Suite struct WallClockTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-23T01:46:05.123456789Z", 1_795_398_365_123_456_789),
        ("2026-11-23 02:46:05.5+01:00", 1_795_398_365_500_000_000),
        ("2026-11-23 01:46:05+00", 1_795_398_365_000_000_000),
        ("2026-11-22T22:16:05-0330", 1_795_398_365_000_000_000),
        (" 1795398365.25\n", 1_795_398_365_250_000_000), ("1795398365", 1_795_398_365_000_000_000),
    ]) func aMomentIsRead(_ text: String, _ nanoseconds: Int64) {
        #expect(utcNanoseconds(of: text) == nanoseconds)
    }

    /// Without a zone nobody can place it.
    @Test(arguments: [
        "", "yesterday", "2026-11-23T01:46:05", "2026-02-30T01:46:05Z", "2026-13-01T00:00:00Z", "20261123",
        "2026-11-23T24:00:00Z", "2026-11-23T01:46:05.Z", "2026-11-23T01:46:05+1", "-1795398365", "1e9",
    ]) func anythingElseIsNot(_ text: String) { #expect(utcNanoseconds(of: text) == nil) }
}
