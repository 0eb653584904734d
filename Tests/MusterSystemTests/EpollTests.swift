import Glibc
import MusterCore
import MusterSystem
import Testing

@Suite struct EpollTests {
    @Test func tellsWhatIsReadyAndWaitsNoLongerThanItIsAsked() throws {
        let epoll = try Epoll()
        let pipe = try Descriptor.pipe()
        try epoll.set(pipe.read.number, reading: true, key: 7)
        #expect(try epoll.wait(atMost: .milliseconds(1)).isEmpty)
        try pipe.write.write([1])
        let ready = try epoll.wait(atMost: .seconds(10))
        #expect(ready.map(\.key) == [7] && ready[0].isReadable && !ready[0].isBroken)
        // What is not waited for is not told; what is taken out neither.
        try epoll.set(pipe.read.number, reading: false, key: 7)
        #expect(try epoll.wait(atMost: .zero).isEmpty)
        try epoll.set(pipe.read.number, reading: true, key: 8)
        #expect(try epoll.wait(atMost: .seconds(10)).map(\.key) == [8])
        epoll.remove(pipe.read.number)
        #expect(try epoll.wait(atMost: .zero).isEmpty)
    }

    @Test func tellsThatTheOtherEndIsGone() throws {
        let epoll = try Epoll()
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let own = Descriptor(adopting: ends[0])
        try epoll.set(own.number, reading: false, key: 1)
        close(ends[1])
        #expect(try epoll.wait(atMost: .seconds(10)).first?.isBroken == true)
    }

    @Test func aFileCanBeKeptFromGrowing() throws {
        var spawn = Spawn(["/bin/sh", "-c", "trap '' XFSZ; read go; head -c 9000 /dev/zero > \"$1\"", "sh"])
        let path = "/tmp/muster-limit-\(getpid())"
        defer { unlink(path) }
        spawn.arguments.append(path)
        let pipe = try Descriptor.pipe()
        spawn.input = .descriptor(pipe.read.number)
        let child = try spawn.start()
        try ResourceLimit.fileSize(of: child.pid, to: 4096)
        try pipe.write.write(Array("go\n".utf8))
        let status = try child.wait(for: .seconds(20))
        #expect(status != nil && status != .exited(0))
        #expect(try Descriptor(opening: path, O_RDONLY).status().st_size == 4096)
    }

    @Test func aPretendedStepOfTheWallClockMovesNothingElse() {
        let time = SystemTimekeeper()
        let (wall, monotonic) = (time.utcNanoseconds(), time.monotonic())
        SystemTimekeeper.pretendStep(by: .seconds(3600))
        let after = time.utcNanoseconds()
        SystemTimekeeper.pretendStep(by: .seconds(-3600))
        #expect(after - wall >= 3_600_000_000_000 && after - wall < 3_700_000_000_000)
        #expect(time.monotonic() - monotonic < .seconds(100))
        #expect(time.utcNanoseconds() - wall < 100_000_000_000)
    }
}
