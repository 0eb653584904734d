import MusterCore
import MusterDrills
import Testing

/// What several endpoints, and several outages, come to (MEASUREMENT, section 1).
@Suite struct PartialOutageTests {
    /// Four endpoints up at 0.5, 2, 2, 9 s: first 0.5, θ = 0.75 at 2, all 9, equivalent 3.375 s.
    @Test func partialOutageVectorOfMeasurement() {
        let times = [9, 0.5, 2, 2].map { interval($0 * 1000, $0 * 1000) }
        let partial = PartialOutage(times: times, down: times)
        #expect(partial.first == interval(500, 500))
        #expect(partial.time(share: 0.75) == interval(2000, 2000))
        #expect(partial.time(share: 0.76) == interval(9000, 9000))
        #expect(partial.time(share: 0.25) == interval(500, 500))
        #expect(partial.all == interval(9000, 9000))
        #expect(partial.equivalent == interval(3375, 3375))
        // 30 days at 99.99 % are 259.2 s, of which 3.375 s are 1.302 %.
        let goal = AvailabilityGoal(
            min: Percentage(millionths: 999_900), window: .seconds(30 * 86_400))
        #expect(goal.budget == ms(259_200))
        let spent = goal.spent(by: interval(3375, 3375))
        #expect(spent.map { ($0.atLeast * 1e5).rounded() } == 1302)
        #expect(
            AvailabilityGoal(min: Percentage(millionths: 1_000_000), window: ms(1)).spent(by: times[0]) == nil
        )
    }

    @Test func endpointsThatNeverWentDownOrNeverCameBack() {
        let partial = PartialOutage(
            times: [nil, interval(1000, 1100), interval(5000, nil)],
            down: [interval(0, 0), interval(990, 1110), interval(4990, nil)])
        #expect(partial.first == interval(0, 0))
        #expect(partial.time(share: 0.5) == interval(1000, 1100))
        #expect(partial.all == interval(5000, nil))
        #expect(partial.equivalent == Interval(lower: .nanoseconds(1_993_333_333), upper: nil))
    }

    @Test func severalProbesAreEndpoints() {
        var run = GivenRun(rto: 3000, probes: ["a", "b"])
        run.drill.objectives.serviceLevel = AvailabilityGoal(
            min: Percentage(millionths: 999_900), window: .seconds(30 * 86_400))
        let down = { (name: String, end: Double) in
            Seen(name).then(.ok, 0, 990).then(.error, 1000, end).then(.ok, end + 10, 40_000).signal
        }
        run.signals = [down("a", 1490), down("b", 2990)]
        #expect(run.figure("rta-first") == interval(489.8, 500.7))
        #expect(run.figure("rta-half") == interval(489.8, 500.7))
        #expect(run.figure("rta") == interval(1989.8, 2000.7))
        // Down for [489.3, 510.7] and [1989.3, 2010.7].
        #expect(run.figure("outage-equivalent") == interval(1239.3, 1260.7))
        #expect(
            run.judgement.scope.contains(
                "in production this outage would spend 0.4781 % to 0.4863 % of the error budget of 4m 19s "
                    + "(99.99 % over 30d 0h)"))
        run.signals = [down("a", 1490), Seen("b").then(.ok, 0, 40_000).signal]
        #expect(run.figure("rta-first") == interval(0, 0))
        run.drill.judgedBy = ["a"]
        #expect(run.figure("rta-first") == nil)
    }

    @Test func flappingHasFigures() {
        var run = GivenRun(rto: 5000)
        run.signals = [
            Seen().then(.ok, 0, 990).then(.error, 1000, 2000).then(.ok, 2010, 2500).then(.error, 2510, 3000)
                .then(.ok, 3010, 40_000).signal
        ]
        #expect(run.figure("down-longest") == interval(1010.7, 1010.7))
        #expect(run.figure("down-span") == interval(2010.7, 2010.7))
        run.signals = [boundsVector()]
        #expect(run.figure("down-span") == nil)
    }
}
