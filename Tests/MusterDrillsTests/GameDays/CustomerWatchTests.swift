import MusterCore
import Testing

@testable import MusterDrills

/// What customers notice of a drill, for the abort criteria of a game day.
@Suite struct CustomerWatchTests {
    private func watch(latency: GameDay.LatencyLimit? = nil, struck: Double? = 5000) -> CustomerWatch {
        var watch = CustomerWatch(latency: latency)
        watch.apply(event(.runStarted, 0, detail: GivenBoard.plan().value))
        if let struck {
            watch.apply(event(.injected, struck + 1, bracket: bracket(struck, struck + 0.2)))
        }
        return watch
    }

    private func event(
        _ kind: Event.Kind, _ time: Double, bracket: Bracket? = nil, detail: Value = .null
    ) -> Event {
        Event(kind, at: at(time), utc: 0, bracket: bracket, subject: "crash", text: "", detail: detail)
    }

    private func add(_ seen: Seen, to watch: inout CustomerWatch) {
        watch.apply(
            seen.signal.samples.sorted { $0.finished < $1.finished }, of: seen.signal.name,
            writer: seen.signal.writer)
    }

    private func outage(_ name: String, _ from: Double, _ to: Double, until: Double = 12_000)
        -> Seen
    {
        Seen(name).then(.ok, 4000, from - 10).then(.error, from, to - 10).then(.ok, to, until)
    }

    @Test func downFromTheFirstBadOneUntilTheNextGoodOneIsOver() {
        var watch = watch()
        add(outage("health", 5010, 7000), to: &watch)
        #expect(watch.downTime(at: at(12_000)) == ms(7000.7 - 5010))
        // While it is down the time goes on, also where nothing is heard.
        var open = self.watch()
        add(Seen("health").then(.ok, 4000, 5000).then(.error, 5010, 6000), to: &open)
        #expect(open.downTime(at: at(9010)) == ms(4000))
    }

    /// Of several signals the time is counted once, and of several outages all of it.
    @Test func stretchesAreUnited() {
        var watch = watch()
        add(outage("health", 5010, 6000), to: &watch)
        add(outage("writes", 5500, 7000), to: &watch)
        #expect(watch.downTime(at: at(12_000)) == ms(7000.7 - 5010))
        // One that fills the gap between two, whose samples come last.
        var gap = self.watch()
        add(
            Seen("health").then(.error, 5010, 5990).then(.ok, 6000, 7990).then(.error, 8000, 8990)
                .then(.ok, 9000, 12_000), to: &gap)
        #expect(gap.downTime(at: at(12_000)) == ms(990.7 + 1000.7))
        add(outage("writes", 6000, 8000), to: &gap)
        #expect(gap.downTime(at: at(12_000)) == ms(9000.7 - 5010))
    }

    @Test func onlyBetweenTheFaultAndTheEndAndOnlyWhatIsJudged() {
        // What was down before, and what no objective is about, is not the drill's doing.
        var before = watch(struck: nil)
        add(outage("health", 4500, 6000), to: &before)
        #expect(before.downTime(at: at(12_000)) == .zero)
        before.apply(event(.injected, 5001, bracket: bracket(5000, 5000.2)))
        #expect(before.downTime(at: at(12_000)) == ms(6000.7 - 5000))
        var other = watch()
        add(outage("canary", 5010, 9000), to: &other)
        #expect(other.downTime(at: at(12_000)) == .zero)
        // Fixtures that come down are silent because they were asked to be.
        var after = watch()
        add(outage("health", 5010, 6000, until: 9000), to: &after)
        after.apply(event(.steadyAgain, 9000))
        add(Seen("health").then(.error, 9010, 9500), to: &after)
        #expect(after.downTime(at: at(12_000)) == ms(6000.7 - 5010))
    }

    /// A hung request that is given up after a good one was sent later is no second outage.
    @Test func samplesCountInTheOrderOfSending() {
        var watch = watch()
        let hung = Sample(due: at(5010), started: at(5010), finished: at(5510), outcome: .timeout)
        let good = Sample(due: at(5400), started: at(5400), finished: at(5401), outcome: .ok)
        watch.apply([good, hung], of: "health", writer: nil)
        #expect(watch.downTime(at: at(20_000)) == ms(391))
        let unknown = Sample(due: at(6000), started: at(6000), finished: at(6001), outcome: .unknown)
        watch.apply([unknown], of: "health", writer: nil)
        #expect(watch.downTime(at: at(20_000)) == ms(391))
    }

    @Test func lateAnswersOfTheLastSeconds() throws {
        let limit = GameDay.LatencyLimit(max: ms(100), window: ms(2000))
        var watch = watch(latency: limit)
        add(
            Seen("health").then(.ok, 4000, 5990).then(.ok, 6000, 7490, takes: 150).then(.ok, 7500, 12_000),
            to: &watch)
        // Before the window has passed since the fault nothing is said.
        #expect(watch.late(at: at(6900)) == nil)
        let found = try #require(watch.late(at: at(7700)))
        #expect(found.signal == "health" && found.late > 100 && found.answers > 150)
        let later = try #require(watch.late(at: at(12_000)))
        #expect(later.late == 0 && later.answers > 150)
        // A crash is no latency: what was not answered is not counted.
        var crash = self.watch(latency: limit)
        add(Seen("health").then(.timeout, 5010, 7990, takes: 500).then(.ok, 8000, 8100), to: &crash)
        #expect(crash.late(at: at(8200)) == nil, "too few answers for a quantile")
    }
}
