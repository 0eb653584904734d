import Glibc
import MusterCore
import MusterHost
import MusterSystem
import Testing

@Suite struct GateTests {
    /// The owner is killed between starting a helper and recording it.
    @Test func helperDiesWithItsOwnerBeforeItIsRecorded() async throws {
        let test = try HostUnderTest()
        let path = test.path("pid")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let test = try HostUnderTest()
            test.journal.beforeRecording = { identity in
                try test.host.createFile(path, contents: Array("\(identity.pid)".utf8), mode: 0o600)
                kill(getpid(), SIGKILL)
            }
            _ = try test.host.spawn(["touch", path + "-ran"], as: test.id)
        }
        let pid = try #require(Int32(try test.text(path) ?? ""))
        #expect(try eventually { try ProcessStat.read(pid).map(\.isZombie) ?? true })
        #expect(try test.host.status(of: path + "-ran") == nil)
    }
}
