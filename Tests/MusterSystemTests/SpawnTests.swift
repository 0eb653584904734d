import Glibc
import MusterCore
import MusterSystem
import Testing

@Suite struct SpawnTests {
    private func output(of spawn: Spawn) throws -> String {
        let directory = try TemporaryDirectory()
        let file = try Descriptor(opening: directory.path + "/output", O_RDWR | O_CREAT | O_EXCL)
        var spawn = spawn
        spawn.output = .descriptor(file.number)
        spawn.errors = .descriptor(file.number)
        _ = try spawn.start().wait(for: .seconds(60))
        return String(decoding: try file.read(at: 0, count: 1 << 16), as: UTF8.self)
    }

    @Test func endingIsReported() throws {
        let exited = try Spawn(["/bin/sh", "-c", "exit 7"]).start()
        #expect(try exited.wait(for: .seconds(60)) == .exited(7))
        #expect(try exited.wait(for: .seconds(60)) == .exited(7), "asking again gives the same")
        let killed = try Spawn(["/bin/sleep", "60"]).start()
        #expect(try killed.poll() == nil)
        #expect(try killed.kill())
        #expect(try killed.wait(for: .seconds(60)) == .signalled(SIGKILL))
        #expect(try killed.kill() == false)
    }

    @Test func failureToExecuteIsAnErrorWithItsCode() {
        let missing = #expect(throws: SystemError.self) { try Spawn(["/nonexistent/program"]).start() }
        #expect(missing?.code == ENOENT)
        #expect(missing?.operation == "execute /nonexistent/program")
        let forbidden = #expect(throws: SystemError.self) { try Spawn(["/etc/passwd"]).start() }
        #expect(forbidden?.code == EACCES)
    }

    @Test func failureBeforeExecutingSaysWhere() {
        var lost = Spawn(["/bin/true"])
        lost.directory = "/nonexistent"
        #expect(throws: SystemError("change to directory /nonexistent for /bin/true", code: ENOENT)) {
            try lost.start()
        }
        var grouped = Spawn(["/bin/true"])
        grouped.cgroup = "/nonexistent"
        #expect(throws: SystemError("join cgroup /nonexistent for /bin/true", code: ENOENT)) {
            try grouped.start()
        }
    }

    @Test func gatedChildDoesNotRunBeforeItsRelease() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/ran"
        var spawn = Spawn(["/usr/bin/touch", path])
        spawn.isGated = true
        let child = try spawn.start()
        #expect(try ProcessStat.read(child.pid)?.isZombie == false)
        #expect(try child.wait(for: .milliseconds(100)) == nil)
        #expect(access(path, F_OK) != 0)
        try child.release()
        #expect(try child.wait(for: .seconds(60)) == .exited(0))
        #expect(access(path, F_OK) == 0)
    }

    @Test func gatedChildThatCannotExecuteFailsItsRelease() throws {
        var spawn = Spawn(["/nonexistent/program"])
        spawn.isGated = true
        let child = try spawn.start()
        #expect(throws: SystemError("execute /nonexistent/program", code: ENOENT)) { try child.release() }
        #expect(try ProcessStat.read(child.pid) == nil, "it was waited for")
    }

    @Test func gatedChildEndsWithItsParent() throws {
        var spawn = Spawn(["/bin/sleep", "60"])
        spawn.isGated = true
        var child: Child? = try spawn.start()
        let pid = try #require(child?.pid)
        // What the kernel does when the parent dies: the only write end of the gate closes. A second gated
        // child must not hold it open.
        let other = try spawn.start()
        child = nil
        #expect(try ProcessStat.read(pid) == nil)
        #expect(try ProcessStat.read(other.pid)?.isZombie == false)
    }

    @Test func blockedSignalsAndDispositionsDoNotReachChildren() throws {
        try Signals.block([SIGTERM, SIGUSR1])
        defer { try? Signals.unblock([SIGTERM, SIGUSR1]) }
        try Signals.ignore(SIGHUP, SIGPIPE)
        defer { try? Signals.restoreDefault(SIGHUP) }
        let text = try output(of: Spawn(["/bin/cat", "/proc/self/status"]))
        #expect(text.contains("SigBlk:\t0000000000000000"))
        #expect(text.contains("SigIgn:\t0000000000000000"))
    }

    @Test func descriptorsDoNotLeak() throws {
        let open = try Descriptor(opening: "/dev/null", O_RDONLY)
        try open.setCloseOnExec(false)
        var spawn = Spawn(["/bin/ls", "/proc/self/fd"])
        #expect(try output(of: spawn) == "0\n1\n2\n3\n", "3 is the directory that ls reads")
        spawn.descriptors = [7: open.number]
        #expect(try output(of: spawn) == "0\n1\n2\n3\n7\n")
    }

    @Test func swappedDescriptorsArriveWhereTheyBelong() throws {
        let directory = try TemporaryDirectory()
        let first = try Descriptor(opening: directory.path + "/a", O_RDWR | O_CREAT)
        let second = try Descriptor(opening: directory.path + "/b", O_RDWR | O_CREAT)
        var spawn = Spawn([
            "/bin/sh", "-c",
            "readlink /proc/$$/fd/\(first.number); readlink /proc/$$/fd/\(second.number)",
        ])
        if first.number > 9 || second.number > 9 {
            spawn.descriptors = [8: second.number, 9: first.number]
            spawn.arguments[2] = "readlink /proc/$$/fd/8; readlink /proc/$$/fd/9"
        } else {
            spawn.descriptors = [first.number: second.number, second.number: first.number]
        }
        #expect(try output(of: spawn) == "\(directory.path)/b\n\(directory.path)/a\n")
    }

    @Test func sessionDirectoryAndEnvironmentAreTheChilds() throws {
        var spawn = Spawn(["/bin/sh", "-c", "pwd; echo $WORD$HOME; cut -d' ' -f6 /proc/$$/stat; echo $$"])
        spawn.newSession = true
        spawn.directory = "/proc"
        spawn.environment = ["WORD=hello"]
        let lines = try output(of: spawn).split(separator: "\n")
        #expect(lines.prefix(2) == ["/proc", "hello"])
        #expect(lines.count == 4 && lines[2] == lines[3], "it leads its session")
    }

    @Test func openDescriptorIsExecuted() throws {
        let program = try Descriptor(opening: "/bin/echo", O_RDONLY)
        #expect(try output(of: Spawn(.descriptor(program.number), ["echo", "hello"])) == "hello\n")
        let own = try ThisProcess.openExecutable()
        #expect(try own.status().st_size > 0)
    }

    @Test func deathSignalFiresWhenTheSpawningThreadEnds() throws {
        let (read, write) = try Descriptor.pipe()
        try startThread(name: "short") {
            var spawn = Spawn(["/bin/sleep", "60"])
            spawn.deathSignal = SIGKILL
            let pid = (try? spawn.start())?.pid ?? -1
            try? write.write(Array("\(pid)\n".utf8))
        }
        guard case .bytes(let bytes) = try read.read(upTo: 32) else {
            Issue.record("no child")
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let pid = try #require(Int32(text.dropLast()))
        try #require(pid > 0)
        let pidfd = try PidDescriptor(of: pid)
        #expect(try pidfd.waitForEnd(until: SystemTimekeeper().monotonic() + .seconds(5)))
        #expect(try pidfd.reap() == .signalled(SIGKILL))
    }
}
