import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

/// The sequences of SAFETY's table, with the real binary.
@Suite(.serialized) struct SequenceTests {
    let bench: Bench
    init() throws { bench = try Bench() }

    /// A guard with one paused process.
    private func paused(
        lease: Duration = .seconds(120), renewing: Bool = true, events: Box<GuardEvent> = Box(),
        losses: Box<GuardFailure> = Box()
    ) throws -> (Session, Child) {
        let sleeper = try bench.sleeper()
        let session = try bench.start(
            lease: lease, renewing: renewing, onEvent: { events.add($0) }, onLoss: { losses.add($0) })
        _ = try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        // A stop takes effect when the process next runs.
        #expect(bench.eventually { isStopped(sleeper) } != nil)
        return (session, sleeper)
    }

    @Test func aSessionPlansInjectsProvesListsChecksAndUndoes() throws {
        let sleeper = try bench.sleeper()
        let session = try bench.start()
        let client = session.client
        let wish = try bench.pause(sleeper, tag: client.hello.tag)
        let plan = try client.plan(wish)
        #expect(!plan.touches.isEmpty)
        #expect(!isStopped(sleeper), "planning touches nothing")
        let injected = try client.inject(wish)
        #expect(injected.answer.id == wish.id)
        #expect(injected.bracket.lower <= injected.guardBracket.lower)
        #expect(injected.guardBracket.upper <= injected.bracket.upper)
        // A stop takes effect when the process next runs.
        let proven = try bench.eventually {
            if case .proven = try client.effect(wish.id).answer { true } else { false }
        }
        #expect(proven != nil, "a stopped process is proof")
        #expect(try client.list().map(\.id) == [wish.id])
        #expect(try client.check().first?.facts.contains { $0.state == .violated } == true)
        #expect(throws: GuardFailure.self) { try client.inject(wish) }
        let undone = try client.undo([wish.id]).answer
        #expect(undone.open == 0)
        #expect(undone.reports.first?.closed == .verified)
        #expect(!isStopped(sleeper))
        #expect(try client.bye().open == 0)
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    @Test func anUnknownRequestIsAnsweredAndNoiseEndsTheSession() throws {
        let (session, sleeper) = try paused()
        #expect {
            _ = try session.client.ask(.unknown("teleport"), Value.self, .seconds(60))
        } throws: { ($0 as? GuardFailure)?.code == .unsupported }
        try session.socket.write(Array("what is this\n".utf8))
        #expect(bench.eventually { !isStopped(sleeper) } != nil)
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    @Test func aCleanGoodbyeLeavesNothing() throws {
        let (session, sleeper) = try paused()
        let reply = try session.client.bye()
        #expect(reply.open == 0)
        #expect(reply.reports.count == 1)
        #expect(!isStopped(sleeper))
        try bench.expectNothingLeft()
    }

    @Test func theEngineDies() throws {
        let (session, sleeper) = try paused()
        session.cut()
        let took = bench.eventually { !isStopped(sleeper) }
        print("engine died: mended after \(took?.forPeople ?? "never")")
        #expect(took != nil, "long before its lease ended")
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    /// An attempt at a step, at its gate.
    private func step(_ body: String, _ session: Session) throws -> (
        Child, InjectionWish
    ) {
        var spawn = Spawn(["/bin/sh", "-c", body])
        spawn.newSession = true
        spawn.isGated = true
        let child = try spawn.start()
        let process = try #require(try processIdentity(of: child.pid))
        let parameters: Value = [
            "name": "copy", "runbook": "restore.md", "pid": .int(Int64(process.pid)),
            "startTicks": .int(Int64(process.startTicks)), "boot": .text(process.bootID),
        ]
        return (
            child,
            bench.wish(
                Injection.stepFault, tag: session.client.hello.tag, parameters: parameters,
                target: Target(.host))
        )
    }

    @Test func aStepThatEndedByItselfIsClosedAndNothingElseIs() throws {
        let (session, sleeper) = try paused()
        let client = session.client
        let file = bench.directory + "/left"
        let (first, wish) = try step("/bin/sleep 600 & echo $! > \(file)", session)
        _ = try client.inject(wish)
        try first.release()
        #expect(try first.wait(for: .seconds(60)) == .exited(0))
        let left = try #require(try readSmallFile(file).flatMap { Int32($0.filter(\.isNumber)) })
        defer { kill(left, SIGKILL) }
        #expect(try client.ended(wish.id))
        #expect(try !client.ended(wish.id), "it is closed already")
        let pause = try #require(try client.list().first)
        #expect(try !client.ended(pause.id), "a fault has to be mended")
        #expect(try client.list() == [pause])
        session.cut()
        #expect(bench.eventually { !isStopped(sleeper) } != nil)
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        #expect(kill(left, 0) == 0, "what the step left goes on")
    }

    /// The looks of a `wait` are one step.
    @Test func everyAttemptAtAStepIsEndedWhenTheEngineDies() throws {
        let session = try bench.start()
        let (first, wish) = try step("exec /bin/sleep 600", session)
        var (second, again) = try step("exec /bin/sleep 600", session)
        again.id = wish.id
        for (child, wish) in [(first, wish), (second, again)] {
            _ = try session.client.inject(wish)
            try child.release()
        }
        #expect(try session.client.list().map(\.id) == [wish.id])
        session.cut()
        for child in [first, second] { #expect(try child.wait(for: .seconds(60)) == .signalled(SIGKILL)) }
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    @Test func theEngineStopsRenewing() throws {
        let events = Box<GuardEvent>()
        let (session, sleeper) = try paused(lease: .seconds(3), events: events)
        session.stopRenewing()
        let took = bench.eventually { !isStopped(sleeper) }
        print("engine stopped: mended after \(took?.forPeople ?? "never") at a lease of 3 s")
        #expect(took != nil && took! > .milliseconds(200))
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        // A continued engine finds out.
        #expect(bench.eventually { events.all.contains { $0.kind == .undoing } } != nil)
        #expect(bench.eventually { session.client.loss != nil } != nil)
        try bench.expectNothingLeft()
    }

    @Test func theReaderStalls() throws {
        let sleeper = try bench.sleeper()
        let (child, socket) = try bench.startRaw(lease: .seconds(4))
        var hello: [UInt8] = []
        while !hello.contains(0x0A) {
            guard case .bytes(let bytes) = try socket.read(upTo: 4096) else { break }
            hello += bytes
        }
        let tag = try #require(try StateDirectory(existing: bench.state)).tag
        let wish = try bench.pause(sleeper, tag: tag)
        try socket.write(try Frame.encode(RequestFrame(id: 1, .inject(wish))))
        #expect(bench.eventually { isStopped(sleeper) } != nil)
        // Renewals go on while nobody reads the answers, until the pipe and the queue are full.
        let end = bench.clock.monotonic() + .seconds(60)
        try socket.setNonblocking()
        let frame = try Frame.encode(RequestFrame(id: 2, .renew))
        while isStopped(sleeper), bench.clock.monotonic() < end {
            for _ in 0..<200 where (try? socket.write(some: frame[...])) ?? nil == nil { break }
            bench.clock.sleep(for: .milliseconds(1))
        }
        #expect(!isStopped(sleeper))
        #expect(try child.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    @Test func theGuardIsKilled() throws {
        let losses = Box<GuardFailure>()
        let (session, sleeper) = try paused(losses: losses)
        try session.process.kill()
        let took = bench.eventually { !isStopped(sleeper) }
        print("guard killed: the warden mended after \(took?.forPeople ?? "never")")
        #expect(took != nil, "long before its lease ended")
        #expect(bench.eventually { losses.all.count == 1 } != nil)
        try bench.expectNothingLeft()
    }

    @Test func theGuardIsStopped() throws {
        let losses = Box<GuardFailure>()
        let (session, sleeper) = try paused(lease: .seconds(3), losses: losses)
        try session.process.kill(SIGSTOP)
        let took = bench.eventually { !isStopped(sleeper) }
        print("guard stopped: mended after \(took?.forPeople ?? "never") at a lease of 3 s")
        #expect(took != nil)
        #expect(bench.eventually { losses.all.count == 1 } != nil)
        try bench.expectNothingLeft()
    }

    @Test(arguments: [SIGKILL, SIGSTOP]) func theHandsAreLost(_ signal: Int32) throws {
        let events = Box<GuardEvent>()
        let (session, sleeper) = try paused(lease: .seconds(3), events: events)
        let hands = try #require(session.child("hands"))
        kill(hands, signal)
        let took = bench.eventually { !isStopped(sleeper) }
        print("hands lost by signal \(signal): mended after \(took?.forPeople ?? "never")")
        #expect(took != nil)
        #expect(bench.eventually { events.all.contains { $0.kind == .handsLost } } != nil)
        #expect {
            try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        } throws: { ($0 as? GuardFailure)?.code == .ending }
        #expect(try session.client.bye().open == 0)
        try bench.expectNothingLeft()
    }

    @Test(arguments: [SIGKILL, SIGSTOP]) func theWardenIsLost(_ signal: Int32) throws {
        let events = Box<GuardEvent>()
        let (session, sleeper) = try paused(lease: .seconds(3), events: events)
        kill(try #require(session.child("warden")), signal)
        #expect(bench.eventually { !isStopped(sleeper) } != nil)
        #expect(bench.eventually { events.all.contains { $0.kind == .wardenLost } } != nil)
        #expect {
            try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        } throws: { ($0 as? GuardFailure)?.code == .ending }
        #expect(try session.client.bye().open == 0)
        try bench.expectNothingLeft()
    }

    @Test func engineAndGuardAreKilled() throws {
        let (session, sleeper) = try paused()
        try session.process.kill()
        session.cut()
        let took = bench.eventually { !isStopped(sleeper) }
        print("engine and guard killed: mended after \(took?.forPeople ?? "never")")
        #expect(took != nil, "long before its lease ended")
        try bench.expectNothingLeft()
    }

    @Test func allAreKilledAndTheNextCommandMends() throws {
        let (session, sleeper) = try paused()
        let warden = try #require(session.child("warden"))
        kill(warden, SIGKILL)
        try session.process.kill()
        session.cut()
        #expect(bench.eventually { bench.leftovers().isEmpty } != nil)
        if isStopped(sleeper) {
            #expect(try bench.run(["check"]).code == 5)
            #expect(try bench.run(["undo", "--orphans"]).code == 0)
        }
        #expect(!isStopped(sleeper))
        let again = try bench.run(["undo"])
        #expect(again.code == 0, "undoing twice is harmless: \(again.output)")
        try bench.expectNothingLeft()
    }

    @Test func whatIsOpenIsMendedBeforeAnythingElse() throws {
        let (session, sleeper) = try paused()
        kill(try #require(session.child("warden")), SIGKILL)
        try session.process.kill()
        session.cut()
        #expect(bench.eventually { bench.leftovers().isEmpty } != nil)
        let next = try bench.start()
        #expect(!isStopped(sleeper))
        #expect(next.client.hello.mended.allSatisfy { $0.closed == .verified })
        _ = try next.client.bye()
        try bench.expectNothingLeft()
    }

    @Test func aLiveGuardIsEndedByUndoAndLeftAloneByOrphans() throws {
        let (session, sleeper) = try paused()
        let orphans = try bench.run(["undo", "--orphans"])
        #expect(orphans.code == 0)
        #expect(orphans.output.contains("left alone"))
        #expect(isStopped(sleeper))
        let undo = try bench.run(["undo"])
        #expect(undo.code == 0, "\(undo.output)")
        #expect(!isStopped(sleeper))
        #expect(try session.process.wait(for: .seconds(60)) == .exited(0))
        try bench.expectNothingLeft()
    }

    @Test func aSecondGuardIsRefusedNamingTheFirst() throws {
        let first = try bench.start()
        #expect {
            _ = try bench.start()
        } throws: { error in
            let failure = error as? GuardFailure
            return failure?.code == .locked && failure?.message.contains("\(first.process.pid)") == true
                && failure?.message.contains("run-1") == true
        }
        _ = try first.client.bye()
        try bench.expectNothingLeft()
    }

    @Test(.enabled(if: geteuid() == 0, "changing the user needs root"))
    func aSecondUserIsRefusedToo() throws {
        let first = try bench.start()
        let other = try Bench()
        other.user = 65534
        chown(other.directory, 65534, 65534)
        chmod(other.directory, 0o755)
        // Each user has a state of their own, and the host's lock is one.
        rmdir(other.runtime)
        #expect(symlink(bench.runtime, other.runtime) == 0)
        chmod(bench.directory, 0o755)
        #expect {
            _ = try other.start()
        } throws: { error in
            (error as? GuardFailure)?.code == .locked
                && (error as? GuardFailure)?.message.contains("\(first.process.pid)") == true
        }
        _ = try first.client.bye()
        let session = try other.start()
        #expect(session.client.hello.userID == 65534)
        _ = try session.client.bye()
        try bench.expectNothingLeft()
    }
}
