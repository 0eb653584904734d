import MusterCore
import MusterDrills
import Testing

/// A run that died at some point, and the one that goes on from what was saved.
@Suite struct RunbookResumingTests {
    private func resume(
        _ drive: Drive, assuming: RunbookMachine.Assumption? = nil
    ) throws(RunbookMachine.Obstacle) -> Drive {
        let (machine, changed) = try RunbookMachine.resuming(
            drive.machine.runbook, turns: drive.stored, assuming: assuming, by: "mika", seed: 2)
        var next = Drive(machine)
        next.saved = drive.saved + changed
        next.send(.begin)
        return next
    }

    @Test func goesOnWithTheFirstStepThatIsNotOver() throws {
        var drive = Drive([step("a"), step("b", .check), step("c")])
        drive.send(.begin)
        drive.succeed()
        let next = try resume(drive)
        #expect(next.words == "attempt b #2", "its first attempt was begun")
        #expect(next.stored.map(\.state) == [.succeeded, .unknown, .running])
    }

    @Test func whatMustNotBeDoneTwiceNeedsAWord() throws {
        var drive = Drive([step("a"), step("b")])
        drive.send(.begin)
        #expect(throws: RunbookMachine.Obstacle.unknownOutcome(step: "a")) { try resume(drive) }
        let done = try resume(drive, assuming: .done)
        #expect(done.words == "attempt b #1")
        #expect(
            done.stored[0].isAssumed && done.stored[0].actor == "mika" && done.stored[0].state == .succeeded)
        let redone = try resume(drive, assuming: .redo)
        #expect(redone.words == "attempt a #2", "no key of run, step and attempt is used twice")
    }

    @Test func anAssumptionNeedsSomethingToAssume() {
        var drive = Drive([step("a", .check)])
        drive.send(.begin)
        #expect(throws: RunbookMachine.Obstacle.nothingToAssume) { try resume(drive, assuming: .done) }
    }

    @Test(arguments: [RunbookItem.Kind.check, .wait, .capture, .manual])
    func whatChangesNothingIsDoneAgain(_ kind: RunbookItem.Kind) throws {
        var drive = Drive([step("a", kind) { $0.into = "A" }, step("b")])
        drive.send(.begin)
        #expect(try resume(drive).words == (kind == .manual ? "ask a" : "attempt a #2"))
    }

    @Test func theWayIsFollowedAgainWithItsJumps() throws {
        var drive = Drive([
            step("a") {
                $0.onFailure = .step("c")
                $0.isCritical = false
            }, step("b"), step("c", .check), step("d", .check),
        ])
        drive.send(.begin)
        drive.fail()
        drive.succeed()
        #expect(drive.words == "attempt d #1")
        #expect(try resume(drive).words == "attempt d #2")
    }

    @Test func rollingBackGoesOn() throws {
        var drive = Drive(
            [step("a") { $0.rollback = .block("ua") }, step("b") { $0.rollback = .block("ub") }],
            rollbacks: [step("ua", .rollback), step("ub", .rollback) { $0.isIdempotent = true }])
        drive.send(.begin)
        drive.succeed()
        drive.fail()
        var next = try resume(drive)
        #expect(next.words == "attempt ub #2")
        next.succeed()
        #expect(next.words == "attempt ua #1")
        #expect(throws: RunbookMachine.Obstacle.unknownOutcome(step: "ua")) { try resume(next) }
        let over = try resume(next, assuming: .done)
        #expect(over.result?.state == .failed && over.result?.openRollbacks == [])
        #expect(over.words.contains("step 'b' failed"))
    }

    /// No secret is kept, and a session that a setup made may be gone.
    @Test func setupsAndSecretsAreDoneAgainFirst() throws {
        var drive = Drive([
            step("login") {
                $0.isSetup = true
                $0.isIdempotent = true
            },
            step("token", .capture) {
                $0.into = "T"
                $0.isSecret = true
            }, step("plain", .capture) { $0.into = "P" }, step("x", .check), step("y"),
        ])
        drive.send(.begin)
        drive.succeed()
        drive.succeed()
        drive.succeed(value: "v")
        var next = try resume(drive)
        #expect(next.words == "attempt login #1")
        next.succeed()
        #expect(next.words == "attempt token #1")
        next.succeed()
        #expect(next.words == "attempt x #2")
        next.succeed()
        // Died again: what was repeated leads nowhere.
        var last = try resume(next, assuming: .done)
        #expect(last.words == "attempt login #1")
        last.fail()
        #expect(last.result?.state == .cancelled, "and it can be resumed once more: \(last.words)")
    }

    @Test func aStepThatIsGoneIsNamed() throws {
        var drive = Drive([step("a"), step("b")])
        drive.send(.begin)
        drive.succeed()
        #expect(throws: RunbookMachine.Obstacle.stepIsGone("a")) {
            try RunbookMachine.resuming(
                Runbook(title: "x", steps: [step("b")]), turns: drive.stored, assuming: nil, by: "", seed: 1)
        }
    }

    /// Wherever a run dies, the resumed one carries out the same steps as one that lives.
    @Test func everyPointOfDeathLeadsToTheSameEnd() throws {
        let steps = [
            step("a") { $0.isIdempotent = true }, step("b", .check),
            step("c", .capture) { $0.into = "C" }, step("d", .wait) { $0.stable = 2 },
            step("e") {
                $0.isIdempotent = true
                $0.rollback = .block("undo")
            },
            step("f", .check),
        ]
        let undo = [step("undo", .rollback) { $0.isIdempotent = true }]
        for death in 0..<12 {
            var drive = Drive(steps, rollbacks: undo)
            drive.send(.begin)
            var moves = 0
            var deaths = 0
            while drive.result == nil {
                if moves == death, deaths == 0 {
                    deaths += 1
                    drive = try resume(drive)
                    continue
                }
                moves += 1
                switch drive.order {
                case .pause(let until)?: drive.send(.paused, after: until - drive.now)
                case .attempt(let item, _, _)? where item.name == "f": drive.fail()
                default: drive.succeed(value: "v")
                }
            }
            #expect(drive.result?.state == .failed && drive.result?.openRollbacks == [], "death \(death)")
            let over = drive.stored.filter { $0.state.isOver }.map(\.name)
            #expect(over == ["a", "b", "c", "d", "e", "f", "undo"], "death \(death)")
        }
    }
}
