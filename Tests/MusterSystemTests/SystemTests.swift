import Glibc
import MusterCore
import MusterSystem
import Synchronization
import Testing

@Suite struct SystemTests {
    @Test func errorsCarryTheSystemsWords() {
        let error = SystemError("open /x", code: ENOSPC)
        #expect(error.description == "open /x: No space left on device")
        #expect(error.hostError == HostError(.noSpace, "open /x", "No space left on device"))
    }

    @Test func clocksRun() {
        let clock = SystemTimekeeper()
        let before = clock.monotonic()
        clock.sleep(for: .milliseconds(5))
        #expect(clock.monotonic() - before >= .milliseconds(5))
        #expect(clock.sinceBoot() > Instant(nanoseconds: 0))
        #expect(clock.utcNanoseconds() > 1_700_000_000_000_000_000)
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ]) func sha256MatchesTheStandard(text: String, digest: String) {
        #expect(SHA256.hex(of: text.utf8) == digest)
        var hash = SHA256()
        for byte in text.utf8 { hash.update([byte]) }
        #expect(hash.hex == digest)
        #expect(hash.hex == digest, "finishing does not disturb it")
    }

    @Test func statOfANameWithParenthesesAndBlanks() throws {
        let line =
            "4711 (a) b (c d) T 12 34 56 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 1 18446744073709551615"
        let stat = try #require(ProcessStat(line))
        #expect(stat.pid == 4711)
        #expect(stat.name == "a) b (c d")
        #expect(stat.state == "T")
        #expect(stat.parent == 12)
        #expect(stat.group == 34)
        #expect(stat.session == 56)
        #expect(stat.startTicks == 987654)
        #expect(ProcessStat("4711 (cut) S 1") == nil)
        #expect(ProcessStat("") == nil)
    }

    @Test func reusedNumberIsNotTheProcess() throws {
        let child = try Spawn(["/bin/sleep", "60"]).start()
        let identity = try #require(try processIdentity(of: child.pid))
        #expect(try PidDescriptor.of(identity) != nil)
        var other = identity
        other.startTicks -= 1
        #expect(try PidDescriptor.of(other) == nil)
        var earlier = identity
        earlier.bootID = "another boot"
        #expect(try PidDescriptor.of(earlier) == nil)
        try child.kill()
        _ = try child.wait(for: .seconds(60))
        #expect(try PidDescriptor.of(identity) == nil)
    }

    @Test func lockIsHeldByOne() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/lock"
        let first = try #require(try FileLock.tryAcquire(path))
        try first.write("me")
        #expect(try FileLock.tryAcquire(path) == nil)
        #expect(try FileLock.read(path) == "me")
        #expect(try first.descriptor.status().st_mode & 0o777 == 0o666)
        first.release()
        #expect(try FileLock.tryAcquire(path) != nil)
    }

    @Test func lockIsNotTakenThroughALink() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/lock"
        symlink("/etc/passwd", path)
        #expect(throws: SystemError("open \(path)", code: ELOOP)) { try FileLock.tryAcquire(path) }
    }

    @Test(arguments: [10, 150]) func socketsWorkAtLongPaths(length: Int) throws {
        let directory = try TemporaryDirectory()
        let deep = directory.path + "/" + String(repeating: "d", count: length)
        mkdir(deep, 0o700)
        let path = deep + "/s.sock"
        #expect(throws: SystemError.self) { try UnixSocket.connect(to: path) }
        _ = try UnixSocket.listen(at: path)
        let listener = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path)
        let server = try #require(try UnixSocket.accept(from: listener))
        try client.write(Array("hello".utf8))
        #expect(try server.read(upTo: 16) == .bytes(Array("hello".utf8)))
    }

    @Test func pollingEndsAtItsDeadline() throws {
        let (read, write) = try Descriptor.pipe()
        let clock = SystemTimekeeper()
        let deadline = clock.monotonic() + .milliseconds(20)
        #expect(try waitFor([Interest(read.number, .readable)], until: deadline) == [[]])
        #expect(clock.monotonic() >= deadline)
        try write.write([1])
        #expect(try waitFor([Interest(read.number, .readable)], until: nil) == [.readable])
    }

    @Test func nonblockingPipeTakesWhatFits() throws {
        let (read, write) = try Descriptor.pipe()
        try write.setNonblocking()
        try read.setNonblocking()
        #expect(try read.read(upTo: 1) == .wouldBlock)
        let taken = try write.write(some: [UInt8](repeating: 0, count: 1 << 20)[...])
        #expect(try #require(taken) < 1 << 20)
        #expect(try write.write(some: [0]) == nil)
    }

    @Test func blockedSignalIsReadFromItsDescriptor() throws {
        let result = Mutex<Int32?>(nil)
        let (read, write) = try Descriptor.pipe()
        try startThread(name: "signals") {
            try? Signals.block([SIGUSR2])
            let signals = try? SignalDescriptor([SIGUSR2])
            pthread_kill(pthread_self(), SIGUSR2)
            result.withLock { $0 = try? signals?.next() }
            try? write.write([1])
        }
        #expect(try read.read(upTo: 1) == .bytes([1]))
        #expect(result.withLock { $0 } == SIGUSR2)
    }

    @Test func threadsHaveNames() throws {
        let name = Mutex("")
        let (read, write) = try Descriptor.pipe()
        try startThread(name: "a-rather-long-name") {
            let text = try? readSmallFile("/proc/thread-self/comm")
            name.withLock { $0 = text ?? "" }
            try? write.write([1])
        }
        #expect(try read.read(upTo: 1) == .bytes([1]))
        #expect(name.withLock { $0 } == "a-rather-long-n\n")
    }
}
