import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterHost

/// What an ordinary user gets, in a process that gives up being root.
@Suite(.enabled(if: isRoot)) struct OtherUserTests {
    @Test func sessionsCarryTheMarkWithoutCgroups() async {
        await #expect(processExitsWith: .success) {
            try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
            let test = try HostUnderTest()
            let host = test.host
            #expect(host.cgroup(of: test.id) == nil)
            #expect(host.userID() == 65534)
            let identity = try host.spawn(["sh", "-c", "sleep 71 & sleep 71"], as: test.id)
            #expect(try eventually { try host.helpers(of: test.id).count == 3 })
            try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
            #expect(try host.process(identity) == nil)
            #expect(try host.helpers(of: test.id).isEmpty)
        }
    }

    @Test func childThatLeavesSessionAndEnvironmentIsFoundByItsParent() async {
        await #expect(processExitsWith: .success) {
            try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
            let test = try HostUnderTest()
            _ = try test.host.spawn(["sh", "-c", "env -i /usr/bin/setsid /bin/sleep 72; :"], as: test.id)
            let found = try eventually {
                try test.host.helpers(of: test.id).contains {
                    try test.host.process($0)?.arguments == ["/bin/sleep", "72"]
                }
            }
            #expect(found)
            try test.host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
            #expect(
                try !test.host.processes().contains { $0.arguments == ["/bin/sleep", "72"] && !$0.isZombie })
        }
    }

    @Test func othersProcessesAreSeenButNotTouched() async {
        await #expect(processExitsWith: .success) {
            // In a session of its own: whoever shares a session with a process may send it SIGCONT, whatever its
            // user (kill(2)), and CI may run the tests in the session of process 1.
            var others = Spawn(["/bin/sleep", "73"])
            others.newSession = true
            others.deathSignal = SIGKILL
            let child = try others.start()
            try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
            let test = try HostUnderTest()
            let host = test.host
            let process = try #require(try host.process(child.pid))
            for signal in [SignalName.cont, .term] {
                let error = #expect(throws: HostError.self) { try host.signal(process.identity, signal) }
                #expect(error?.code == .notPermitted)
            }
            #expect(try host.process(process.identity)?.isZombie == false)
            let read = #expect(throws: HostError.self) { try host.read("/etc/shadow", from: 0, count: 1) }
            #expect(read?.code == .notPermitted)
            _ = try host.listeners(onPort: 22)
            let run = try host.run(["id", "-u"], as: test.id, deadline: .seconds(60))
            #expect(run.output == "65534\n")
        }
    }
}
