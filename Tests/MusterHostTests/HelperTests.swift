import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterHost

@Suite struct HelperTests {
    let test: HostUnderTest
    var host: LinuxHost { test.host }
    init() throws { test = try HostUnderTest() }

    @Test func helperIsRecordedBeforeItRuns() throws {
        let path = test.path("ran")
        test.journal.beforeRecording = { identity in
            let ticks = try ProcessStat.read(identity.pid)?.startTicks
            #expect(ticks == identity.startTicks)
            SystemTimekeeper().sleep(for: .milliseconds(50))
            #expect(access(path, F_OK) != 0)
        }
        let identity = try host.spawn(["touch", path], as: test.id)
        #expect(
            try test.journal.helpers(of: test.id) == [HelperRecord(process: identity, session: identity.pid)])
        #expect(eventually { access(path, F_OK) == 0 })
    }

    @Test func helperThatCannotBeRecordedNeverRuns() throws {
        let path = test.path("ran")
        var pid: Int32 = 0
        test.journal.beforeRecording = { identity in
            pid = identity.pid
            throw HostError(.noSpace, "record", "full")
        }
        #expect(throws: HostError.self) { try host.spawn(["touch", path], as: test.id) }
        #expect(throws: HostError.self) {
            try host.run(["touch", path], as: test.id, deadline: .seconds(60))
        }
        #expect(pid > 0)
        #expect(try host.process(pid) == nil)
        #expect(access(path, F_OK) != 0)
        let unrecorded = LinuxHost(site: host.site, journal: nil, markDirectory: test.markDirectory)
        let error = #expect(throws: HostError.self) { try unrecorded.spawn(["true"], as: test.id) }
        #expect(error?.code == .notPermitted)
    }

    @Test func helperThatIgnoresTermIsEnded() throws {
        let identity = try host.spawn(
            ["sh", "-c", "trap '' TERM; touch \(test.path("ready")); while :; do sleep 1; done"], as: test.id)
        #expect(try eventually { try host.status(of: test.path("ready")) != nil })
        #expect(try host.helpers(of: test.id).contains(identity))
        try host.endHelpers(of: test.id, grace: .milliseconds(100), deadline: .seconds(60))
        #expect(try host.helpers(of: test.id).isEmpty)
        #expect(try host.process(identity) == nil)
        if hasCgroups, let base = test.cgroupBase { #expect(access("\(base)/\(test.id)", F_OK) != 0) }
        try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
    }

    @Test func graceLetsAHelperTidyUp() throws {
        let path = test.path("tidy")
        _ = try host.spawn(
            [
                "sh", "-c",
                "trap 'echo x > \(path); exit' TERM; touch \(test.path("ready")); while :; do sleep 0.05; done",
            ],
            as: test.id)
        #expect(try eventually { try host.status(of: test.path("ready")) != nil })
        try host.endHelpers(of: test.id, grace: .seconds(10), deadline: .seconds(60))
        #expect(try test.text(path) == "x\n")
    }

    @Test func stoppedHelperIsEnded() throws {
        let identity = try host.spawn(["sleep", "61"], as: test.id)
        try host.signal(identity, .stop)
        try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
        #expect(try host.process(identity) == nil)
    }

    /// It leaves its session twice and its environment, so only the cgroup holds it.
    @Test(.enabled(if: hasCgroups)) func daemonIsFoundByItsCgroup() throws {
        _ = try host.spawn(
            ["setsid", "-f", "env", "-i", "/usr/bin/setsid", "-f", "/bin/sleep", "62"], as: test.id)
        var daemon: ProcessIdentity?
        #expect(
            try eventually {
                let found = try host.helpers(of: test.id).compactMap { try host.process($0) }
                daemon = found.first { $0.arguments == ["/bin/sleep", "62"] }?.identity
                return found.count == 1 && daemon != nil
            })
        let identity = try #require(daemon)
        #expect(Mark.id(inEnvironmentOf: identity.pid) == nil)
        try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
        #expect(try host.process(identity)?.isZombie != false, "only its new parent can wait for it")
    }

    @Test func sessionOfARecordIsFoundAndAReusedNumberIsNot() throws {
        // Neither cgroup nor environment: started outside of the host, so only the record speaks.
        var spawn = Spawn(["/bin/sh", "-c", "/bin/sleep 63 & wait"])
        spawn.newSession = true
        spawn.environment = []
        let child = try spawn.start()
        defer {
            _ = try? child.kill()
            _ = try? child.wait(for: .seconds(60))
        }
        let identity = try #require(try processIdentity(of: child.pid))
        try test.journal.record(helper: identity, session: child.pid, of: test.id)
        #expect(try eventually { try host.helpers(of: test.id).count == 2 })

        for change in [
            { (identity: inout ProcessIdentity) in identity.startTicks -= 1 },
            { $0.startTicks += 1 }, { $0.bootID = "another boot" },
        ] {
            var other = identity
            change(&other)
            test.journal.records = [test.id: [HelperRecord(process: other, session: child.pid)]]
            #expect(try host.helpers(of: test.id) == [])
        }

        test.journal.records = [test.id: [HelperRecord(process: identity, session: child.pid)]]
        try child.kill()
        _ = try child.wait(for: .seconds(60))
        #expect(try host.helpers(of: test.id).count == 1, "the one that outlived its leader")
        try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
        #expect(try host.helpers(of: test.id) == [])
    }

    @Test func environmentIsAHintAndScanned() throws {
        // Only an injection that has a recorded helper is searched for others.
        _ = try host.run(["true"], as: test.id, deadline: .seconds(60))
        var spawn = Spawn(["/bin/sleep", "64"])
        spawn.environment = ["A=b", "MUSTER_INJECTION=\(test.id)"]
        let child = try spawn.start()
        let found = try eventually { try host.helpers(of: test.id).map(\.pid) == [child.pid] }
        #expect(found)
        #expect(try host.markedIDs(tag: "test").contains(test.id))
        #expect(try !host.markedIDs(tag: "other").contains(test.id))
        try child.kill()
        _ = try child.wait(for: .seconds(60))
        #expect(try host.helpers(of: test.id) == [])
    }

    /// What a step leaves when it has ended must not be taken for a helper by whoever has no journal to ask.
    @Test func whatAStepStartedIsFoundWhereverItWentAndNoScanEndsIt() throws {
        var spawn = Spawn(["/bin/sh", "-c", "setsid -f /bin/sleep 66; exec /bin/sleep 67"])
        spawn.newSession = true
        spawn.environment = ["PATH=/usr/bin:/bin", "\(Mark.stepVariable)=\(test.id)"]
        spawn.isGated = true
        let child = try spawn.start()
        let identity = try #require(try processIdentity(of: child.pid))
        try host.adopt(identity, as: test.id)
        #expect(
            try test.journal.helpers(of: test.id) == [HelperRecord(process: identity, session: child.pid)])
        try child.release()
        let found = try eventually {
            let found = try host.helpers(of: test.id).compactMap { try host.process($0)?.arguments.last }
            return found.sorted() == ["66", "67"]
        }
        #expect(found, "one in its session, one that left it")
        #expect(try !host.markedIDs(tag: nil).contains(test.id))
        try host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
        #expect(try host.helpers(of: test.id) == [])
        _ = try child.wait(for: .seconds(60))
    }

    @Test(.enabled(if: hasCgroups)) func scanFindsCgroups() throws {
        _ = try host.spawn(["env", "-i", "/bin/sleep", "65"], as: test.id)
        #expect(
            try eventually {
                try host.helpers(of: test.id).allSatisfy { Mark.id(inEnvironmentOf: $0.pid) == nil }
            })
        #expect(try host.markedIDs(tag: nil).contains(test.id))
    }

    @Test func deadlineOfACommandSparesTheOtherHelpers() throws {
        let lasting = try host.spawn(["sleep", "66"], as: test.id)
        let result = try host.run(
            ["sh", "-c", "setsid sleep 67 & sleep 67"], as: test.id, deadline: .milliseconds(300))
        #expect(result.ending == .timedOut)
        #expect(try host.process(lasting) != nil)
        if hasCgroups {
            #expect(try eventually { try host.helpers(of: test.id) == [lasting] })
        }
    }

    @Test func whoAsksFromInsideAMarkIsNoHelper() async {
        await #expect(processExitsWith: .success) {
            let test = try HostUnderTest()
            let session = setsid()
            try #require(session == getpid())
            let identity = try #require(try processIdentity(of: session))
            try test.journal.record(helper: identity, session: session, of: test.id)
            let child = try Spawn(["/bin/sleep", "68"]).start()
            #expect(try test.host.helpers(of: test.id).map(\.pid) == [child.pid])
            try test.host.endHelpers(of: test.id, grace: .zero, deadline: .seconds(60))
            #expect(try child.wait(for: .seconds(60)) == .signalled(SIGKILL))
        }
    }
}
