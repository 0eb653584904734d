import MusterCore
import MusterDrills
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

    private func repeated(_ verdicts: Verdict?..., group: String = "G", from first: Int = 1)
        -> [OutcomeSummary]
    {
        verdicts.enumerated().map { index, verdict in
            var one = outcome(
                first + index, verdict, daysAgo: 50 - Int64(first + index),
                ending: verdict == nil ? .interrupted : .completed)
            one.repeatGroup = group
            return one
        }
    }

    @Test func oneThatFailedIsNotOutlivedByOthersOfItsGroup() {
        let failed = row(repeated(.pass, .fail, .pass, .fail, .pass, from: 30))
        #expect(failed.state == .failed && failed.outcome == 33)
        // As old as the newest of them.
        #expect(failed.age == .seconds(16 * 86_400))
        #expect(failed.reason == "5 repeats, 3 passed, 2 failed: because")
        let proven = row(repeated(.pass, .pass, from: 30))
        #expect(proven.state == .proven && proven.outcome == 31)
        #expect(proven.reason == "2 repeats, 2 passed: because")
        // What proved nothing hides nothing: the newest decides.
        #expect(row(repeated(.inconclusive, nil, .pass, from: 30)).state == .proven)
        let last = row(repeated(.pass, .inconclusive, from: 30))
        #expect(last.state == .inconclusive && last.outcome == 31)
        #expect(last.reason == "2 repeats, 1 passed, 1 inconclusive: because")
        // They are as old as all others.
        #expect(row(repeated(.pass, .pass)).state == .stale)
    }

    @Test func onlyTheNewestGroupDecides() {
        let earlier = repeated(.fail, .pass, from: 20)
        #expect(row(earlier + repeated(.pass, .pass, group: "H", from: 30)).state == .proven)
        // Mended, and tried once.
        #expect(row(earlier + [outcome(40, .pass)]).state == .proven)
        #expect(row([outcome(40, .pass)]).reason == "because")
        // One that failed and is no proof for this requirement.
        var other = repeated(.fail, .pass, from: 30)
        other[0].environment = .staging
        #expect(row(other, environment: .lab).state == .proven)
        // A run of its own belongs to no group.
        #expect(row([outcome(1, .fail, daysAgo: 3), outcome(2, .pass, daysAgo: 2)]).state == .proven)
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
