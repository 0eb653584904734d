import MusterCore
import MusterDocuments
import MusterDrills
import Testing

@Suite struct ServicesTests {
    private func errors(_ text: String, now: Int64 = 0) -> [String] {
        do {
            _ = try Services(reading: text, now: now)
            return []
        } catch {
            return (error as? FormProblems)?.problems.map(\.message) ?? ["\(error)"]
        }
    }

    @Test func servicesInheritFromTheirTier() throws {
        let services = try Services(reading: try FixtureFiles.text("services.yaml"), now: 0)
        let web = try #require(services["web"])
        #expect(web.rto == .seconds(60) && web.mtd == .seconds(1800) && web.owner == "team-web")
        #expect(services["sessions"]?.strictIntegrity == true)
        #expect(
            services.requirements == [
                CoverageRequirement(
                    service: "web", failureMode: "process-crash", verifyEvery: .seconds(7_776_000)),
                CoverageRequirement(
                    service: "web", failureMode: "power-loss", verifyEvery: .seconds(7_776_000), scope: .host),
                CoverageRequirement(service: "sessions", verifyEvery: .seconds(7_776_000)),
            ])
    }

    @Test func detectionIsInheritedWhereAlertsAreExpected() throws {
        let head = "format: 1\ntiers: { gold: { detect: 60s } }\nservices:\n"
        let services = try Services(reading: head + "  a: { tier: gold }", now: 0)
        #expect(services["a"]?.detect == .seconds(60))
        #expect(errors(head + "  a: { tier: gold, detect: 30s }") == [])
        #expect(
            errors(head + "  a: { tier: gold, detect: 90s }") == [
                "'detect' is looser than that of tier 'gold'"
            ])
        let drill = """
            format: 1
            drill: noticed
            service: a
            owner: o
            objectives: { rto: 2s%@ }
            fixtures: { kv: { run: [kv] } }
            targets: { kv: { fixture: kv } }
            probes: { ping: { redis: "redis://127.0.0.1:1", every: 10ms } }
            steps:
              - { inject: process-kill, into: kv }
            abort: { after: 10m }

            """
        let alerts = """
            alertSources: { prom: { prometheus: "http://127.0.0.1:9" } }
            alerts: { down: { from: prom, labels: { alertname: Down } } }

            """
        func detect(_ own: String, _ more: String) -> (Duration?, [String]) {
            let found = Catalogues.reader(services).examine(drill.replacing("%@", with: own) + more)
            return (found.drill?.objectives.detect, found.errors.map(\.message))
        }
        #expect(detect("", alerts) == (.seconds(60), []))
        #expect(detect(", detect: 10s", alerts) == (.seconds(10), []))
        #expect(detect(", detect: 2m", alerts).1 == ["'detect' is looser than that of service 'a'"])
        // Who expects no alert cannot say whether one came.
        #expect(detect("", "") == (nil, []))
    }

    @Test func contradictionsAreRefused() {
        let head = "format: 1\ntiers: { gold: { rto: 60s } }\nservices:\n"
        #expect(errors(head + "  a: { tier: gld }") == ["unknown tier 'gld'"])
        #expect(
            errors(head + "  a: { rto: 2h, mtd: 1h }") == [
                "the RTO is longer than the maximum tolerable downtime"
            ])
        #expect(errors(head + "  a: { dependsOn: [b] }") == ["unknown service 'b'"])
        #expect(errors(head + "  a: { rto: 1s, dependsOn: [b] }\n  b: { tier: gold }").count == 1)
        #expect(
            errors(head + "  a: { tier: gold, rto: 90s }") == ["'rto' is looser than that of tier 'gold'"])
        let word = "loosened: { reason: r, approver: a, expires: 2026-11-23 }"
        let lastDay: Int64 = 1_795_478_399_000_000_000
        #expect(errors(head + "  a: { tier: gold, rto: 90s, \(word) }", now: lastDay) == [])
        #expect(
            errors(head + "  a: { tier: gold, rto: 90s, \(word) }", now: lastDay + 1_000_000_000).count == 1)
        #expect(errors(head + "  a: { tier: gold, rto: 30s }") == [])
    }

    /// false < 1s < 3s < true; what is left out is false where there is a recovery point.
    @Test func whatMayBeLostAfterAFaultIsInherited() throws {
        let head =
            "format: 1\ntiers: { gold: { rpo: 4s, allowPostFaultLoss: 3s }, iron: { rpo: 0s } }\nservices:\n"
        let services = try Services(
            reading: head + "  a: { tier: gold }\n  b: { tier: iron }\n  c: {}", now: 0)
        #expect(services["a"]?.allowPostFaultLoss == .within(.seconds(3)))
        #expect(services["b"]?.allowPostFaultLoss == .forbidden)
        #expect(services["c"]?.allowPostFaultLoss == nil)
        func looser(_ tier: String, _ word: String) -> Bool {
            let found = errors(head + "  a: { tier: \(tier), allowPostFaultLoss: \(word) }")
            #expect(found.isEmpty || found == ["'allowPostFaultLoss' is looser than that of tier '\(tier)'"])
            return !found.isEmpty
        }
        #expect(!looser("gold", "false") && !looser("gold", "1s") && !looser("gold", "3s"))
        #expect(looser("gold", "4s") && looser("gold", "true"))
        #expect(!looser("iron", "false") && looser("iron", "1s") && looser("iron", "true"))

        func drill(_ service: String, _ objectives: String) -> DrillExamination {
            Catalogues.reader(services).examine(
                """
                format: 1
                drill: apart
                service: \(service)
                objectives: { \(objectives) }
                owner: o
                fixtures: { kv: { run: [kv] } }
                targets: { kv: { fixture: kv } }
                probes: { ping: { redis: "redis://127.0.0.1:1", every: 10ms } }
                workloads: { writes: { redis: "redis://127.0.0.1:1" } }
                steps:
                  - { inject: process-kill, into: kv }
                abort: { after: 10m }

                """)
        }
        #expect(drill("a", "integrity: strict").drill?.objectives.allowPostFaultLoss == .within(.seconds(3)))
        #expect(
            drill("a", "allowPostFaultLoss: 1s").drill?.objectives.allowPostFaultLoss == .within(.seconds(1)))
        #expect(drill("c", "rpo: 1s").drill?.objectives.allowPostFaultLoss == .forbidden)
        let wanted = ["'allowPostFaultLoss' is looser than that of service 'a'"]
        #expect(drill("a", "allowPostFaultLoss: 4s").errors.map(\.message) == wanted)
        #expect(drill("a", "allowPostFaultLoss: true").errors.map(\.message) == wanted)
    }

    @Test func availabilityOverALongTimeIsAnErrorBudget() throws {
        let tier = "format: 1\ntiers: { gold: { availability: { min: 99.9%, window: 30d } } }\nservices:\n"
        let services = try Services(reading: tier + "  a: { tier: gold }", now: 0)
        #expect(services["a"]?.availability?.budget == .seconds(2592))
        #expect(errors(tier + "  a: { tier: gold, availability: { min: 99.95%, window: 7d } }") == [])
        #expect(
            errors(tier + "  a: { tier: gold, availability: { min: 99.8%, window: 7d } }")
                == ["'availability' is looser than that of tier 'gold'"])
    }
}
