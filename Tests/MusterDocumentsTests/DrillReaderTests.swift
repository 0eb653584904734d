import MusterCore
import MusterDocuments
import MusterDrills
import Testing

@Suite struct DrillReaderTests {
    private let resources = DrillResources(
        port: { $0 == "redis" ? 7001 : 7002 }, scratch: { "/tmp/run" },
        environment: { ["TOKEN": "s3cret"][$0] },
        file: { _ in "file-secret" })

    @Test func everyWordOfTheExampleIsRead() throws {
        let text = try FixtureFiles.text("drills/redis-kill.yaml")
        let drill = try Catalogues.reader().read(text, resources: resources).drill
        #expect(drill.name == "redis-kill")
        #expect(drill.service == "sessions")
        #expect(drill.owner == "team-platform")
        #expect(drill.environment == .staging)
        #expect(drill.failureMode == "process-crash")
        #expect(drill.predict == Prediction(outage: .between(.milliseconds(100), .seconds(2)), lost: 0...0))
        #expect(drill.variables == ["persistence": "aof-always"])
        #expect(drill.objectives.rto == .seconds(2))
        #expect(drill.objectives.rpo == .zero)
        #expect(drill.objectives.strictIntegrity)
        #expect(drill.scratchSize == ByteCount(64 << 20))
        let fixture = try #require(drill.fixtures.first)
        #expect(
            fixture.run == [
                "redis-server", "drills/redis/aof-always.conf", "--port", "7001", "--dir", "/tmp/run",
            ])
        #expect(fixture.restart == .always(after: .milliseconds(200)))
        #expect(fixture.ready == .tcp("127.0.0.1:7001"))
        #expect(fixture.readyWithin == .seconds(5))
        #expect(fixture.environment == ["LANG": "C"])
        #expect(drill.targets["redis"]?.selector == .fixture("redis"))
        #expect(drill.targets["other"]?.selector == .process(.listening(6390)))
        #expect(drill.targets["other"]?.allow == ["irreversible"])
        #expect(drill.targets["here"]?.selector == .host)
        #expect((drill.probes.first?.probe as? TestRedis)?.url == "redis://127.0.0.1:7001")
        #expect(drill.probes.first?.setting.every == .milliseconds(10))
        #expect(drill.workloads.first?.setting.rate.perSecond == 500)
        #expect(drill.judgedBy == ["sessions", "ping"])
        #expect(drill.steady.p99 == .milliseconds(20))
        #expect(drill.recovered.within == .seconds(60))
        #expect(drill.abort.when == [AbortRule.Condition(probe: "ping", failing: .seconds(60))])
        #expect(drill.after.count == 1)
    }

    @Test func aRestoreIsReadWithWhatItPromises() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        func plan(_ more: String) throws -> RestorePlan? {
            let step = "  - { restore: r.md, source: [/backup/app], into: /srv/new\(more) }\n"
            let text = base.replacing("\nsteps:\n", with: "\nsteps:\n" + step)
            return try Catalogues.reader().read(text, resources: resources).drill.restores.first?.restore
        }
        #expect(try plan("") == RestorePlan(source: ["/backup/app"], into: "/srv/new", within: .seconds(600)))
        #expect(
            try plan(", maxAge: 24h, within: 30m")
                == RestorePlan(
                    source: ["/backup/app"], into: "/srv/new", maxAge: .seconds(86_400),
                    within: .seconds(1800)))
    }

    @Test func severalWorkloadsWithReplicasAndSamples() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        let text = base.replacing(
            "\njudgedBy:",
            with: """

                  others:
                    redis: "redis://127.0.0.1:1"
                    readback: ["redis://127.0.0.1:2", "redis://127.0.0.1:3"]
                    sample: { above: 5000, older: 299, recent: 10s }
                judgedBy:
                """
        ).replacing("rpo: 0s", with: "rpo: 0s, allowPostFaultLoss: true")
        let drill = try Catalogues.reader().read(text, resources: resources).drill
        #expect(drill.workloads.map(\.name) == ["writes", "others"])
        #expect(drill.workloads[0].setting.readback.isEmpty)
        #expect(drill.workloads[0].setting.sample == SampleSetting())
        let setting = drill.workloads[1].setting
        #expect(setting.readback == ["redis://127.0.0.1:2", "redis://127.0.0.1:3"])
        #expect(setting.sample.above == 5000 && setting.sample.older == 299)
        #expect(setting.sample.recent == .seconds(10))
        #expect(drill.objectives.allowPostFaultLoss == .allowed)
        #expect(
            try Catalogues.reader().read(base, resources: resources).drill.objectives.allowPostFaultLoss
                == .forbidden)
    }

    @Test func postFaultLossMayBeBoundedInTime() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        func read(_ word: String) -> (PostFaultLoss?, [FormProblem]) {
            let text = base.replacing("rpo: 0s", with: "rpo: 0s, allowPostFaultLoss: \(word)")
            let drill = try? Catalogues.reader().read(text, resources: resources).drill
            return (drill?.objectives.allowPostFaultLoss, Catalogues.reader().examine(text).errors)
        }
        #expect(read("3s").0 == .within(.seconds(3)))
        #expect(read("false").0 == .forbidden)
        #expect(read("0s").1.map(\.message) == ["found '0s', which allows nothing"])
        #expect(
            read("yes").1.map(\.expected)
                == ["true or false, or a duration with its unit, such as 250ms, 90s or 2m"])
        for word: PostFaultLoss in [.forbidden, .within(.milliseconds(1500)), .allowed] {
            #expect(try PostFaultLoss(node: FormNode(word.value)) == word)
        }
        // Without a recovery point there is nothing that it could allow for.
        let text = base.replacing("rpo: 0s", with: "integrity: strict, allowPostFaultLoss: 3s")
        #expect(
            Catalogues.reader().examine(text).warnings.map(\.message).contains(
                "'allowPostFaultLoss' bounds nothing: lost writes are not judged"))
    }

    @Test func stepsKeepTheirOrderAndNesting() throws {
        let text = try FixtureFiles.text("drills/redis-kill.yaml")
        let steps = try Catalogues.reader().read(text, resources: resources).drill.steps
        #expect(steps.count == 5)
        guard case .inject(let kill) = steps[0].action, case .wait(let wait) = steps[1].action,
            case .parallel(let both) = steps[2].action, case .lift("hang") = steps[3].action,
            case .runbook(let runbook) = steps[4].action, case .inject(let hang) = both[0].action
        else {
            Issue.record("\(steps)")
            return
        }
        #expect(kill.name == "crash" && kill.target == "redis" && kill.faultName == "process-kill")
        #expect((kill.fault as? TestKill)?.signal == .kill)
        #expect(wait == .seconds(1))
        #expect(hang.recovery == .after && hang.hold == .seconds(3) && both[0].at == .seconds(10))
        #expect(runbook == RunbookStep(path: "restart.md", variables: ["unit": "redis"]))
    }

    @Test func variablesAreSetFromOutside() throws {
        let text = try FixtureFiles.text("drills/redis-kill.yaml")
        let drill = try Catalogues.reader().read(text, setting: ["persistence": "rdb"], resources: resources)
            .drill
        #expect(drill.fixtures[0].run[1] == "drills/redis/rdb.conf")
        let wrong = Catalogues.reader().examine(
            text, setting: ["persistence": "rbd", "persistance": "x"], resources: resources)
        #expect(
            wrong.errors.map(\.nearest) == ["persistence", "rdb"]
                || wrong.errors.map(\.nearest) == ["rdb", "persistence"])
    }

    @Test func weakStabilityAndScriptedRunbookAreWarnings() throws {
        let text = try FixtureFiles.text("drills/redis-kill.yaml")
        let drill = try Catalogues.reader().read(text, resources: resources).drill
        #expect(drill.warnings.contains { $0.hasPrefix("weak stability") })
        #expect(drill.warnings.contains { $0.hasPrefix("detection not exercised") })
    }

    private func drill(probe: String, extra: String = "") -> String {
        """
        format: 1
        drill: web
        targets: { web: { process: { name: web } } }
        probes:
          web: { \(probe) }
        steps:
          - { inject: process-kill, into: web }
        abort: { after: 5m }
        \(extra)
        """
    }

    @Test func secretsAreReadOnlyWhereTheyAreNotStored() throws {
        let good = drill(probe: "http: \"http://h/\", headers: { Authorization: \"Bearer ${env:TOKEN}\" }")
        let read = try Catalogues.reader().read(good, resources: resources)
        #expect((read.drill.probes[0].probe as? TestHTTP)?.headers == ["Authorization": "Bearer s3cret"])
        #expect(read.secrets == ["s3cret"])
        let bad = Catalogues.reader().examine(
            drill(probe: "http: \"http://h/${env:TOKEN}\""), resources: resources)
        #expect(bad.errors.count == 1)
        #expect(bad.errors[0].message.contains("would be stored"))
        let url = Catalogues.reader().examine(
            drill(probe: "http: \"http://me:word@h/\""), resources: resources)
        #expect(url.errors.map(\.message) == ["a password inside a URL"])
        let noPassword = Catalogues.reader().examine(
            drill(probe: "http: \"http://me@h/a:b@c\""), resources: resources)
        #expect(noPassword.errors.isEmpty)
    }

    @Test func dollarsAreEscaped() throws {
        let text = drill(probe: "http: \"http://h/$${env:TOKEN}/$x/$5\"")
        let read = try Catalogues.reader().read(text, resources: resources)
        #expect((read.drill.probes[0].probe as? TestHTTP)?.url == "http://h/${env:TOKEN}/$x/$5")
    }

    @Test func valuesOfVariablesAreNotSyntax() throws {
        let text = drill(
            probe: "http: \"${url}\"",
            extra: "vars: { url: { default: \"x, status: 5 } # ${scratch}\" } }")
        let read = try Catalogues.reader().read(text, resources: resources)
        #expect((read.drill.probes[0].probe as? TestHTTP)?.url == "x, status: 5 } # ${scratch}")
    }

    @Test func servicesGiveObjectives() throws {
        let services = try Services(reading: try FixtureFiles.text("services.yaml"), now: 0)
        let text = drill(probe: "http: \"http://h/\"", extra: "service: web")
        let drill = try Catalogues.reader(services).read(text, resources: resources).drill
        #expect(drill.objectives.rto == .seconds(60))
        #expect(drill.objectives.source == "services.yaml: web")
        #expect(drill.owner == "team-web")
    }

    @Test func looseningNeedsSomebodysWord() throws {
        let services = try Services(reading: try FixtureFiles.text("services.yaml"), now: 0)
        func errors(_ objectives: String) -> [String] {
            Catalogues.reader(services).examine(
                drill(probe: "http: \"http://h/\"", extra: "service: web\nobjectives: \(objectives)")
            ).errors.map(\.message)
        }
        #expect(errors("{ rto: 30s }") == [])
        #expect(errors("{ rto: 90s }") == ["'rto' is looser than that of service 'web'"])
        #expect(
            errors("{ rto: 90s, loosened: { reason: r, approver: a, expires: 2027-03-31 } }") == [])
        #expect(
            errors("{ rto: 90s, loosened: { reason: r, approver: a, expires: 2020-03-31 } }")
                == ["the allowance for a looser 'rto' expired on 2020-03-31"])
        // 'web' has no recovery point that a split brain's loss could miss.
        #expect(errors("{ allowPostFaultLoss: true }") == [])
        #expect(errors("{ allowPostFaultLoss: 3s }") == [])
        let sessions = Catalogues.reader(services).examine(
            drill(
                probe: "http: \"http://h/\"",
                extra: "service: sessions\nobjectives: { allowPostFaultLoss: true }"))
        #expect(
            sessions.errors.map(\.message).contains(
                "'allowPostFaultLoss' is looser than that of service 'sessions'"))
    }

    /// What slows down needs a limit on how slow: on a probe that decides, or among the objectives.
    @Test(arguments: [
        ("objectives: { rto: 2s, rpo: 0s }", 1), ("objectives: { rpo: 0s }", 0),
        ("objectives: { rto: 2s, rpo: 0s, degradation: 3s }", 0),
        ("objectives: { rto: 2s, rpo: 0s, latency: { max: 1s, window: 5s } }", 0),
    ])
    func slownessNeedsALimit(_ objectives: String, _ count: Int) throws {
        let text = try FixtureFiles.text("drills/base.yaml")
            .replacing("objectives: { rto: 2s, rpo: 0s }", with: objectives)
            .replacing("inject: process-kill", with: "inject: cpu-burn")
            .replacing("with: { signal: KILL }", with: "recovery: despite")
        let errors = Catalogues.reader().examine(text).errors.map(\.message)
        #expect(
            errors.filter { $0 == "cpu-burn makes things slower, and only errors are looked at" }.count
                == count)
        #expect(errors.count == count)
        let limited = text.replacing("every: 10ms }", with: "every: 10ms, slow: 50ms }")
        #expect(Catalogues.reader().examine(limited).errors.isEmpty)
    }

    @Test func objectivesOverAWindow() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        let text = base.replacing(
            "rpo: 0s }",
            with: "availability: { min: 99.5%, window: 30s }, "
                + "latency: { quantile: 95%, max: 250ms, window: 20s }, degradation: 3s }")
        let objectives = try Catalogues.reader().read(text, resources: resources).drill.objectives
        #expect(
            objectives.availability
                == AvailabilityGoal(min: Percentage(millionths: 995_000), window: .seconds(30)))
        #expect(
            objectives.latency
                == LatencyGoal(
                    quantile: Percentage(millionths: 950_000), max: .milliseconds(250), window: .seconds(20)))
        #expect(objectives.degradation == .seconds(3))
        #expect(objectives.window == .seconds(30))
        // A fault that is lifted earlier would leave the rest of the window to a system without a fault.
        let held = text.replacing("inject: process-kill", with: "inject: process-pause")
            .replacing("with: { signal: KILL }", with: "recovery: despite\n    for: 33s")
            .replacing("window: 30s", with: "window: 34s")
        #expect(
            Catalogues.reader().examine(held).errors.map(\.message)
                == ["the fault is lifted before the window of an objective is over"])
    }

    @Test func theClockMayStartAtTheEffect() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        for (words, clock) in [("", InjectStep.Clock.injected), ("\n    clock: effective", .effective)] {
            let text = base.replacing("with: { signal: KILL }", with: "with: { signal: KILL }" + words)
            let step = try Catalogues.reader().read(text, resources: resources).drill.steps[0]
            guard case .inject(let inject) = step.action else {
                Issue.record("\(step)")
                continue
            }
            #expect(inject.clock == clock)
        }
    }

    @Test func aFaultThatEndsByItselfOutlastsItsHold() throws {
        let base = try FixtureFiles.text("drills/base.yaml")
        let deadlines = [
            ("recovery: after\n    for: 20m", Duration.seconds(1500)),
            ("recovery: despite", .seconds(600)),
            ("recovery: after\n    for: 3s\n    with: { deadline: 13s }", .seconds(13)),
        ]
        for (words, deadline) in deadlines {
            let text = base.replacing("inject: process-kill", with: "inject: net-partition")
                .replacing("with: { signal: KILL }", with: words)
            let step = try Catalogues.reader().read(text, resources: resources).drill.steps[0]
            guard case .inject(let inject) = step.action else {
                Issue.record("\(step)")
                continue
            }
            #expect((inject.fault as? TestCut)?.deadline == deadline, "\(words)")
        }
    }
}
