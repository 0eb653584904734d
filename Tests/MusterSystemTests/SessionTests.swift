import Glibc
import MusterCore
import Testing

@testable import MusterSystem

@Suite struct SessionTests {
    /// `timeout` makes a process group of its own (coreutils), which a signal to the leader's group does not reach.
    @Test func endsWhatLeftTheGroupOfTheLeader() throws {
        var spawn = Spawn(["/bin/sh", "-c", "timeout 1000 sleep 1000 & exec sleep 1000"])
        spawn.newSession = true
        let child = try spawn.start()
        #expect(try Self.eventually { try Self.session(of: child).count == 3 })
        #expect(try Set(Self.session(of: child).map(\.group)).count > 1)
        child.killSession()
        // A signal is sent at once, and acts when the kernel lets its process run next.
        #expect(try Self.eventually { try Self.session(of: child).isEmpty })
        #expect(try child.wait(for: .seconds(5)) == .signalled(SIGKILL))
    }

    private static func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        let clock = SystemTimekeeper()
        let deadline = clock.monotonic() + .seconds(60)
        while try !condition() {
            if clock.monotonic() > deadline { return false }
            clock.sleep(for: .milliseconds(5))
        }
        return true
    }

    private static func session(of child: Child) throws -> [ProcessStat] {
        try processNumbers().compactMap { try ProcessStat.read($0) }.filter {
            $0.session == child.pid && !$0.isZombie
        }
    }
}
