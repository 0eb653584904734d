import MusterCore
import MusterDrills
import Testing

/// What `allowPostFaultLoss` permits. The fault is at [1000, 1000.2]; write n is sent at 100 n and acknowledged 20 ms
/// later, so that 15 was acknowledged between 499.8 ms and 520 ms after it.
@Suite struct PostFaultLossJudgeTests {
    private func run(
        _ limit: PostFaultLoss, rpo: Double = 0, _ ledgers: Ledger...
    ) -> GivenRun {
        var run = GivenRun(rpo: rpo)
        run.signals = [boundsVector()]
        run.drill.objectives.allowPostFaultLoss = limit
        run.ledgers = ledgers
        return run
    }

    /// A split brain that goes on for ten seconds is not what three seconds were allowed for.
    @Test(arguments: [0, 4000.0]) func tenSecondsOfLostAcknowledgementsAreMissed(_ rpo: Double) {
        let lost = ledger(1...120, missing: Set(11...110))
        let judgement = run(.within(ms(3000)), rpo: rpo, lost).judgement
        #expect(judgement.verdict == .fail)
        #expect(
            judgement.reason
                == "Failed: 100 lost of 120 acknowledged writes, 100 of them acknowledged after the fault (as when "
                + "two sides accept writes), the last 10 s to 10.02 s after it, not within the 3 s allowed"
        )
        #expect(run(.within(ms(10_020)), rpo: rpo, lost).judgement.verdict == .pass)
        #expect(run(.allowed, rpo: rpo, lost).judgement.verdict == .pass)
        #expect(run(.forbidden, rpo: rpo, lost).judgement.verdict == .fail)
    }

    @Test(arguments: [
        (520, ObjectiveResult.Result.met), (519.9, .inconclusive), (499.8, .inconclusive), (499.7, .missed),
    ]) func theLimitIsJudgedByBounds(_ limit: Double, _ wanted: ObjectiveResult.Result) {
        for rpo in [0, 60_000.0] {
            let given = run(.within(ms(limit)), rpo: rpo, ledger(1...30, missing: [12, 15]))
            #expect(given.result("rpo")?.result == wanted)
            #expect(
                given.judgement.measurements.contains(
                    Measurement(name: "lost-after-fault", subject: "writes", interval: interval(499.8, 520))))
        }
    }

    @Test func itSaysWhatItAllowed() {
        let met = run(.within(ms(3000)), rpo: 4000, ledger(1...30, missing: [14, 15])).result("rpo")
        #expect(met?.objective == "4 s before the fault, 3 s after it")
        #expect(
            met?.measured
                == "2 lost of 30 acknowledged writes, 2 of them acknowledged after the fault (as when two sides "
                + "accept writes), the last 499.8 ms to 520 ms after it")
        #expect(
            met?.reason
                == "no write acknowledged before the fault was lost or corrupted; 2 acknowledged after it are lost, "
                + "the last 499.8 ms to 520 ms after it, within the 3 s that allowPostFaultLoss permits")
        let open = run(.within(ms(500)), rpo: 4000, ledger(1...30, missing: [15])).result("rpo")
        #expect(open?.reason.hasSuffix(": these bounds lie on both sides of the 500 ms allowed") == true)
        #expect(
            run(.allowed, ledger(1...30)).result("rpo")?.objective == "0 lost before the fault, any after it")
        #expect(run(.forbidden, ledger(1...30)).result("rpo")?.objective == "0 lost")
    }

    /// 9 was acknowledged 80 ms to 200.2 ms before the fault: what may be lost after it makes nothing before it good.
    @Test func lossesBeforeTheFaultKeepTheirOwnLimit() {
        let both = ledger(1...30, missing: [9, 15])
        #expect(run(.within(ms(3000)), both).result("rpo")?.result == .missed)
        #expect(run(.within(ms(3000)), rpo: 79, both).result("rpo")?.result == .missed)
        #expect(run(.within(ms(3000)), rpo: 100, both).result("rpo")?.result == .inconclusive)
        let met = run(.within(ms(3000)), rpo: 300, both).result("rpo")
        #expect(met?.result == .met)
        #expect(met?.reason.hasSuffix("within the 3 s that allowPostFaultLoss permits") == true)
        // Whichever is missed, it is missed.
        #expect(run(.within(ms(400)), rpo: 300, both).result("rpo")?.result == .missed)
        #expect(run(.within(ms(510)), rpo: 300, both).result("rpo")?.result == .inconclusive)
    }

    /// Loss that is there for certain stays so, whatever is unknown beside it.
    @Test func whatCouldNotBeReadIsNotLost() {
        var blind = ledger(1...30, missing: [15])
        blind.blindWindow = ms(5)
        #expect(run(.within(ms(400)), rpo: 4000, blind).result("rpo")?.result == .missed)
        #expect(run(.within(ms(3000)), rpo: 4000, blind).result("rpo")?.result == .inconclusive)
        var unread = ledger(1...30, missing: [15])
        unread.readBack?.problems = ["GET 15: timeout"]
        #expect(run(.within(ms(400)), rpo: 4000, unread).result("rpo")?.result == .inconclusive)
        // Of two workloads the complete one proves what it proves, and no more.
        var other = ledger(1...30, missing: [25])
        other.workload = "others"
        other.readBack?.agreed = false
        let given = run(.within(ms(600)), rpo: 4000, ledger(1...30, missing: [15]), other)
        #expect(given.result("rpo")?.result == .inconclusive)
        #expect(run(.within(ms(400)), ledger(1...30, missing: [15]), other).result("rpo")?.result == .missed)
    }

    @Test func theLatestOfAllWorkloadsCounts() {
        var other = ledger(1...30, missing: [25])
        other.workload = "others"
        let given = run(.within(ms(1000)), rpo: 4000, ledger(1...30, missing: [15]), other)
        #expect(given.result("rpo")?.result == .missed)
    }

    /// A loss may be young for the second fault, however long after the first it was acknowledged.
    @Test func withSeveralFaultsItsAgeCannotBeTold() {
        func result(_ limit: PostFaultLoss, _ rpo: Double) -> ObjectiveResult? {
            var given = run(limit, rpo: rpo, ledger(1...30, missing: [15]))
            given.drill.steps.append(given.inject("second"))
            given.note(.injected, 1450, "second", bracket(1449, 1450))
            given.note(.effective, 1451, "second")
            return given.result("rpo")
        }
        #expect(result(.within(ms(400)), 4000)?.result == .inconclusive)
        #expect(result(.within(ms(400)), 4000)?.reason.hasSuffix("its age cannot be told") == true)
        #expect(result(.within(ms(520)), 4000)?.result == .met)
        #expect(result(.forbidden, 4000)?.result == .inconclusive)
        // No loss at all is another matter.
        #expect(result(.forbidden, 0)?.result == .missed)
    }

    /// What is there and wrong was not thrown away with a side: no allowance covers it, nor has it an age before the
    /// fault.
    @Test func nothingAllowsForCorruptWrites() {
        var given = ledger(1...30)
        given.readBack?.found[24].isIntact = false
        for limit in [PostFaultLoss.forbidden, .within(ms(3000)), .allowed] {
            #expect(run(limit, rpo: 4000, given).result("rpo")?.result == .missed)
            #expect(run(limit, given).result("rpo")?.result == .missed)
        }
        given.readBack?.found[24].isIntact = true
        given.readBack?.found[8].isIntact = false
        #expect(run(.forbidden, rpo: 4000, given).result("rpo")?.result == .met)
    }

    @Test func strictnessHasAnOrder() {
        let inOrder: [PostFaultLoss] = [
            .forbidden, .within(ms(1)), .within(ms(3000)), .within(ms(3001)), .allowed,
        ]
        #expect(inOrder.shuffled().sorted() == inOrder)
    }
}
