import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// A real Redis in its three ways of persisting.
    @Suite struct Redis {
        static let isInstalled = (["/usr/bin/redis-server", "/usr/local/bin/redis-server"] as [String])
            .contains {
                access($0, X_OK) == 0
            }

        /// All three at once: each waits for seconds for its snapshot.
        @Test(.enabled(if: isInstalled)) func onlyASnapshotLosesWrites() throws {
            let wanted: [(mode: String, code: Int32)] = [("aof-always", 0), ("aof-everysec", 0), ("rdb", 1)]
            let runs = try wanted.map { mode, code in
                let lab = try Lab()
                let arguments = ["run", "drills/redis-kill.yaml", "--json", "--var", "persistence=\(mode)"]
                return (lab, try lab.start(arguments), mode, code)
            }
            for (lab, running, mode, code) in runs {
                let answer = try running.end(within: .seconds(90))
                #expect(answer.code == code, "\(mode): \(answer.all)")
                let ledger = try #require(answer.json().at("ledgers", 0))
                let lost = try #require(ledger["lost"]?.asInt)
                if mode == "rdb" {
                    try saysHowMuchAndHowOld(lab, lost)
                } else {
                    #expect(lost == 0, "\(mode): \(ledger.canonicalJSON)")
                }
                try lab.expectNothingLeft()
            }
        }

        private func saysHowMuchAndHowOld(_ lab: Lab, _ lost: Int64) throws {
            let outcome = try lab.newestOutcome()
            let rpo = try #require(outcome["objectives"]?.asList?.first { $0["name"] == "rpo" })
            #expect(lost > 0 && rpo["result"] == "missed", "\(rpo.canonicalJSON)")
            let age = try #require(outcome.at("ledgers", 0, "rpaLowerNanoseconds")?.asInt)
            // Younger than the run: there was a snapshot to come back to.
            #expect(age > 0 && age < 8_000_000_000, "\(rpo.canonicalJSON)")
            let shown = try lab.muster("show")
            #expect(shown.output.contains("\(lost) lost"), "\(shown.output)")
            #expect(shown.output.contains("RPO "), "\(shown.output)")
        }

        @Test func withoutRedisItSaysWhatToInstallAndStartsNothing() throws {
            let lab = try Lab()
            try lab.shell("mkdir ../path && ln -s /bin/bash /usr/bin/env /usr/bin/setpriv ../path/")
            let path = ["PATH": "\(lab.directory)/path"]
            for command in ["run", "plan"] {
                let answer = try lab.muster(command, "drills/redis-kill.yaml", environment: path)
                #expect(answer.code == 7, "\(answer.all)")
                #expect(answer.errors.contains("'redis-server' is not on this machine"), "\(answer.all)")
                #expect(answer.errors.contains("apt-get install redis-server"), "\(answer.all)")
            }
            #expect(!lab.exists(lab.outcomes))
            try lab.expectNothingLeft()
        }
    }
}
