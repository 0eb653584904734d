import MusterCore
import MusterDrills
import Testing

/// Verdicts by what the ledger proves; the fault is at [1000, 1000.2], the last write before it sent at 900.
@Suite struct DataJudgeTests {
    private func run(rpo: Double = 0, _ given: Ledger?) -> GivenRun {
        var run = GivenRun(rpo: rpo)
        run.signals = [boundsVector()]
        run.ledgers = given.map { [$0] } ?? []
        return run
    }

    @Test func zeroIsJudgedByCount() {
        let passed = run(ledger(1...30)).judgement
        #expect(passed.verdict == .pass)
        #expect(passed.objectives[1].objective == "0 lost")
        #expect(passed.objectives[1].measured == "0 lost")
        #expect(passed.objectives[1].interval == interval(0, 0))
        let lost = run(ledger(1...30, missing: [8, 9])).judgement
        #expect(lost.verdict == .fail)
        #expect(lost.reason == "Failed: 2 lost of 30 acknowledged writes, 180 ms to 300.2 ms old")
        #expect(lost.objectives[1].measured == "2 lost of 30 acknowledged writes, 180 ms to 300.2 ms old")
        #expect(lost.ledgers[0].lost == 2)
        #expect(
            run(ledger(1...30, missing: [30])).judgement.reason
                == "Failed: 1 lost of 30 acknowledged writes, "
                + "1 of them acknowledged after the fault (as when two sides accept writes), "
                + "the last 2 s to 2.02 s after it")
    }

    @Test func corruptCountsAsLost() {
        var given = ledger(1...30)
        given.readBack?.found[4].isIntact = false
        #expect(
            run(given).judgement.reason
                == "Failed: 1 corrupt of 30 acknowledged writes, 480 ms to 600.2 ms old")
    }

    @Test func bothMissesAreNamed() {
        var both = run(ledger(1...30, missing: [9]))
        both.drill.objectives.rto = ms(100)
        #expect(
            both.judgement.reason
                == "Failed: recovered in 1.23 s to 1.241 s, not within the 100 ms allowed; "
                + "1 lost of 30 acknowledged writes, 80 ms to 200.2 ms old")
    }

    @Test func whatWasNotReadIsNotLost() {
        var given = ledger(1...30, missing: [8, 9])
        given.readBack?.problems = ["GET 8: timeout"]
        #expect(run(given).judgement.verdict == .inconclusive)
        // A wrong checksum is proof whatever else could not be read.
        given.readBack?.found[0].isIntact = false
        #expect(run(given).judgement.verdict == .fail)
        var blind = ledger(1...30)
        blind.blindWindow = ms(5)
        #expect(run(blind).judgement.verdict == .inconclusive)
        blind.readBack?.found.removeLast()
        #expect(run(blind).judgement.verdict == .fail)
        #expect(run(nil).judgement.verdict == .inconclusive)
        #expect(run(nil).judgement.scope.contains { $0.hasPrefix("no write was followed") })
    }

    @Test func whatCouldNotBeReadIsCountedApart() {
        var given = ledger(1...30, missing: [8, 9])
        given.readBack?.unread = [EntryKey(stream: 1, sequence: 8), EntryKey(stream: 1, sequence: 9)]
        let judgement = run(given).judgement
        #expect(judgement.verdict == .inconclusive)
        #expect(judgement.reason.hasSuffix("the read-back is incomplete: 2 keys could not be read"))
        #expect(judgement.objectives[1].measured == "0 lost; 2 unread")
        #expect(judgement.objectives[1].interval == interval(0, 300.2))
        given.readBack?.found[0].isIntact = false
        #expect(run(given).result("rpo")?.reason.hasPrefix("1 corrupt of 30 acknowledged writes, ") == true)
        #expect(run(given).result("rpo")?.measured.hasSuffix(" old; 2 unread") == true)
    }

    @Test func aStoreThatCannotListItsKeysLimitsTheScope() {
        let line = "the store of 'writes' cannot list its keys: "
        var given = ledger(1...30)
        #expect(!run(given).judgement.scope.contains { $0.hasPrefix(line) })
        given.readBack?.cannotList = true
        #expect(run(given).judgement.scope.contains { $0.hasPrefix(line) })
        #expect(run(given).judgement.verdict == .pass)
    }

    @Test func failWinsOverInconclusive() {
        var given = run(ledger(1...30, missing: [9]))
        given.drill.objectives.rto = ms(1235)
        #expect(given.result()?.result == .inconclusive)
        #expect(given.judgement.verdict == .fail)
    }

    /// Losing 8 and 9: RPA = [1000 - 820, 1000.2 - 700].
    @Test(arguments: [
        (300.2, Verdict.pass), (300.1, .inconclusive), (180, .inconclusive), (179.9, .fail),
    ]) func timeIsJudgedByBounds(_ rpo: Double, _ verdict: Verdict) {
        let judgement = run(rpo: rpo, ledger(1...30, missing: [8, 9])).judgement
        #expect(judgement.objectives[1].interval == interval(180, 300.2))
        #expect(judgement.verdict == verdict)
    }

    @Test func lossAfterTheFaultHasNoAllowance() {
        #expect(run(rpo: 60_000, ledger(1...30, missing: [15])).judgement.verdict == .fail)
        #expect(run(rpo: 60_000, ledger(1...30)).judgement.verdict == .pass)
    }

    /// 15 was acknowledged after the fault, 9 before it.
    @Test func aSplitBrainsLossCanBeAllowed() {
        func result(_ rpo: Double, _ missing: Set<Int64>) -> ObjectiveResult? {
            var given = run(rpo: rpo, ledger(1...30, missing: missing))
            given.drill.objectives.allowPostFaultLoss = .allowed
            return given.result("rpo")
        }
        #expect(result(0, [15])?.result == .met)
        #expect(
            result(0, [15])?.reason
                == "no write acknowledged before the fault was lost or corrupted; "
                + "1 acknowledged after it is lost, as allowPostFaultLoss permits")
        #expect(result(0, [9, 15])?.result == .missed)
        #expect(result(200.2, [9, 15])?.result == .met)
        #expect(result(79, [9, 15])?.result == .missed)
        #expect(result(60_000, [15])?.result == .met)
    }

    /// A loss of both is no divergence, and a divergence is no loss.
    @Test func whatOnlyAReplicaLacksIsNotLost() {
        var given = ledger(1...30)
        let found = Array(given.readBack?.found.dropLast(3) ?? [])
        given.readBack?.replicas = [ReadBack.Replica(name: "r", found: found, agreed: true, passes: 2)]
        #expect(run(given).result("rpo")?.result == .met)
        #expect(run(given).judgement.ledgers[0].replicas.map(\.missing) == [3])
    }

    @Test func withoutProvenEffectNoLossIsHeldAgainstIt() {
        var doubled = ledger(1...30, missing: [9])
        doubled.readBack?.found[2].count = 2
        var given = run(doubled)
        given.drill.objectives.strictIntegrity = true
        given.forget(.effective)
        #expect(given.judgement.verdict == .inconclusive)
        #expect(given.judgement.ledgers[0].lost == 1)
    }

    @Test func aSuspectLedgerProvesNothing() {
        var given = run(ledger(1...30))
        given.note(.instrumentSuspect, 3000, "writes", text: "the ledger's thread was stopped")
        #expect(given.result("rpo")?.result == .inconclusive)
        #expect(given.result("rto")?.result == .met)
    }

    @Test func strictIntegrity() {
        func strict(_ change: (inout Ledger) -> Void) -> ObjectiveResult? {
            var ledger = ledger(1...30)
            change(&ledger)
            var given = run(ledger)
            given.drill.objectives.strictIntegrity = true
            return given.result("integrity")
        }
        #expect(strict { _ in }?.result == .met)
        #expect(strict { $0.readBack?.found[2].count = 2 }?.measured == "1 duplicate")
        #expect(strict { $0.entries.remove(at: 20) }?.measured == "1 phantom")
        #expect(strict { $0.entries[20].outcome = .fail }?.measured == "1 aborted but visible")
        #expect(strict { $0.readBack?.late = [EntryKey(stream: 1, sequence: 3)] }?.measured == "1 stale")
        #expect(strict { $0.readBack?.found[2].count = 2 }?.result == .missed)
        // Presence is proof, absence is not.
        #expect(
            strict {
                $0.readBack?.found[2].count = 2
                $0.readBack?.agreed = false
            }?.result == .missed)
        #expect(strict { $0.readBack?.agreed = false }?.result == .inconclusive)
        #expect(strict { $0.readBack?.found[6].isMisplaced = true }?.measured == "1 reordered")
        #expect(
            strict {
                let found = $0.readBack?.found.dropLast() ?? []
                $0.readBack?.replicas = [
                    ReadBack.Replica(name: "r", found: Array(found), agreed: true, passes: 2)
                ]
            }?.measured == "1 divergent")
        #expect(
            strict {
                $0.readBack?.replicas = [
                    ReadBack.Replica(name: "r", found: [], agreed: false, passes: 1, problems: ["gone"])
                ]
            }?.reason == "'writes': the replica r could not be read: gone")
        // A loss breaks the recovery point, not the integrity.
        #expect(strict { $0.readBack?.found.removeLast() }?.result == .met)
    }

    @Test func worstWorkloadRules() {
        var given = run(rpo: 250, ledger(1...30))
        var other = ledger(1...30, missing: [7, 8, 9])
        other.workload = "others"
        given.ledgers.append(other)
        #expect(given.result("rpo")?.interval == interval(280, 400.2))
        #expect(given.judgement.verdict == .fail)
        #expect(
            given.judgement.measurements.contains(
                Measurement(name: "tail-rpa", subject: "others", interval: interval(280, 400.2))))
    }
}
