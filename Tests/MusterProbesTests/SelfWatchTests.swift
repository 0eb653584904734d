import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

private func sample(_ due: Int64, late: Int64 = 0, took: Int64 = 1, _ outcome: Sample.Outcome = .ok) -> Sample
{
    Sample(due: at(due), started: at(due + late), finished: at(due + late + took), outcome: outcome)
}

/// What the instrument finds out about itself.
@Suite struct SelfWatchTests {
    @Test func whatWasSentLaterThanItsPeriodMakesAWindow() {
        var watch = InstrumentWatch()
        watch.add(sample(100, late: 9), every: .milliseconds(10))
        #expect(watch.closed(by: nil).isEmpty)
        watch.add(sample(110, late: 200), every: .milliseconds(10))
        watch.add(sample(120, late: 190), every: .milliseconds(10))
        // Not over yet: more may follow.
        #expect(watch.closed(by: at(700)).isEmpty)
        watch.add(sample(5000, late: 30), every: .milliseconds(10))
        let windows = watch.closed(by: nil)
        #expect(windows.map(\.trouble) == [.late, .late])
        #expect(windows[0].bracket == Bracket(at(110), at(310)) && windows[0].count == 2)
        #expect(windows[0].lateness == .milliseconds(200))
        #expect(windows[1].bracket == Bracket(at(5000), at(5030)))
    }

    @Test func failuresOfTheCanaryAreMergedOnlyWhereTheyTouch() {
        var watch = InstrumentWatch()
        for due: Int64 in [1000, 1050, 1100] { watch.addCanary(sample(due, took: 250, .timeout)) }
        watch.addCanary(sample(1500))
        watch.addCanary(sample(1600, took: 10, .error))
        watch.addCanary(sample(1650, .unknown))
        let windows = watch.closed(by: nil)
        #expect(windows.map(\.bracket) == [Bracket(at(1000), at(1350)), Bracket(at(1600), at(1610))])
        #expect(windows.allSatisfy { $0.trouble == .canary } && watch.canaryFailures == 4)
    }

    @Test func longTroubleIsToldInPieces() {
        var watch = InstrumentWatch()
        for due in stride(from: Int64(0), to: 35_000, by: 100) {
            watch.add(sample(due, late: 50), every: .milliseconds(10))
        }
        #expect(watch.closed(by: at(34_000)).count == 3)
        #expect(watch.closed(by: nil).reduce(0) { $0 + $1.count } == 350)
    }

    @Test func lostSamplesAreDatedFromTheLastLookOnAtTheLatest() {
        var watch = InstrumentWatch()
        watch.add((0, 0, 0), lane: 0, now: at(100))
        watch.add((0, 0, 0), lane: 0, now: at(200))
        // Two rows of drops since then: only the newer one is dated.
        watch.add((7, at(280).nanoseconds, at(290).nanoseconds), lane: 0, now: at(300))
        let windows = watch.closed(by: nil)
        #expect(windows.map(\.bracket) == [Bracket(at(200), at(290))] && windows[0].count == 7)
    }

    // MARK: Clocks

    private func reading(_ monotonic: Int64, asleep: Int64 = 0, wall: Int64 = 0) -> ClockWatch.Reading {
        ClockWatch.Reading(
            monotonic: monotonic * 1_000_000, boot: (monotonic + asleep) * 1_000_000,
            wall: (1_700_000_000_000 + monotonic + asleep + wall) * 1_000_000)
    }

    @Test func stepsOfTheWallClockAreFoundAndSlewingIsNone() {
        var watch = ClockWatch(reading(1000))
        // 500 ppm is the most that the kernel slews.
        for second: Int64 in 2...60 { watch.add(reading(second * 1000, wall: second / 2)) }
        #expect(watch.steps.isEmpty && watch.suspended == .zero)
        watch.add(reading(61_000, wall: 3_600_030))
        watch.add(reading(62_000, wall: 30))
        #expect(watch.steps.map(\.by) == [.seconds(3600), .seconds(-3600)])
        #expect(watch.steps[0].between == Bracket(at(60_000), at(61_000)))
        #expect(watch.steps[0].text.hasPrefix("the wall clock was set forward by"))
        #expect(watch.steps[1].text.hasPrefix("the wall clock was set back by"))
        #expect(watch.suspended == .zero)
    }

    @Test func aSuspendIsNoStepAndAStepNoSuspend() {
        var watch = ClockWatch(reading(1000))
        watch.add(reading(2000, asleep: 60_000))
        #expect(watch.suspended == .seconds(60) && watch.steps.isEmpty)
        watch.add(reading(3000, asleep: 60_000, wall: -500))
        #expect(watch.suspended == .seconds(60) && watch.steps.map(\.by) == [.milliseconds(-500)])
    }

    @Test func theClocksOfThisMachineAgree() {
        var watch = ClockWatch(ClockWatch.read())
        for _ in 0..<100 { watch.add(ClockWatch.read()) }
        #expect(watch.suspended == .zero)
    }

    // MARK: Pressure

    @Test func pressureIsReadAsTheKernelWritesIt() throws {
        let folder = try TemporaryFolder()
        let text = { (average: String, total: Int64) in
            "some avg10=\(average) avg60=2.00 avg300=3.00 total=\(total)\n"
                + "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"
        }
        _ = try folder.write("cpu", text("12.50", 1_000_000))
        _ = try folder.write("io", "nonsense")
        let watch = try SelfWatch(pressure: folder.path)
        defer { watch.stop() }
        #expect(watch.status.pressure.cpu == Pressure.Line(start: 0.125, end: 0.125, peak: 0))
        #expect(watch.status.pressure.io == nil && watch.status.pressure.memory == nil)
        // More than all of any second.
        _ = try folder.write("cpu", text("50.00", 900_000_000))
        #expect(eventually { watch.status.pressure.cpu?.peak == 1 })
        #expect(watch.status.pressure.cpu?.end == 0.5)
        #expect(watch.status.pressure.text.contains("cpu 13 % before, 100 % at most, 50 % at the end"))
        #expect(Pressure().text.contains("no /proc/pressure"))
        #expect(Pressure(cpu: .init(start: 0, end: 0, peak: 0)).text == "nothing on this host had to wait")
    }

    // MARK: The engine

    @Test func aServerOfOurOwnThatIsMuteIsNoticed() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { _ in .status(200, "") }
        defer { server.stop() }
        let engine = try MeasuringEngine(
            [drillProbe(httpProbe(server.url), every: .milliseconds(20), timeout: .seconds(30))], in: folder)
        try engine.start()
        #expect(eventually { engine.snapshot().signals[0].ok >= 10 })
        let began = monotonicNow()
        engine.canaryServer.mute(true)
        #expect(eventually { engine.snapshot().instrument.canaryFailures >= 3 })
        engine.canaryServer.mute(false)
        engine.stop()
        let windows = engine.snapshot().instrument.windows.filter { $0.trouble == .canary }
        #expect(!windows.isEmpty)
        let last = try #require(windows.last)
        #expect(last.bracket.upper >= began && last.bracket.upper <= monotonicNow())
        // What is measured was well all the time.
        #expect(engine.snapshot().signals[0].failed == 0)
    }

    /// In a network namespace that somebody just made, nobody can listen on loopback.
    @Test(.enabled(if: geteuid() == 0, "needs a network namespace"))
    func withoutLoopbackTheCanaryLooksAtAUnixSocket() throws {
        let folder = try TemporaryFolder()
        var probe = FileProbe()
        probe.file = try folder.write("there", "it is")
        try withNamespace(.network) { [probe] in
            let engine = try MeasuringEngine(
                [drillProbe(probe, every: .milliseconds(20), timeout: .seconds(30))], in: folder)
            defer { engine.stop() }
            #expect(engine.canaryServer.address.family == AF_UNIX)
            try engine.start()
            #expect(eventually { engine.snapshot().signals[0].ok >= 10 })
            let shortcomings = engine.snapshot().instrument.shortcomings
            #expect(shortcomings.count == 1 && shortcomings[0].hasPrefix("loopback is down here"))
            // It sees what it is there for.
            engine.canaryServer.mute(true)
            #expect(eventually { engine.snapshot().instrument.canaryFailures >= 3 })
        }
        let engine = try MeasuringEngine(in: folder)
        defer { engine.stop() }
        #expect(engine.canaryServer.address.family == AF_INET)
        #expect(engine.snapshot().instrument.shortcomings.isEmpty)
    }

    /// As a process that is stopped, or a host that is too busy: nothing was sent when it was due.
    @Test func aStandstillOfTheInstrumentIsNoticed() throws {
        let folder = try TemporaryFolder()
        let stalling = StallingProbe(stall: .milliseconds(400))
        let engine = try MeasuringEngine(
            [drillProbe(stalling, every: .seconds(5), timeout: .seconds(10))], in: folder)
        try engine.start()
        #expect(eventually { engine.snapshot().signals[0].ok >= 1 })
        engine.stop()
        let late = engine.snapshot().instrument.windows.filter { $0.trouble == .late }
        #expect(late.contains { $0.lateness >= .milliseconds(300) && $0.bracket.width >= .milliseconds(300) })
        let instrument = engine.snapshot().instrument
        #expect(instrument.isSuspect && instrument.canaryFailures == 0)
    }
}
