import MusterCore
import Testing

@Suite struct CoverageTests {
    private let day: Int64 = 86_400_000_000_000

    private func outcome(
        _ number: Int, _ verdict: Verdict?, daysAgo: Int64 = 1, mode: String? = "crash",
        environment: Environment = .lab, scope: String = "process", ending: Ending = .completed
    ) -> OutcomeSummary {
        OutcomeSummary(
            number: number, id: "\(number)", drill: "d", service: "web", environment: environment,
            failureMode: mode, durabilityScope: scope, startedAtUTC: 0,
            finishedAtUTC: (100 - daysAgo) * day, ending: ending, verdict: verdict, reason: "because",
            exitCode: 0, objectives: [])
    }

    private func row(
        _ outcomes: [OutcomeSummary], mode: String? = "crash", scope: DurabilityScope? = nil,
        environment: Environment? = nil
    ) -> CoverageRow {
        let requirement = CoverageRequirement(
            service: "web", failureMode: mode, verifyEvery: .seconds(30 * 86_400), scope: scope)
        return Coverage.rows(
            for: [requirement], outcomes: outcomes, asOf: 100 * day, environment: environment)[0]
    }

    @Test func theNewestOutcomeDecides() {
        #expect(row([]).state == .never)
        #expect(row([outcome(1, .fail, daysAgo: 5), outcome(2, .pass, daysAgo: 2)]).state == .proven)
        let failed = row([outcome(1, .pass, daysAgo: 5), outcome(2, .fail, daysAgo: 2)])
        #expect(failed.state == .failed && failed.outcome == 2 && failed.age == .seconds(2 * 86_400))
        #expect(row([outcome(1, .inconclusive)]).state == .inconclusive)
        #expect(row([outcome(1, nil, ending: .interrupted)]).state == .inconclusive)
        #expect(row([outcome(1, .pass, ending: .aborted)]).state == .inconclusive)
    }

    @Test func proofsGrowStaleAndTheFutureDoesNotCount() {
        #expect(row([outcome(1, .pass, daysAgo: 30)]).state == .proven)
        #expect(row([outcome(1, .pass, daysAgo: 31)]).state == .stale)
        #expect(row([outcome(1, .pass, daysAgo: -1)]).state == .never)
        #expect(row([outcome(1, .fail, daysAgo: 31)]).state == .failed)
    }

    @Test func environmentAndFailureModeAreKeptApart() {
        #expect(row([outcome(1, .pass, environment: .staging)], environment: .production).state == .never)
        #expect(row([outcome(1, .pass, environment: .staging)]).environment == .staging)
        #expect(row([outcome(1, .pass, mode: "other")]).state == .never)
        #expect(row([outcome(1, .pass, mode: "other")], mode: nil).state == .proven)
    }

    @Test func aKilledProcessProvesNothingAboutHosts() {
        let weak = row([outcome(7, .pass)], scope: .host)
        #expect(weak.state == .never && weak.reason.contains("outcome 7"))
        #expect(row([outcome(1, .pass, scope: "host")], scope: .process).state == .proven)
        #expect(row([outcome(1, .pass, scope: "site")], scope: .disk).state == .proven)
    }
}
