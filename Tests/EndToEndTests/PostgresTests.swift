import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// A real PostgreSQL, killed with everything below it.
    @Suite(.serialized) struct Postgres {
        static let isInstalled = access("/usr/lib/postgresql", R_OK) == 0
        static let isRoot = geteuid() == 0

        /// Committing before the acknowledgement, and after it; as root, and as a plain user.
        @Test(.enabled(if: isInstalled)) func itComesBackAndLosesWhatItsSettingAllows() throws {
            // nobody: PostgreSQL wants a user with a name.
            let users: [UInt32?] = Self.isRoot ? [nil, 65_534] : [nil]
            for user in users {
                let runs = try ["on", "off"].map { setting in
                    let lab = try Lab(user: user)
                    let arguments = [
                        "run", "drills/postgres-crash.yaml", "--json", "--var",
                        "synchronousCommit=\(setting)",
                    ]
                    return (lab, try lab.start(arguments), setting)
                }
                for (lab, running, setting) in runs {
                    let answer = try running.end(within: .seconds(150))
                    try judge(lab, answer, setting)
                    try lab.expectNothingLeft()
                    try expectNoSharedMemory(of: lab)
                }
            }
        }

        /// Where nobody restarts it: the steps of the shipped runbook, in a shell.
        @Test(.enabled(if: isInstalled)) func aRunbookBringsItBack() throws {
            let lab = try Lab(user: Self.isRoot ? 65_534 : nil)
            let answer = try lab.start(["run", "drills/restart-postgres.yaml"]).end(
                within: .seconds(150))
            #expect(answer.code == 0, "\(answer.all)")
            #expect(answer.output.contains("from declared"), "\(answer.all)")
            try lab.expectNothingLeft()
            try expectNoSharedMemory(of: lab)
        }

        /// Whether the server was back in time is the machine's business, which others load as well; that it came
        /// back, and what it lost, is its own.
        private func judge(_ lab: Lab, _ answer: Lab.Answer, _ setting: String) throws {
            let outcome = try lab.newestOutcome()
            let ledger = try #require(outcome.at("ledgers", 0), "\(answer.all)")
            let lost = try #require(ledger["lost"]?.asInt)
            #expect(ledger["acknowledged"]?.asInt ?? 0 > 500, "\(ledger.canonicalJSON)")
            #expect(outcome.events("effective").count == 1, "\(answer.all)")
            let objectives = outcome["objectives"]?.asList ?? []
            let rpo = try #require(objectives.first { $0["name"] == "rpo" })
            let rto = try #require(objectives.first { $0["name"] == "rto" })
            #expect(rto["result"] == "met", "\(rto.canonicalJSON): \(answer.all)")
            if setting == "on" {
                #expect(lost == 0, "\(ledger.canonicalJSON)")
                let dropped = outcome.texts("note").filter { $0.hasSuffix("was dropped") }
                #expect(dropped.count == 1, "\(outcome.texts("note"))")
            }
            #expect(rpo["result"] == "met", "\(setting): \(rpo.canonicalJSON)")
            #expect(answer.code == 0, "\(answer.all)")
        }

        /// The kernel keeps System V memory after the processes that made it. Other tests may run a server of the same
        /// user meanwhile.
        private func expectNoSharedMemory(of lab: Lab) throws {
            guard let user = lab.user else { return }
            for table in ["shm", "sem"] {
                var lines: [Substring] = []
                let gone = try lab.eventually {
                    lines = try lab.read("/proc/sysvipc/\(table)").split(separator: "\n").dropFirst().map(
                        \.self)
                    return !lines.map { $0.split(separator: " ")[table == "shm" ? 7 : 4] }.contains("\(user)")
                }
                #expect(gone != nil, "\(table): \(lines)")
            }
        }

        @Test(.enabled(if: access("/usr/sbin/nginx", X_OK) != 0, "here it is there"))
        func withoutAProgramItSaysWhatToInstallAndStartsNothing() throws {
            let lab = try Lab()
            // One that no test and no drill installs.
            let drill = try lab.read("drills/postgres-crash.yaml").replacing(
                "needs: [postgres]", with: "needs: [nginx]")
            try lab.write(drill, to: "drills/postgres-crash.yaml")
            for command in ["run", "plan"] {
                let answer = try lab.muster(command, "drills/postgres-crash.yaml")
                #expect(answer.code == 7, "\(answer.all)")
                #expect(
                    answer.errors.contains("fixture 'postgres': the program 'nginx' is not on this machine"))
                #expect(answer.errors.contains("apt-get install nginx"), "\(answer.all)")
            }
            #expect(!lab.exists(lab.outcomes))
            try lab.expectNothingLeft()
        }
    }
}
