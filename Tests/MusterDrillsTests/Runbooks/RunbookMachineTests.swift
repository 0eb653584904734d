import MusterCore
import MusterDrills
import Testing

@Suite struct RunbookMachineTests {
    @Test func stepsRunInOrderAndEachIsSavedBeforeTheNext() {
        var drive = Drive([step("a"), step("b", .check), step("c", .capture) { $0.into = "C" }])
        drive.send(.begin)
        #expect(drive.words == "attempt a #1" && drive.saved.map(\.state) == [.running])
        drive.succeed(after: .seconds(2))
        #expect(drive.words == "attempt b #1")
        #expect(drive.saved.map(\.state) == [.running, .succeeded, .running])
        drive.succeed()
        drive.succeed(value: "42")
        #expect(drive.words == "succeeded")
        #expect(drive.result?.turns.map(\.name) == ["a", "b", "c"])
        #expect(drive.result?.turns[0].machine == .seconds(2))
        #expect(drive.result?.turns[2].value == "42")
    }

    @Test func aFailureGivesUpAndRollsBackTheNewestFirst() throws {
        var drive = Drive(
            [
                step("a") { $0.rollback = .block("undo-a") }, step("b") { $0.rollback = .block("undo-b") },
                step("c") { $0.rollback = .nothing }, step("never"),
            ], rollbacks: [step("undo-a", .rollback), step("undo-b", .rollback)])
        drive.send(.begin)
        drive.succeed()
        drive.succeed()
        drive.fail(3)
        #expect(drive.words == "attempt undo-b #1")
        drive.fail(1)
        #expect(drive.words == "attempt undo-a #1", "one that fails keeps no other from being tried")
        drive.succeed()
        let result = try #require(drive.result)
        #expect(result.state == .failed && result.reason == "step 'c' failed with exit code 3: said no")
        #expect(result.openRollbacks == ["undo-b"])
    }

    /// Half of a step that failed may have been done.
    @Test func theStepThatFailedIsRolledBackToo() {
        var drive = Drive([step("a") { $0.rollback = .block("undo") }], rollbacks: [step("undo", .rollback)])
        drive.send(.begin)
        drive.send(.attempted(.init(.timedOut)), after: .seconds(60))
        #expect(drive.words == "attempt undo #1")
    }

    @Test func continueAndUncriticalAreDifferentThings() {
        var drive = Drive([step("a") { $0.onFailure = .proceed }, step("b")])
        drive.send(.begin)
        drive.fail()
        #expect(drive.words == "attempt b #1")
        drive.succeed()
        #expect(drive.words == "failed: step 'a' failed with exit code 1: said no")
        var other = Drive([
            step("a") {
                $0.onFailure = .proceed
                $0.isCritical = false
            }, step("b"),
        ])
        other.send(.begin)
        other.fail()
        other.succeed()
        #expect(other.words == "succeeded")
    }

    @Test func aFailureCanLeadElsewhereAndAnEndEnds() {
        let steps = [
            step("a") {
                $0.onFailure = .step("page")
                $0.isCritical = false
            },
            step("b") { $0.isEnd = true }, step("page"),
        ]
        var drive = Drive(steps)
        drive.send(.begin)
        drive.fail()
        #expect(drive.words == "attempt page #1")
        drive.succeed()
        #expect(drive.words == "succeeded")
        var other = Drive(steps)
        other.send(.begin)
        other.succeed()
        other.succeed()
        #expect(other.words == "succeeded", "page is not on the way")
    }

    @Test func goingBackIsBounded() {
        var drive = Drive([step("a", .check), step("b") { $0.onFailure = .step("a") }])
        drive.send(.begin)
        for _ in 0..<2 {
            drive.succeed()
            drive.fail()
        }
        drive.succeed()
        drive.fail()
        #expect(drive.words.hasPrefix("failed: ") && drive.words.contains("could not take over any more"))
    }

    @Test func onlyTheNamedCodesAreTriedAgain() {
        let item = step("a") {
            $0.isIdempotent = true
            $0.retry.count = 2
            $0.retry.codes = [75]
            $0.retry.delay = .seconds(3)
        }
        var drive = Drive([item])
        drive.send(.begin)
        drive.fail(75)
        #expect(drive.words == "pause 3 s")
        drive.send(.paused, after: .seconds(3))
        #expect(drive.words == "attempt a #2")
        #expect(drive.saved.last?.attempts == 2, "an attempt at what changes something is saved before it")
        drive.fail(75)
        drive.send(.paused, after: .seconds(3))
        drive.fail(75)
        #expect(drive.words == "failed: step 'a' failed with exit code 75: said no")
        #expect(drive.result?.turns[0].attempts == 3)
        let failed = drive.result?.turns[0].failedAttempts.map(\.words)
        #expect(
            failed == [1, 2].map { "attempt \($0) failed with exit code 75: said no" },
            "the last one is the step's own")
        #expect(drive.result?.turns[0].machine == .milliseconds(6030))
        var other = Drive([item])
        other.send(.begin)
        other.fail(1)
        #expect(other.words.hasPrefix("failed"))
    }

    @Test func theTimeoutBoundsAllAttemptsTogether() {
        var drive = Drive([
            step("a", .check, timeout: .seconds(5)) {
                $0.retry.count = 9
                $0.retry.delay = .seconds(3)
            }
        ])
        drive.send(.begin)
        drive.fail()
        drive.send(.paused, after: .seconds(3))
        if case .attempt(_, _, let limit)? = drive.order {
            #expect(limit == .milliseconds(1990))
        } else {
            Issue.record("\(drive.words)")
        }
        drive.fail(1, after: .seconds(1))
        #expect(drive.words.hasPrefix("failed"), "another attempt would begin too late: \(drive.words)")
    }

    @Test func delaysGrowUpToALimitAndAreSpread() {
        var retry = RunbookItem.Retry()
        retry.backoff = 2
        retry.longest = .seconds(5)
        #expect((2...5).map { retry.pause(before: $0, chance: 0).inSeconds } == [1, 2, 4, 5])
        #expect(retry.pause(before: 3, chance: 1) == .milliseconds(2500))
        #expect(retry.pause(before: 100, chance: 0) == .seconds(5))
        retry.backoff = 1
        #expect(retry.pause(before: 7, chance: 0.9) == .seconds(1))
    }

    @Test func aWaitWantsSuccessesInARow() {
        var drive = Drive([
            step("w", .wait, timeout: .seconds(10)) {
                $0.stable = 2
                $0.interval = .seconds(1)
            }
        ])
        drive.send(.begin)
        drive.succeed()
        #expect(drive.words == "pause 990 ms")
        drive.send(.paused, after: .milliseconds(990))
        drive.fail()
        drive.send(.paused, after: .milliseconds(990))
        drive.succeed()
        drive.send(.paused, after: .milliseconds(990))
        #expect(drive.words == "attempt w #4")
        drive.succeed()
        #expect(drive.words == "succeeded")
        #expect(drive.result?.turns[0].machine == .milliseconds(3010))
        #expect(drive.result?.turns[0].failedAttempts == [], "looks that fail are as they should be")
    }

    @Test func aWaitGivesUpInTime() {
        var drive = Drive([step("w", .wait, timeout: .seconds(2)) { $0.interval = .seconds(3) }])
        drive.send(.begin)
        drive.fail()
        #expect(drive.words == "pause 1.99 s", "not beyond its end")
        drive.send(.paused, after: .milliseconds(1990))
        #expect(drive.words == "failed: step 'w' timed out: not within 2 s")
    }

    @Test func silenceIsNoYes() {
        var drive = Drive([step("m", .manual), step("b")])
        drive.send(.begin)
        #expect(drive.words == "ask m")
        drive.send(.answered(.init(.timedOut, wait: .seconds(60))), after: .seconds(60))
        #expect(drive.words.hasPrefix("failed: step 'm' timed out: nobody answered"))
        var other = Drive([step("m", .manual)])
        other.send(.begin)
        other.send(.answered(.init(.nobody)))
        #expect(other.words.contains("it needs a person"))
        var refused = Drive([step("m", .manual), step("b")])
        refused.send(.begin)
        refused.send(.answered(.init(.refused(reason: "not on a Friday"), actor: "mika")))
        #expect(refused.words == "failed: step 'm' was refused: not on a Friday")
    }

    @Test func peopleAndProgramsAreCountedApart() {
        var drive = Drive([step("a"), step("m", .manual), step("b")])
        drive.send(.begin)
        drive.succeed(after: .seconds(1))
        drive.send(
            .answered(.init(.done, actor: "mika", evidence: "CHG-1", wait: .seconds(20), work: .seconds(40))),
            after: .seconds(60))
        drive.succeed(after: .seconds(2))
        #expect(drive.result?.machine == .seconds(3))
        #expect(drive.result?.humanWait == .seconds(20) && drive.result?.humanWork == .seconds(40))
        #expect(drive.result?.turns[1].actor == "mika" && drive.result?.turns[1].evidence == "CHG-1")
        #expect(drive.result?.turns[1].machine == .zero)
    }

    /// Who breaks a run off wants the terminal, and no more commands.
    @Test func cancellingRunsNothingMore() {
        var drive = Drive([step("a") { $0.rollback = .block("undo") }], rollbacks: [step("undo", .rollback)])
        drive.send(.begin)
        drive.send(.cancelled(reason: "Ctrl-C"), after: .seconds(1))
        #expect(drive.result?.state == .cancelled && drive.result?.openRollbacks == ["undo"])
        #expect(drive.saved.last?.state == .cancelled && drive.saved.last?.machine == .seconds(1))
    }
}
