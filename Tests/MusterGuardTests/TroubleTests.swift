import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

/// Journals that cannot be relied on, disks without room, helpers that outlive, injections in mid-air.
@Suite(.serialized) struct TroubleTests {
    let bench: Bench
    init() throws { bench = try Bench() }

    private func command(_ tag: String, _ inject: [String], restore: [String], check: [String])
        -> InjectionWish
    {
        func list(_ words: [String]) -> Value { .list(words.map { .text($0) }) }
        return bench.wish(
            "command", tag: tag,
            parameters: [
                "inject": list(inject), "restore": list(restore), "check": list(check), "within": "300s",
            ], target: Target(.host))
    }

    @Test func aLeaseLostDuringAnInjectionEndsItAndRefusesTheNext() throws {
        let flag = bench.directory + "/flag"
        let session = try bench.start()
        let tag = session.client.hello.tag
        let slow = command(
            tag, ["/bin/sh", "-c", "touch \(flag); exec sleep 300"], restore: ["/bin/rm", "-f", flag],
            check: ["/usr/bin/test", "!", "-e", flag])
        let client = session.client
        let answers = Box<GuardFailure>()
        try startThread(name: "engine") {
            do { _ = try client.inject(slow) } catch { answers.add(GuardFailure(error)) }
        }
        #expect(bench.eventually { access(flag, F_OK) == 0 } != nil)
        try client.abort(reason: "the test says so")
        let took = bench.eventually { access(flag, F_OK) != 0 }
        print("lease lost during an injection: mended after \(took?.forPeople ?? "never")")
        #expect(took != nil, "long before the command ended by itself")
        #expect(bench.eventually { answers.all.first?.code == .ending } != nil)
        #expect { try client.inject(slow) } throws: { ($0 as? GuardFailure)?.code == .ending }
        #expect(try client.bye().open == 0)
        try bench.expectNothingLeft()
    }

    @Test func aHelperThatOutlivesItsGuardIsEndedFirst() throws {
        let session = try bench.start()
        let burn = bench.wish(
            "cpu-burn", tag: session.client.hello.tag, parameters: ["load": "5%", "cores": ["0"]],
            target: Target(.host))
        _ = try session.client.inject(burn)
        let before = bench.leftovers().count
        kill(try #require(session.child("warden")), SIGKILL)
        try session.process.kill()
        session.cut()
        #expect(bench.eventually { bench.leftovers().count < before } != nil)
        let undo = try bench.run(["undo"])
        #expect(undo.code == 0, "\(undo.output)")
        try bench.expectNothingLeft()
    }

    @Test func aFixtureIsRestartedAskedStoppedAndTakenDown() throws {
        let session = try bench.start()
        let client = session.client
        let fixture = bench.wish(
            "fixture", tag: client.hello.tag,
            parameters: [
                "name": "f", "run": ["/bin/sh", "-c", "sleep 777 & exec sleep 778"], "restart": "50ms",
            ], target: Target(.host))
        _ = try client.inject(fixture)
        #expect(try bench.eventually { try running(client, fixture.id) != nil } != nil)
        let first = try #require(try running(client, fixture.id))
        kill(first, SIGKILL)
        #expect(try bench.eventually { try running(client, fixture.id).map { $0 != first } ?? false } != nil)
        #expect(try client.supervisor(fixture.id, .stop).answer.process == nil)
        #expect(try client.supervisor(fixture.id, .start).answer.starts == 3)
        #expect(try client.bye().open == 0)
        try bench.expectNothingLeft()
    }

    private func running(_ client: GuardClient, _ id: InjectionID) throws -> Int32? {
        (try? client.supervisor(id, .status))?.answer.process?.pid
    }

    @Test func anUnreadableJournalRefusesUntilItWasScanned() throws {
        _ = try bench.start().client.bye()
        try Descriptor(opening: bench.state + "/journal.sqlite", O_WRONLY | O_TRUNC)
            .write(Array(repeating: 0x6E, count: 5000))
        let session = try bench.start()
        guard case .setAside = session.client.hello.journal else {
            Issue.record("the hello does not say that the journal is gone")
            return
        }
        let sleeper = try bench.sleeper()
        let wish = try bench.pause(sleeper, tag: session.client.hello.tag)
        #expect { try session.client.inject(wish) } throws: {
            ($0 as? GuardFailure)?.code == .journal
                && ($0 as? GuardFailure)?.advice.contains("--scan") == true
        }
        _ = try session.client.bye()
        #expect(try bench.run(["undo"]).code == 5)
        let scan = try bench.run(["undo", "--scan"])
        #expect(scan.code == 5, "what it held cannot be known: \(scan.output)")
        #expect(try bench.run(["undo"]).code == 0)
        let next = try bench.start()
        _ = try next.client.inject(wish)
        _ = try next.client.bye()
        try bench.expectNothingLeft()
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func aFullDiskUnderTheJournalStillLetsEverythingBeUndone() throws {
        let mount = bench.directory + "/mount"
        let made = system(
            """
            cd \(bench.directory) && truncate -s 16M disk.img && mkfs.ext4 -q -m 0 disk.img && mkdir mount && \
            mount -o loop disk.img mount && mkdir -m 700 mount/state
            """)
        #expect(made == 0)
        mkdir(bench.state, 0o700)
        #expect(Glibc.mount(mount + "/state", bench.state, nil, UInt(MS_BIND), nil) == 0)
        defer { umount(bench.state) }
        let session = try bench.start()
        let sleepers = try (0..<3).map { _ in try bench.sleeper() }
        for sleeper in sleepers {
            _ = try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        }
        system("cat /dev/zero > \(mount)/filler 2>/dev/null; sync")
        system("for i in 1 2 3; do dd if=/dev/zero of=\(mount)/filler$i bs=1k 2>/dev/null; sync; done")
        let reply = try session.client.bye()
        #expect(reply.open == 0, "\(reply.reports.compactMap(\.problem))")
        #expect(sleepers.allSatisfy { !isStopped($0) })
        try bench.expectNothingLeft()
    }

    @Test func factsOfAnUnknownKindStayOpenWithWhatToTypeByHand() throws {
        let session = try bench.start()
        let sleeper = try bench.sleeper()
        let wish = try bench.pause(sleeper, tag: session.client.hello.tag)
        _ = try session.client.inject(wish)
        kill(try #require(session.child("warden")), SIGKILL)
        try session.process.kill()
        session.cut()
        #expect(bench.eventually { bench.leftovers().isEmpty } != nil)
        let id = wish.id.rawValue.dropLast() + "Z"
        let sql = """
            INSERT INTO opened(id,run,name,fault,utc,record)
            SELECT '\(id)', run, 'from-later', fault, utc, replace(replace(record, 'not-suspended', 'not-hexed'),
                '\(wish.id)', '\(id)') FROM opened LIMIT 1;
            """
        #expect(system("sqlite3 \(bench.state)/journal.sqlite \"\(sql)\"") == 0)
        let undo = try bench.run(["undo", "--json", "--deadline", "10s"])
        #expect(undo.code == 5)
        #expect(undo.output.contains("not-hexed") && undo.output.contains("byHand"))
        #expect(!isStopped(sleeper), "what is known is mended all the same")
        #expect(try bench.run(["undo", "--forget", String(id)]).code == 2, "a reason and a name are needed")
        let forgotten = try bench.run(["undo", "--forget", String(id), "--reason", "checked", "--as", "Ada"])
        #expect(forgotten.code == 0, "\(forgotten.output)")
        try bench.expectNothingLeft()
    }

    @Test(.enabled(if: geteuid() == 0, "giving a directory away needs root"))
    func aStateDirectoryOfSomebodyElseIsRefused() throws {
        mkdir(bench.state, 0o700)
        chown(bench.state, 65534, 65534)
        #expect { _ = try bench.start() } throws: { ($0 as? GuardFailure)?.code == .surroundings }
        chown(bench.state, 0, 0)
        chmod(bench.state, 0o755)
        #expect { _ = try bench.start() } throws: { ($0 as? GuardFailure)?.code == .surroundings }
        rmdir(bench.state)
        mkdir(bench.directory + "/real", 0o700)
        #expect(symlink(bench.directory + "/real", bench.state) == 0)
        #expect { _ = try bench.start() } throws: { ($0 as? GuardFailure)?.code == .surroundings }
    }

    @Test func aHaltFileUndoesWhatIsOpenAndRefusesTheRest() throws {
        let session = try bench.start()
        let sleeper = try bench.sleeper()
        _ = try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        try Descriptor(opening: bench.runtime + "/halt", O_WRONLY | O_CREAT, mode: 0o644).write([])
        #expect(bench.eventually { !isStopped(sleeper) } != nil)
        _ = try session.client.bye()
        let next = try bench.start()
        let wish = try bench.pause(sleeper, tag: next.client.hello.tag)
        #expect { try next.client.inject(wish) } throws: { ($0 as? GuardFailure)?.code == .refused }
        _ = try next.client.bye()
        try bench.expectNothingLeft()
    }

    @Test func anUndoLeavesAGuardOfAnotherJournalAlone() throws {
        let session = try bench.start()
        let sleeper = try bench.sleeper()
        _ = try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        #expect(bench.eventually { isStopped(sleeper) } != nil)
        mkdir(bench.directory + "/other", 0o700)
        let undo = try bench.run(["undo", "--state", bench.directory + "/other"])
        #expect(undo.code == 0, "\(undo.output)")
        #expect(undo.output.contains("left alone"))
        #expect(isStopped(sleeper))
        #expect(try session.client.bye().open == 0)
        try bench.expectNothingLeft()
    }

    @Test func aHundredOpenInjectionsAreUndoneQuickly() throws {
        let session = try bench.start()
        let sleepers = try (0..<100).map { _ in try bench.sleeper() }
        for sleeper in sleepers {
            _ = try session.client.inject(try bench.pause(sleeper, tag: session.client.hello.tag))
        }
        let start = bench.clock.monotonic()
        let reply = try session.client.undo(nil).answer
        print("undo of 100 pauses: \((bench.clock.monotonic() - start).forPeople)")
        #expect(reply.open == 0)
        #expect(reply.reports.count == 100)
        _ = try session.client.bye()
        try bench.expectNothingLeft()
    }

    @Test func mistakesOnTheCommandLineAreNamed() throws {
        #expect(try bench.run(["undo", "--orphan"]).output.contains("did you mean --orphans?"))
        #expect(try bench.run(["undo", "--orphan"]).code == 2)
        #expect(try bench.run(["guard", "--nonce", "x", "--lease", "5"]).code == 2)
        #expect(try bench.run([]).code == 2)
        #expect(try bench.run(["doctor", "--json"]).output.contains("\"faults\""))
    }
}
