import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// A selection of the drills of real systems that takes three minutes; `scripts/test-systems` runs all of them.
    @Suite struct Systems {
        private static func has(_ programs: String...) -> Bool {
            programs.allSatisfy { program in
                (["/usr/bin", "/usr/sbin", "/usr/local/bin"] as [String]).contains {
                    access("\($0)/\(program)", X_OK) == 0
                }
            }
        }

        private struct Wanted {
            var drill: String
            var variables: [String] = []
            var code: Int32
            /// What the report must say in its first three lines.
            var says = ""
            /// That it fails depends on when the fault strikes: one that passes is tried again, once.
            var isByChance = false
        }

        /// All at once: each waits more than it works.
        private func run(_ all: [Wanted]) throws -> [Value] {
            let runs = try all.map { wanted in
                let lab = try Lab()
                let variables = wanted.variables.flatMap { ["--var", $0] }
                return (wanted, lab, try lab.start(["run", "drills/\(wanted.drill).yaml"] + variables))
            }
            return try runs.map { wanted, lab, running in
                var answer = try running.end(within: .seconds(300))
                var number = 1
                if wanted.isByChance, answer.code == 0 {
                    let variables = wanted.variables.flatMap { ["--var", $0] }
                    answer = try lab.start(["run", "drills/\(wanted.drill).yaml"] + variables).end(
                        within: .seconds(300))
                    number = 2
                }
                let what = "\(wanted.drill) \(wanted.variables)"
                // A machine that stood still for a moment makes a run inconclusive, and it says so.
                let stoodStill = answer.code == 3 && answer.output.contains("the instrument is suspect")
                #expect(answer.code == wanted.code || stoodStill, "\(what): \(answer.all)")
                let report = try lab.read("runbooks/reports/\(number).md").split(
                    separator: "\n", omittingEmptySubsequences: false)
                let first = report.prefix(3).joined(separator: "\n")
                #expect(first.contains(wanted.says) || stoodStill, "\(what): \(first)")
                try lab.expectNothingLeft("\(what)")
                return try lab.newestOutcome()
            }
        }

        private static func lost(_ outcome: Value) -> Int64 { outcome.at("ledgers", 0, "lost")?.asInt ?? -1 }

        /// Clients that ask sentinels find the new master; a replica that follows nobody is found before anything
        /// is broken.
        @Test(.enabled(if: has("redis-server"))) func clientsFollowTheSentinels() throws {
            let outcomes = try run([
                Wanted(drill: "redis-sentinel", code: 0),
                Wanted(
                    drill: "redis-sentinel", variables: ["replica=stray"], code: 4, says: "'replica-follows'"),
            ])
            #expect(outcomes[0].texts("effective").count == 1)
            #expect(outcomes[0].events("runbook-step").count == 4, "the old master came back as a replica")
            #expect(outcomes[1].events("injecting").isEmpty, "a gate that is not good keeps the fault away")
        }

        /// An asynchronous standby loses what a stalled link kept back; a synchronous one loses nothing.
        @Test(.enabled(if: access("/usr/lib/postgresql", R_OK) == 0)) func aStandbyBehindAStallIsPromoted()
            throws
        {
            let outcomes = try run([
                Wanted(drill: "postgres-promote-lag", code: 0),
                Wanted(
                    drill: "postgres-promote-lag", variables: ["replication=async"], code: 1, says: "lost of"),
            ])
            #expect(Self.lost(outcomes[0]) == 0)
            #expect(Self.lost(outcomes[1]) > 20, "about a second of 400 writes a second")
        }

        /// What a commit promises is what the log's setting says. Written out once a second, a kill loses what came since;
        /// right after that it loses nothing, one time in two hundred.
        @Test(
            .enabled(
                if: has("mariadbd", "mariadb-install-db", "mariadb")
                    && access("/usr/lib/python3/dist-packages/pymysql", R_OK) == 0))
        func mariadbKeepsWhatItsLogKeeps() throws {
            let outcomes = try run([
                Wanted(drill: "mariadb-crash", variables: ["flush=1"], code: 0),
                Wanted(
                    drill: "mariadb-crash", variables: ["flush=0"], code: 1, says: "lost of", isByChance: true
                ),
            ])
            #expect(Self.lost(outcomes[0]) == 0)
            #expect(outcomes[0].at("ledgers", 0, "acknowledged")?.asInt ?? 0 > 200)
            #expect(Self.lost(outcomes[1]) > 0)
            #expect(Self.lost(outcomes[1]) <= 400, "two seconds of 200 writes a second")
        }

        /// A check that only asks whether a backend lives leaves users with a slow one; a planned switchover of Patroni's
        /// costs no write.
        @Test(
            .enabled(
                if: has("haproxy", "patroni", "etcd", "curl")
                    && access("/usr/lib/postgresql", R_OK) == 0 && geteuid() == 0))
        func balancersFollowTheirChecks() throws {
            let outcomes = try run([
                Wanted(drill: "backend-slow", variables: ["check=/alive"], code: 1, says: "not 300 ms"),
                Wanted(drill: "patroni-switchover", code: 0),
            ])
            let objectives = outcomes[0]["objectives"]?.asList ?? []
            let missed = objectives.filter { $0["result"] == "missed" }.compactMap { $0["name"]?.asText }
            // Half of the answers are good, so that it is not slow altogether for long at a stretch.
            #expect(missed.contains("latency"), "\(missed)")
            #expect(Set(missed).isSubset(of: ["latency", "degradation"]), "nothing else: \(missed)")
            #expect(Self.lost(outcomes[1]) == 0)
            #expect(outcomes[1].texts("effective").count == 1, "the standby became the primary")
        }

        @Test(.enabled(if: has("etcd", "etcdctl", "python3"))) func etcdGoesOnWithoutItsLeader() throws {
            for outcome in try run([Wanted(drill: "etcd-leader", code: 0)]) {
                #expect(Self.lost(outcome) == 0)
                #expect(outcome.at("ledgers", 0, "acknowledged")?.asInt ?? 0 > 100)
            }
        }

        /// Confirmed messages outlive the node that led their queue, and the node comes back to it.
        @Test(
            .enabled(
                if: has("rabbitmq-server", "erl_call")
                    && access("/usr/lib/python3/dist-packages/pika", R_OK) == 0))
        func rabbitGoesOnWithoutItsLeader() throws {
            for outcome in try run([Wanted(drill: "rabbitmq-leader", code: 0)]) {
                #expect(Self.lost(outcome) == 0)
                #expect(outcome.at("ledgers", 0, "acknowledged")?.asInt ?? 0 > 200)
                #expect(outcome.events("runbook-step").count == 4, "the lost node came back")
            }
        }
    }
}
