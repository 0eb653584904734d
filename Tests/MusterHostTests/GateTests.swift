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
        let (directory, marks, id) = (test.directory, test.markDirectory, test.id.rawValue)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [
                path = path as String, directory = directory as String, marks = marks as String,
                id = id as String
            ] in
            let journal = MemoryJournal()
            let host = LinuxHost(
                site: GuardSite(executable: "/proc/self/exe", stateDirectory: directory), journal: journal,
                markDirectory: marks)
            journal.beforeRecording = { identity in
                try host.createFile(path, contents: Array("\(identity.pid)".utf8), mode: 0o600)
                kill(getpid(), SIGKILL)
            }
            _ = try host.spawn(["touch", path + "-ran"], as: try #require(InjectionID(id)))
        }
        let pid = try #require(Int32(try test.text(path) ?? ""))
        #expect(try eventually { try ProcessStat.read(pid).map(\.isZombie) ?? true })
        #expect(try test.host.status(of: path + "-ran") == nil)
    }
}
