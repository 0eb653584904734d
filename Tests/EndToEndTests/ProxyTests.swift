import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndDrills {
    /// Drills through a fault proxy of their own, with nobody's privileges.
    @Suite struct Proxies {
        private static let isInstalled = Redis.isInstalled

        private struct Wanted {
            var drill: String
            var variables: [String] = []
            var code: Int32
            /// The objectives that it misses.
            var missed: [String] = []
        }

        /// All at once: each waits more than it works.
        private func run(_ all: [Wanted]) throws -> [(Wanted, Value)] {
            let runs = try all.map { wanted in
                let lab = try Lab()
                let variables = wanted.variables.flatMap { ["--var", $0] }
                return (wanted, lab, try lab.start(["run", "drills/\(wanted.drill).yaml"] + variables))
            }
            return try runs.map { wanted, lab, running in
                let answer = try running.end(within: .seconds(90))
                let what = "\(wanted.drill) \(wanted.variables)"
                // A machine that stood still for a moment makes a run inconclusive, and it says so.
                let stoodStill = answer.code == 3 && answer.output.contains("the instrument is suspect")
                #expect(answer.code == wanted.code || stoodStill, "\(what): \(answer.all)")
                let outcome = try lab.newestOutcome()
                #expect(outcome.events("effective").count == 1, "\(what): the effect is proven")
                if !stoodStill {
                    let missed = (outcome["objectives"]?.asList ?? []).filter { $0["result"] == "missed" }
                    #expect(missed.compactMap { $0["name"]?.asText } == wanted.missed, "\(what)")
                }
                try lab.expectNothingLeft("\(what)")
                return (wanted, outcome)
            }
        }

        @Test(.enabled(if: isInstalled)) func aSlowNetworkIsJudgedByHowLongAnswersTake() throws {
            let runs = try run([
                Wanted(drill: "redis-slow-network", code: 0),
                Wanted(
                    drill: "redis-slow-network", variables: ["latency=400ms"], code: 1, missed: ["latency"]),
            ])
            for (wanted, outcome) in runs {
                let proof = outcome.texts("effective").first ?? ""
                #expect(proof.contains("through the proxy") && proof.contains("without it"), "\(proof)")
                #expect(outcome.at("ledgers", 0, "lost") == 0, "\(wanted.variables)")
            }
        }

        private static let hasFront = (["/usr/sbin/haproxy", "/usr/bin/haproxy"] as [String]).contains {
            access($0, X_OK) == 0
        }

        /// With retries nobody sees the errors of a dependency; without them every fifth answer is one.
        @Test(.enabled(if: hasFront)) func retriesHoldAgainstADependencyThatFails() throws {
            let runs = try run([
                Wanted(drill: "http-errors", code: 0),
                Wanted(
                    drill: "http-errors", variables: ["retries=0"], code: 1, missed: ["rto", "availability"]),
            ])
            for (_, outcome) in runs {
                let proof = outcome.texts("effective").first ?? ""
                #expect(proof.contains("status 503"), "\(proof)")
                #expect(outcome.at("ledgers", 0, "lost") == 0)
            }
        }

        @Test(.enabled(if: isInstalled)) func clientsComeBackAfterACut() throws {
            for (_, outcome) in try run([Wanted(drill: "redis-proxy-cut", code: 0)]) {
                #expect(outcome.texts("effective") == ["the connection was refused"])
                #expect(outcome.at("ledgers", 0, "lost") == 0)
            }
        }

        private static let hasTLS =
            hasFront && access("/usr/bin/openssl", X_OK) == 0 && access("/usr/bin/curl", X_OK) == 0

        /// A client that looks at certificates refuses each of the bad ones; one that does not goes on with any.
        @Test(.enabled(if: hasTLS)) func badCertificatesAreRefusedByWhoLooksAtThem() throws {
            let runs = try run([
                Wanted(drill: "tls-certificate", code: 0),
                Wanted(drill: "tls-certificate", variables: ["kind=unknownIssuer"], code: 0),
                Wanted(
                    drill: "tls-certificate", variables: ["verify=none"], code: 1,
                    missed: ["rto", "availability"]),
            ])
            for (wanted, outcome) in runs {
                let isKnown = wanted.variables != ["kind=unknownIssuer"]
                let proof = outcome.texts("effective").first ?? ""
                #expect(proof.contains(isKnown ? "expired on" : "another authority"), "\(proof)")
                let failures = outcome.texts("first-failure")
                // Who takes it is answered all the time; the probe that looks sees it either way.
                let isTaken = wanted.variables == ["verify=none"]
                #expect(failures.contains { $0.contains("'certificate'") }, "\(failures)")
                #expect(isTaken || failures.contains { $0.contains("'answers'") }, "\(failures)")
                #expect(failures.contains { $0.contains("'refusal'") } == isTaken, "\(failures)")
            }
        }

        private static let runbooks = [
            "redis-slow-network": "redis-slow", "redis-proxy-cut": "redis-unreachable",
            "http-errors": "dependency-fails", "tls-certificate": "certificate-refused",
        ]

        /// The commands of the runbooks hold on the systems that they are about, and a drill that passes proves them.
        @Test(.enabled(if: isInstalled && hasTLS)) func theRunbooksOfTheseDrillsCanBeFollowed() throws {
            let runs = try Self.runbooks.map { drill, runbook in
                let lab = try Lab()
                return (lab, runbook, try lab.start(["run", "drills/\(drill).yaml"]))
            }
            for (lab, runbook, running) in runs {
                let answer = try running.end(within: .seconds(90))
                let outcome = try lab.newestOutcome()
                let taken = outcome.events("runbook-step")
                #expect(
                    taken.count >= 3 && taken.allSatisfy { $0.at("detail", "ok") == true }, "\(answer.all)")
                let status = try lab.json("runbook", "status", "\(runbook).md")
                let state = outcome["verdict"] == "pass" ? "VERIFIED" : "NEVER"
                #expect(status.at(0, "state") == .text(state), "\(status) \(answer.all)")
                try lab.expectNothingLeft()
            }
        }

        /// The proxy is a child of the guard's supervisor: it goes on without an engine, until it is undone.
        @Test func aProxyWithAToxicGoesWithItsDrill() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.throughProxy, to: "drills/short.yaml")
            let running = try lab.start(["run", "drills/short.yaml", "--lease", "400ms"])
            try running.waits(for: " hit '")
            #expect(lab.leftoversInWords().contains("muster-net proxy"), "\(lab.leftoversInWords())")
            try running.child.kill()
            _ = try running.child.wait(for: .seconds(60))
            #expect(lab.eventually { lab.leftovers().isEmpty } != nil, "\(lab.leftoversInWords())")
            let undo = try lab.muster("undo")
            #expect(undo.code == 0, "\(undo.all)")
            try lab.expectNothingLeft()
        }

        /// Who resets a proxy ends the fault that is on it: what was well then was not so despite it.
        @Test func aFaultThatSomebodyEndedProvesNothing() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.slowNetwork(for: "15s"), to: "drills/short.yaml")
            let running = try lab.start(["run", "drills/short.yaml"])
            try running.waits(for: "through the proxy")
            try lab.shell(
                "curl --silent --fail --unix-socket \(lab.state)/*.api -X POST http://localhost/reset")
            let answer = try running.end(within: .seconds(90))
            #expect(answer.code == 3, "\(answer.all)")
            let outcome = try lab.newestOutcome()
            let ends = outcome.texts("ended-early")
            #expect(ends.count == 1 && ends[0].contains("'slow' was over before it was lifted"), "\(ends)")
            #expect(answer.output.contains("the fault 'slow' did not last"), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aPortThatIsTakenIsToldByTheProxyItself() throws {
            let lab = try Lab()
            let text = ShortDrill.throughProxy.replacing("${port:net}", with: "${port:kv}")
            try lab.write(text, to: "drills/short.yaml")
            let answer = try lab.muster("run", "drills/short.yaml")
            #expect(answer.code != 0 && answer.all.contains("address already in use"), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        @Test func aProxyThatIsNotThereRefusesThePlan() throws {
            let lab = try Lab()
            let text = ShortDrill.throughProxy.replacing(
                "{ proxy: { fixture: net } }",
                with: "{ proxy: { name: redis, api: \"unix:\(lab.directory)/none\" } }")
            try lab.write(text, to: "drills/short.yaml")
            let answer = try lab.muster("plan", "drills/short.yaml")
            #expect(answer.code == 7, "\(answer.all)")
            #expect(answer.output.contains("no fault proxy answers at unix:"), "\(answer.all)")
            #expect(answer.output.contains("start one with `muster proxy`"), "\(answer.all)")
        }
    }
}
