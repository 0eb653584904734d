import MusterCore
import MusterDrills
import Testing

@Suite struct RunbookStandingTests {
    private let day: Int64 = 86_400_000_000_000

    private var runbook: Runbook {
        var runbook = Runbook(title: "x", execHash: "h1")
        runbook.verifyEvery = .seconds(90 * 86_400)
        runbook.testedWith = ["redis": "7.0"]
        return runbook
    }

    private func state(
        _ evidence: [RunbookEvidence], observed: [String: String] = [:], day today: Int64 = 100
    ) -> RunbookStanding {
        RunbookStanding(of: runbook, evidence: evidence, observed: observed, now: today * day)
    }

    private func ran(_ pass: Bool, _ at: Int64, hash: String = "h1") -> RunbookEvidence {
        RunbookEvidence(
            execHash: hash, isPass: pass, finishedAtUTC: at * day, source: "run #\(at)",
            reason: pass ? "" : "it broke")
    }

    @Test func eachState() {
        #expect(state([]).state == .never)
        #expect(state([ran(true, 99)]).state == .verified)
        #expect(state([ran(true, 9)]).state == .stale)
        #expect(state([ran(true, 10)]).state == .verified, "90 days are allowed")
        #expect(state([ran(true, 99, hash: "h0")]).state == .drifted)
        #expect(state([ran(true, 98), ran(false, 99)]).state == .failed)
        #expect(state([ran(false, 98), ran(true, 99)]).state == .verified, "whatever the order")
        #expect(state([ran(true, 99)], observed: ["redis": "7.2.1"]).state == .depsChanged)
        #expect(state([ran(true, 99)], observed: ["redis": "7.0.15"]).state == .verified)
        #expect(state([ran(true, 99)], observed: ["postgresql": "9"]).state == .verified)
    }

    @Test func theWorstIsSaidFirst() {
        let old = ran(true, 1, hash: "h0")
        #expect(state([old, ran(false, 2)], observed: ["redis": "8"]).state == .failed)
        #expect(state([old], observed: ["redis": "8"]).state == .drifted)
        #expect(state([ran(true, 1)], observed: ["redis": "8"]).state == .depsChanged)
    }

    @Test func reasonsSayWhatAndWhere() {
        #expect(state([ran(false, 99)]).reason == "run #99 failed: it broke")
        #expect(state([ran(true, 1)]).reason == "run #1 is 99d 0h old; at most 90d 0h is allowed")
        #expect(
            state([ran(true, 99)], observed: ["redis": "7.2.1"]).reason
                == "redis is 7.2.1 here; it was tested with 7.0")
    }

    @Test func versionsAreComparedByTheirParts() {
        #expect(state([ran(true, 99)], observed: ["redis": "7.01.3"]).state == .depsChanged)
        #expect(state([ran(true, 99)], observed: ["redis": "7"]).state == .depsChanged)
    }
}
