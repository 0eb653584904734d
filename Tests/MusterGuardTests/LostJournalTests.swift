import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

/// A journal that is emptied or removed, and state directories that nothing can be written to: nobody may be told
/// that nothing is open.
@Suite(.serialized) struct LostJournalTests {
    let bench: Bench
    init() throws { bench = try Bench() }

    /// A fixture and a scratch directory, left behind by a guard that was killed with its warden.
    private func abandoned(scratch: String, size: Value?) throws -> InjectionWish {
        let session = try bench.start()
        let client = session.client
        var parameters: [String: Value] = ["path": .text(scratch)]
        if let size { parameters["size"] = size }
        let directory = bench.wish(
            "scratch", tag: client.hello.tag, parameters: .map(parameters), target: Target(.host))
        _ = try client.inject(directory)
        let fixture = bench.wish(
            "fixture", tag: client.hello.tag,
            parameters: ["name": "f", "run": ["/bin/sleep", "778"], "restart": "never"], target: Target(.host)
        )
        _ = try client.inject(fixture)
        #expect(
            bench.eventually { (try? client.supervisor(fixture.id, .status))?.answer.process != nil } != nil)
        let warden = try #require(session.child("warden"))
        let hands = try #require(session.child("hands"))
        for victim in [warden, session.process.pid, hands] { kill(victim, SIGSTOP) }
        for victim in [warden, session.process.pid, hands] { kill(victim, SIGKILL) }
        _ = try session.process.wait(for: .seconds(10))
        session.cut()
        #expect(bench.eventually { kill(hands, 0) != 0 && kill(warden, 0) != 0 } != nil)
        return directory
    }

    @Test(arguments: [true, false])
    func afterItsLossNothingIsInjectedAndTheScanFindsWhatWasLeft(isRemoved: Bool) throws {
        let scratch = "/var/tmp/muster-lost-\(getpid())-\(isRemoved)"
        let isRoot = geteuid() == 0
        let wish = try abandoned(scratch: scratch, size: isRoot ? "8MiB" : nil)
        let image = "\(scratch).muster-\(wish.id).img"
        defer { system("umount \(scratch) 2>/dev/null; rm -rf \(scratch) \(image)") }
        let journal = bench.state + "/journal.sqlite"
        #expect((isRemoved ? unlink(journal) : truncate(journal, 0)) == 0)
        #expect(!bench.leftovers().isEmpty, "the supervisor stays")

        for command in ["undo", "list"] {
            let answer = try bench.run([command])
            #expect(answer.code == 5 && answer.output.contains("undo --scan"), "\(answer.output)")
            #expect(!answer.output.contains("nothing was open"), "\(answer.output)")
        }
        let session = try bench.start()
        let sleeper = try bench.sleeper()
        let pause = try bench.pause(sleeper, tag: session.client.hello.tag)
        #expect { try session.client.inject(pause) } throws: { ($0 as? GuardFailure)?.code == .journal }
        _ = try session.client.bye()

        let scan = try bench.run(["undo", "--scan"])
        #expect(scan.code == 5, "\(scan.output)")
        #expect(scan.output.contains("rm -rf --one-file-system \(scratch)"), "\(scan.output)")
        if isRoot { #expect(scan.output.contains("umount \(scratch)"), "\(scan.output)") }
        #expect(bench.eventually { bench.leftovers().isEmpty } != nil, "\(scan.output)")
        // As a person would, from what the scan printed.
        for line in scan.output.split(separator: "\n") {
            if let command = line.split(separator: "with: ").last, line.contains("remove it with: ") {
                #expect(system(String(command)) == 0, "\(command)")
            }
        }
        #expect(access(scratch, F_OK) != 0 && access(image, F_OK) != 0, "\(scan.output)")
        #expect(try bench.run(["undo", "--scan"]).code == 0)
        try bench.expectNothingLeft()
    }

    @Test func aScratchDirectoryThatAJournalNamesIsNoStray() throws {
        let session = try bench.start()
        let scratch = "/var/tmp/muster-kept-\(getpid())"
        let wish = bench.wish(
            "scratch", tag: session.client.hello.tag, parameters: ["path": .text(scratch)],
            target: Target(.host))
        _ = try session.client.inject(wish)
        let scan = try bench.run(["undo", "--scan"])
        #expect(scan.code == 0 && !scan.output.contains("found:"), "\(scan.output)")
        #expect(access(scratch, F_OK) != 0)
        session.cut()
        try bench.expectNothingLeft()
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func aStateDirectoryThatCannotBeWrittenIsRefusedOnceAndClearly() throws {
        mkdir(bench.state, 0o700)
        #expect(mount(bench.state, bench.state, nil, UInt(MS_BIND), nil) == 0)
        defer { umount(bench.state) }
        #expect(mount(nil, bench.state, nil, UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0)
        #expect { _ = try bench.start() } throws: { error in
            let failure = error as? GuardFailure
            return failure?.code == .surroundings && failure?.message.contains("cannot be written") == true
                && failure?.advice.contains("--state") == true
        }
    }

    @Test(.enabled(if: geteuid() == 0, "running as somebody else needs root"))
    func withoutCgroupsNobodyClaimsThatEveryHelperIsGone() throws {
        bench.user = 65534
        chown(bench.directory, 65534, 65534)
        chmod(bench.directory, 0o755)
        let doctor = try bench.run(["doctor"])
        #expect(doctor.output.contains("none for user 65534"), "\(doctor.output)")
        let session = try bench.start()
        let burn = bench.wish(
            "cpu-burn", tag: session.client.hello.tag, parameters: ["load": "5%", "cores": ["0"]],
            target: Target(.host))
        _ = try session.client.inject(burn)
        let facts = try session.client.bye().reports.flatMap(\.facts)
        #expect(facts.contains { $0.sentence.contains("that can be found is left (without a cgroup") })
        try bench.expectNothingLeft()
    }

    @Test func anUndoThatOnlyWaitedForAnotherSaysSo() throws {
        mkdir(bench.state, 0o700)
        // Another undo of ours, as it stands in the lock's file.
        let stand = try bench.sleeper()
        let lock = try #require(try FileLock.tryAcquire(bench.runtime + "/muster.lock"))
        let holder = LockHolder(
            role: .undo, process: try #require(try processIdentity(of: stand.pid)), userID: geteuid(),
            run: "",
            stateDirectory: bench.state)
        try lock.write(String(decoding: try Frame.encode(holder), as: UTF8.self))
        let path = bench.directory + "/waiting"
        let file = try Descriptor(opening: path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o666)
        var spawn = bench.spawn(["undo"])
        spawn.output = .descriptor(file.number)
        let undo = try spawn.start()
        // Every look at the lock ends in a short sleep, which the kernel counts (proc(5), status).
        let looks = {
            let lines = (try readSmallFile("/proc/\(undo.pid)/status") ?? "").split(separator: "\n")
            let count = lines.first { $0.hasPrefix("voluntary_ctxt_switches:") }?.split(separator: "\t").last
            return count.flatMap { Int($0) } ?? 0
        }
        #expect(try bench.eventually(within: .seconds(20)) { try looks() >= 40 } != nil)
        #expect(try undo.poll() == nil, "it waits")
        #expect(try stand.poll() == nil, "another undo is left alone")
        lock.release()
        try stand.kill()
        _ = try stand.wait(for: .seconds(5))
        #expect(try undo.wait(for: .seconds(20)) == .exited(0))
        let said = try readSmallFile(path) ?? ""
        #expect(said.contains("waited for another undo \(stand.pid)") && !said.contains("ended"), "\(said)")
    }
}
