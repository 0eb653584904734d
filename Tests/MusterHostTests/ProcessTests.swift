import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterHost

@Suite struct ProcessTests {
    let test: HostUnderTest
    var host: LinuxHost { test.host }
    init() throws { test = try HostUnderTest() }

    @Test func processesAreSeen() throws {
        let mine = try #require(try host.process(getpid()))
        #expect(mine.parent == getppid() && mine.userID == geteuid() && !mine.arguments.isEmpty)
        let identity = try host.spawn(["sleep", "61"], as: test.id)
        let found = try #require(try host.processes().first { $0.identity == identity })
        #expect(found.arguments == ["sleep", "61"] && found.name == "sleep")
        #expect(found.session == identity.pid && found.parent == getpid())
        if hasCgroups, let base = test.cgroupBase {
            #expect(found.cgroup == host.cgroup(of: test.id))
            #expect(access(base, F_OK) == 0)
        }
        #expect(try host.process(Int32.max) == nil)
    }

    @Test func networkNamespacesAreTold() throws {
        let own = try #require(try host.networkNamespace(of: nil))
        #expect(try host.networkNamespace(of: getpid()) == own)
        #expect(try host.networkNamespace(of: Int32.max) == nil)
        guard geteuid() == 0 else { return }
        let other = try host.spawn(["unshare", "--net", "sleep", "61"], as: test.id)
        #expect(
            try eventually {
                try host.networkNamespace(of: other.pid).map { $0 != own } ?? false
            })
    }

    @Test func signalReachesOnlyThatProcess() throws {
        let identity = try host.spawn(["sleep", "61"], as: test.id)
        var other = identity
        other.startTicks += 1
        #expect(try host.signal(other, .kill) == false)
        #expect(try host.signal(identity, .stop))
        #expect(try eventually { try host.process(identity)?.isSuspended == true })
        #expect(try host.signal(identity, .kill))
        #expect(try eventually { try host.process(identity) == nil }, "it is waited for, too")
        #expect(try host.signal(identity, .kill) == false)
    }

    @Test func listenersAreFound() throws {
        // Closed once: by then a second close would hit what another test has opened under that number.
        let listener = Descriptor(
            adopting:
                Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let socket = listener.number
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(socket, $0, size)
                _ = listen(socket, 1)
                _ = getsockname(socket, $0, &size)
            }
        }
        let port = Int(UInt16(bigEndian: address.sin_port))
        // For a moment children that other tests start have it too.
        #expect(try eventually { try host.listeners(onPort: port) == [getpid()] })
        #expect(shutdown(socket, Int32(SHUT_RDWR)) == 0)
        #expect(try host.listeners(onPort: port) == [])
        withExtendedLifetime(listener) {}
    }

    @Test func onlyListeningSocketsOfThePortCount() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
               1: 0100007F:18EB 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1
               2: 00000000000000000000000001000000:18EB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 333 1
               3: 0100007F:18EC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1
            """
        #expect(LinuxHost.listening(onPort: 6379, in: table) == ["111", "333"])
    }

    @Test func queryTellsEndingAndOutput() throws {
        let result = try host.query(["sh", "-c", "echo out; echo err >&2; exit 3"], deadline: .seconds(60))
        #expect(result == CommandResult(ending: .exited(3), output: "out\n", errors: "err\n"))
        let missing = #expect(throws: HostError.self) {
            try host.query(["no-such-program"], deadline: .seconds(60))
        }
        #expect(missing?.code == .notFound)
        let killed = try host.query(["sh", "-c", "kill -9 $$"], deadline: .seconds(60))
        #expect(killed.ending == .signalled(SIGKILL))
        #expect(host.tool("mount") != nil && host.tool("no-such-program") == nil)
    }

    @Test func longOutputIsCutAndDoesNotBlock() throws {
        let result = try host.query(
            ["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], deadline: .seconds(60))
        #expect(result.succeeded)
        #expect(result.output.utf8.count == 65536)
    }

    @Test(.timeLimit(.minutes(10))) func endlessTalkerIsEndedAtItsDeadline() throws {
        let result = try host.query(["yes"], deadline: .milliseconds(200))
        #expect(result.ending == .timedOut)
    }

    @Test func deadlineEndsTheWholeSession() throws {
        let marker = "86\(getpid())"
        let result = try host.query(
            ["sh", "-c", "sleep \(marker) & sleep \(marker)"], deadline: .milliseconds(200))
        #expect(result.ending == .timedOut)
        #expect(try eventually { try host.processes().allSatisfy { $0.arguments != ["sleep", marker] } })
    }

    @Test func commandLeavingSomethingThatHoldsItsOutputDoesNotHang() throws {
        let result = try host.run(["sh", "-c", "echo done; sleep 61 &"], as: test.id, deadline: .seconds(60))
        #expect(result == CommandResult(ending: .exited(0), output: "done\n", errors: ""))
        #expect(try host.helpers(of: test.id).count == 1)
    }

    @Test func restartedServiceIsNoHelperAndSurvivesItsOutput() throws {
        let result = try host.restart(
            [
                "setsid", "-f", "sh", "-c",
                "trap 'echo PIPE > \(test.path("end"))' PIPE; while [ ! -e \(test.path("stop")) ]; do echo x || "
                    + "echo refused > \(test.path("refused")); sleep 0.05; done; echo normal > \(test.path("end"))",
            ], deadline: .seconds(60))
        #expect(result.succeeded)
        #expect(try host.helpers(of: test.id).isEmpty)
        #expect(try eventually { try host.status(of: test.path("refused")) != nil })
        _ = try test.put("stop", "")
        #expect(try eventually { try test.text(test.path("end")) == "normal\n" })
    }
}
