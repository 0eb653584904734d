import MusterCore
import MusterDrills
import Testing

/// When somebody was told, on hand-made histories: F is between 1000 and 1000.2 ms.
@Suite struct DetectionTests {
    private func run(detect: Double? = 5000, polled: Double? = nil, _ names: [String] = ["down"]) -> GivenRun
    {
        var run = GivenRun(rto: nil, rpo: nil)
        run.drill.objectives.detect = detect.map(ms)
        var source = AlertSource()
        source.name = "pager"
        if let polled {
            source.prometheus = "http://x"
            source.every = ms(polled)
        } else {
            source.webhook = "127.0.0.1:1"
        }
        run.drill.alertSources = [source]
        run.drill.alerts = names.map { name in
            var alert = ExpectedAlert()
            alert.name = name
            alert.source = "pager"
            alert.labels = ["alertname": TextPattern(name)]
            return alert
        }
        run.signals = [Seen().then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, 40_000).signal]
        return run
    }

    private func fire(
        _ run: inout GivenRun, _ lower: Double, _ upper: Double, _ name: String = "down", id: String = "1",
        _ status: Alert.Status = .firing, startsAt: Double? = nil
    ) {
        run.note(
            .alert, upper, name, bracket(lower, upper),
            detail: [
                "status": .text(status.rawValue), "fingerprint": .text(id), "source": "pager",
                // In these histories the wall clock says 0 where the monotonic one says when.
                "startsAt": startsAt.map { .int(Int64($0 * 1e6)) } ?? .null,
            ])
    }

    private func end(_ run: inout GivenRun, _ time: Double) {
        run.note(.alertWatch, time, "pager", bracket(time, time), detail: ["over": true])
        run.note(.writersStopped, time)
    }

    @Test(arguments: [
        (3000.0, 3100.0, ObjectiveResult.Result.met), (5900, 5999, .met), (5900, 6100, .inconclusive),
        (6001, 6002, .missed),
    ])
    func onlyBothBoundsTogetherTell(_ lower: Double, _ upper: Double, _ expected: ObjectiveResult.Result)
        throws
    {
        // F⁺ is 1000.2 and F⁻ 1000: of 5 s, 5999 is certainly in time, and 6001 certainly not.
        var run = run()
        fire(&run, lower, upper)
        end(&run, 40_000)
        let result = try #require(run.result("detect"))
        #expect(result.result == expected, "\(result)")
        #expect(result.interval == interval(lower - 1000.2, upper - 1000))
        #expect(result.measured.contains("'down'"))
        let figure = run.judgement.measurements.first { $0.name == "time-to-detect" && $0.subject == "down" }
        #expect(figure?.interval == result.interval)
    }

    @Test func nobodyNoticedIsAMissOnceItsTimeIsOver() throws {
        var run = run()
        end(&run, 6300)
        let result = try #require(run.result("detect"))
        #expect(result.result == .missed)
        #expect(
            result.reason.hasPrefix("nobody noticed: the expected alert 'down' did not fire in 5.3 s"),
            "\(result.reason)")
        #expect(result.interval == interval(5299.8, nil))
        #expect(run.judgement.verdict == .fail)
    }

    @Test func whatEndedTooEarlyProvesNoAbsence() throws {
        var run = run()
        end(&run, 5900)
        let result = try #require(run.result("detect"))
        #expect(result.result == .inconclusive)
        #expect(result.reason.contains("listened to for only 4.9 s"), "\(result.reason)")
    }

    /// The last look may have been an interval before the end.
    @Test func absenceFromLooksEndsWithTheLastOne() throws {
        var run = run(polled: 1000)
        end(&run, 6300)
        #expect(run.result("detect")?.result == .inconclusive)
        run = self.run(polled: 1000)
        end(&run, 7100)
        #expect(run.result("detect")?.result == .missed)
    }

    @Test func absenceWhileNobodyListenedProvesNothing() throws {
        for (from, to, expected) in [
            (2000.0, 2500.0, ObjectiveResult.Result.inconclusive), (100, 900, .missed), (6200, 6400, .missed),
        ] {
            var run = run()
            run.note(.alertBlind, to, "pager", bracket(from, to), text: "the receiver stood still")
            end(&run, 7000)
            let result = try #require(run.result("detect"))
            #expect(result.result == expected, "\(from): \(result)")
            #expect(expected == .missed || result.reason.hasSuffix(": the receiver stood still"))
        }
    }

    @Test func anAlertAfterAGapMayHaveFiredInIt() throws {
        var run = run()
        run.note(.alertBlind, 7000, "pager", bracket(2000, 7000))
        fire(&run, 7100, 7200)
        end(&run, 9000)
        let result = try #require(run.result("detect"))
        #expect(result.result == .inconclusive)
        #expect(result.interval == interval(999.8, 6200))
    }

    @Test func whatFiredBeforeTheFaultDoesNotCount() throws {
        var run = run()
        fire(&run, 500, 510)
        end(&run, 9000)
        let result = try #require(run.result("detect"))
        #expect(result.result == .inconclusive)
        #expect(result.reason.contains("was firing before the fault"))
        // Once it was over, it may fire again; and another one of its name may at any time.
        fire(&run, 1500, 1500, .resolved)
        fire(&run, 2000, 2000)
        #expect(run.result("detect")?.interval == interval(999.8, 1000))
        run.events.removeLast(2)
        fire(&run, 2000, 2000, id: "2")
        #expect(run.result("detect")?.result == .met)
        #expect(run.judgement.warnings.contains { $0.contains("was firing before the fault") })
    }

    private func fire(_ run: inout GivenRun, _ lower: Double, _ upper: Double, _ status: Alert.Status) {
        fire(&run, lower, upper, "down", id: "1", status)
    }

    /// The fault's event was recorded at 1000.3 with a wall clock of 0: F⁻ is -0.3 ms there.
    @Test func anOlderAlertThatIsHeardOfAgainDoesNotCount() throws {
        for (startsAt, expected) in [
            (-2100.0, ObjectiveResult.Result.inconclusive), (-1900, .met), (700, .met),
            // The year 1677, as an alerting system may say.
            (-9_223_372_036_000, .inconclusive),
        ] {
            var run = run()
            fire(&run, 2000, 2000, startsAt: startsAt)
            end(&run, 9000)
            let result = try #require(run.result("detect"))
            #expect(result.result == expected, "\(startsAt): \(result.reason)")
            #expect(expected == .met || result.reason.contains("by its own clock it began"))
        }
    }

    @Test func aLookFromBeforeTheFaultToAfterItLeavesDoubt() throws {
        for (startsAt, expected) in [
            (nil, ObjectiveResult.Result.inconclusive), (-100.0, .inconclusive), (100, .met),
        ] {
            var run = run(polled: 1000)
            fire(&run, 600, 1600, startsAt: startsAt)
            end(&run, 9000)
            let result = try #require(run.result("detect"))
            #expect(result.result == expected, "\(String(describing: startsAt)): \(result.reason)")
            #expect(expected != .met || result.interval == interval(0, 600))
        }
    }

    @Test func anUnprovenFaultMakesDetectionInconclusive() throws {
        var run = run()
        run.forget(.effective)
        fire(&run, 2000, 2000)
        end(&run, 9000)
        #expect(run.result("detect")?.result == .inconclusive)
        #expect(run.result("detect")?.interval == nil)
    }

    @Test func anAbortEndsTheListening() throws {
        var run = run()
        run.note(.abort, 3000, text: "Ctrl-C")
        fire(&run, 4000, 4000)
        end(&run, 9000)
        #expect(run.result("detect")?.result == .inconclusive)
    }

    @Test func theFirstOfSeveralCountsAndTheOthersAreTold() throws {
        var run = run(detect: nil, ["down", "slow"])
        fire(&run, 2000, 2010, "slow")
        end(&run, 9000)
        #expect(run.result("detect") == nil)
        let whole = run.judgement.measurements.first { $0.name == "time-to-detect" && $0.subject.isEmpty }
        #expect(whole?.interval == interval(999.8, 1010))
        #expect(run.judgement.warnings.contains { $0.contains("'down' did not fire in the 8 s") })
    }

    @Test func flappingIsTold() throws {
        var run = run()
        for time in [2000.0, 3000, 4000] {
            fire(&run, time, time)
            fire(&run, time + 500, time + 500, .resolved)
        }
        end(&run, 9000)
        #expect(run.result("detect")?.interval == interval(999.8, 1000))
        #expect(run.judgement.warnings.contains("the alert 'down' flapped: it began to fire 3 times"))
    }

    // MARK: Recovery from detection

    @Test func recoveryIsCountedFromTheAlert() throws {
        var run = run(detect: nil)
        run.drill.objectives.rto = ms(1000)
        run.drill.objectives.rtoFrom = .detected
        fire(&run, 1500, 1600)
        end(&run, 40_000)
        let result = try #require(run.result())
        // Up between 2230 and 2240.7.
        #expect(result.interval == interval(630, 740.7))
        #expect(result.result == .met && result.objective == "1 s from detected")
        run.events.removeAll { $0.kind == .alert }
        #expect(run.result()?.result == .inconclusive)
        #expect(run.result()?.reason.hasPrefix("no expected alert fired") == true)
        #expect(run.judgement.warnings.contains { $0.hasPrefix("nobody noticed") })
    }

    @Test func aBudgetStandsInForTheTimeThatNobodyNeededToNotice() throws {
        var run = run(detect: nil)
        run.drill.objectives.rto = ms(2000)
        run.drill.alerts = []
        run.note(.runbookStarted, 1500, "restart.md", bracket(1500, 1501))
        end(&run, 40_000)
        #expect(run.result()?.result == .inconclusive)
        for (budget, expected) in [
            (1000.0, ObjectiveResult.Result.met), (1500, .missed), (1265, .inconclusive),
        ] {
            run.drill.objectives.detectBudget = ms(budget)
            let result = try #require(run.result())
            #expect(result.interval == interval(729 + budget, 740.7 + budget))
            #expect(result.result == expected, "\(budget)")
        }
    }

    /// A runbook that waited for the alert was not started by the drill alone.
    @Test func anAlertBeforeTheRunbookExercisesDetection() throws {
        var run = run(detect: nil)
        run.drill.objectives.rto = ms(2000)
        run.note(.runbookStarted, 1500, "restart.md", bracket(1500, 1501))
        fire(&run, 1400, 1450)
        end(&run, 40_000)
        #expect(run.result()?.result == .met)
        run.events.removeAll { $0.kind == .alert }
        fire(&run, 1600, 1650)
        #expect(run.result()?.result == .inconclusive)
    }
}
