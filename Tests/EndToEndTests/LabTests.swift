import Foundation
import MusterCore
import Testing

extension EndToEndTroubles {
    /// What the tests themselves leave behind.
    @Suite struct Labs {
        /// Killed as by somebody who has waited for long enough, while a daemon of theirs runs a drill.
        @Test func killedTestsTakeAlongWhatTheyStarted() async throws {
            let ended = await #expect(
                processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
            ) {
                let lab = try Serving.lab(drill: ShortDrill.pause(for: "60s"))
                let daemon = try Serving.serve(lab)
                let struck = lab.eventually { daemon.said.contains("process-pause hit 'kv'") }
                try #require(struck != nil, "\(Serving.log(daemon))")
                let said = "lab \(lab.directory) with \(lab.leftovers().count).\n"
                try FileHandle.standardOutput.write(contentsOf: Data(said.utf8))
                // Or it would be closed before.
                withExtendedLifetime(lab) { _ = kill(getpid(), SIGKILL) }
            }
            let said = String(decoding: ended?.standardOutputContent ?? [], as: UTF8.self)
            let found = try #require(said.firstMatch(of: /lab (\/tmp\/[^ ]+) with (\d+)\./), "\(said)")
            let directory = String(found.1)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            // The daemon, the run, its guard, hands and warden, a supervisor and the service.
            #expect(try #require(Int(found.2)) >= 7)
            let lab = try Lab()
            let gone = lab.eventually { Lab.processes(of: directory).isEmpty }
            let left = Lab.processes(of: directory)
            #expect(gone != nil, "\(left)")
            for pid in left { kill(pid, SIGKILL) }
        }
    }
}
