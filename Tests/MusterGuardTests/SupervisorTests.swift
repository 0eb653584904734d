import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

/// A fixture's supervisor by itself, with the real binary.
@Suite struct SupervisorTests {
    /// A server that was killed may leave processes behind that hold what the next one needs.
    @Test func whatAFixtureLeftBehindEndsBeforeItIsStartedAgain() throws {
        let bench = try Bench()
        let started = bench.directory + "/started"
        // Notes itself and a child that leaves its process group and its session, as the parts of servers do.
        let program = "setsid sleep 1000 & echo $$ $! >> \(started); wait"
        let supervisor = try bench.spawn([
            "supervise", "--id", "x-01", "--name", "server", "--socket", bench.directory + "/socket",
            "--restart",
            "20ms", "--stop-within", "1s", "--log", bench.directory + "/log", "--", "/bin/bash", "-c",
            program,
        ]).start()
        defer { _ = try? supervisor.kill() }
        func starts() throws -> [[Int32]] {
            (try readSmallFile(started) ?? "").split(separator: "\n").map {
                $0.split(separator: " ").compactMap { Int32($0) }
            }
        }
        #expect(try bench.eventually { try starts().count == 1 } != nil)
        let first = try starts()[0]
        try #require(first.count == 2)
        #expect(kill(first[0], SIGKILL) == 0)
        #expect(try bench.eventually { try starts().count == 2 } != nil)
        // Not there at all: its supervisor has waited for it, too.
        #expect(kill(first[1], 0) == -1 && errno == ESRCH)
        let second = try starts()[1]
        #expect(second.allSatisfy { kill($0, 0) == 0 })
        try supervisor.kill(SIGTERM)
        #expect(try supervisor.wait(for: .seconds(60)) == .exited(0))
        #expect(second.allSatisfy { kill($0, 0) == -1 })
    }
}
