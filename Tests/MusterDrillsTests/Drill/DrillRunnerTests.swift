import MusterCore
import MusterDrills
import Testing

/// A fault that exists only to be named; the runner never looks inside.
struct Named: Fault {
    var held = false
    static let form = Form(
        "named", "For tests.", blank: Named(), fields: [Field<Named>("held", \.held, default: false, "Held.")]
    )
    static let targets: Set<Target.Kind> = [.host]
    var persistence: Persistence { held ? .held : .instant }
    static func readiness(on host: any HostReader) -> Readiness { .ready("test") }
    func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        UndoPlan(facts: [], touches: [])
    }
    func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {}
    func effect(on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader) throws
        -> Effect
    {
        .proven("test")
    }
}

/// Drives a runner by hand: answers its effects, moves time, and keeps what it asked for.
struct Stage {
    var runner: DrillRunner
    var now = Instant(nanoseconds: 1_000_000_000)
    var asked: [String] = []
    /// When each signal became good; nil: bad.
    var good: [String: Instant?] = [:]
    /// Inputs that would answer an effect are held back for these names.
    var silent: Set<String> = []
    /// Injections whose effect is not seen at once.
    var effectless: Set<String> = []
    var isUndoSettled = true
    var alerts = DrillRunner.AlertState()
    /// What becomes of reading the datasets.
    var dataProblem: String?

    init(
        _ drill: Drill, faultPhase: Duration = .zero, silent: Set<String> = [], dataProblem: String? = nil
    ) {
        self.silent = silent
        self.dataProblem = dataProblem
        runner = DrillRunner(drill, faultPhase: faultPhase)
        feed(.begin)
    }

    mutating func down(_ names: String...) { for name in names { good.updateValue(nil, forKey: name) } }

    mutating func feed(_ input: DrillRunner.Input) {
        for effect in runner.handle(input, at: now) { answer(effect) }
    }

    mutating func answer(_ effect: DrillRunner.Effect) {
        let bracket = Bracket(now, now)
        switch effect {
        case .startFixture(let fixture):
            asked.append("fixture \(fixture.name)")
            feed(.fixtureReady(fixture.name))
        case .prepareData:
            asked.append("data")
            guard !silent.contains("data") else { return }
            feed(.dataPrepared(problem: dataProblem))
        case .startProbes:
            asked.append("probes")
            good["ping"] = now
        case .startWorkloads:
            asked.append("workloads")
            good["writes"] = now
        case .inject(let step):
            asked.append("inject \(step.name)")
            guard !silent.contains(step.name) else { return }
            feed(.injected(step.name, bracket))
            guard !effectless.contains(step.name) else { return }
            feed(.effect(step.name, bracket))
        case .lift(let name):
            asked.append("lift \(name)")
            feed(.lifted(name, bracket, settled: true))
        case .runRunbook(let index, let step):
            asked.append("runbook \(step.path)")
            guard !silent.contains(step.path) else { return }
            feed(.runbookFinished(index, succeeded: true, text: ""))
        case .cancelRunbooks: asked.append("cancel")
        case .stopWriters:
            asked.append("stop")
            feed(.writersStopped)
        case .readBack:
            asked.append("read back")
            feed(.readBackDone)
        case .undoInjections(let recovered):
            asked.append(recovered ? "undo recovered" : "undo")
            feed(.undone(settled: isUndoSettled))
        case .takeDownFixtures:
            asked.append("down")
            feed(.fixturesDown(settled: true))
        case .record(let kind, let subject, _, _, _):
            if [.firstFailure, .abort, .deadlinePassed, .notSteadyAgain, .guardLost].contains(kind) {
                asked.append("\(kind.rawValue)\(subject.isEmpty ? "" : " " + subject)")
            }
        case .finish: asked.append("finish")
        }
    }

    /// Ten looks a second for `duration`.
    mutating func watch(for duration: Duration) {
        let end = now + duration
        while now < end, runner.phase != .finished {
            now = now + .milliseconds(100)
            look()
        }
    }

    mutating func look() {
        feed(
            .observed(
                .init(
                    signals: good.sorted { $0.key < $1.key }.map { name, since in
                        .init(
                            name: name, goodSince: since,
                            badSince: since == nil ? now - .milliseconds(50) : nil)
                    }, alerts: alerts)))
    }
}

@Suite struct DrillRunnerTests {
    static func drill(_ steps: [Step], after: [Step] = []) -> Drill {
        var drill = Drill(name: "test")
        drill.fixtures = [Fixture(name: "server", run: ["server"])]
        struct Probing: Probe {
            var address = ""
            static let form = Form(
                "p", "", blank: Probing(), fields: [Field<Probing>("p", \.address, default: "", "")])
        }
        struct Writing: Workload {
            var address = ""
            static let form = Form(
                "w", "", blank: Writing(), fields: [Field<Writing>("w", \.address, default: "", "")])
        }
        drill.probes = [DrillProbe(name: "ping", kind: "p", probe: Probing(), setting: ProbeSetting())]
        drill.workloads = [
            DrillWorkload(name: "writes", kind: "w", workload: Writing(), setting: WorkloadSetting())
        ]
        drill.objectives.rto = .seconds(2)
        drill.recovered.stable = .seconds(3)
        drill.steps = steps
        drill.after = after
        return drill
    }

    static func inject(
        _ name: String, held: Bool = false, hold: Duration? = nil, _ recovery: InjectStep.Recovery? = nil
    )
        -> Step
    {
        Step(
            .inject(
                InjectStep(
                    name: name, faultName: "named", fault: Named(held: held), target: "t", hold: hold,
                    recovery: recovery)))
    }

    @Test func aDrillGoesItsWayInOrder() {
        var stage = Stage(
            Self.drill([Self.inject("crash")], after: [Step(.runbook(RunbookStep(path: "rejoin.md")))]))
        #expect(stage.asked == ["fixture server", "probes"])
        stage.watch(for: .seconds(5))
        #expect(stage.asked.suffix(2) == ["workloads", "inject crash"])
        stage.down("ping", "writes")
        stage.watch(for: .seconds(1))
        stage.good = ["ping": stage.now, "writes": stage.now]
        stage.watch(for: .seconds(10))
        #expect(
            stage.asked.dropFirst(4) == [
                "first-failure ping", "first-failure writes", "runbook rejoin.md", "stop", "read back",
                "undo recovered", "down", "finish",
            ])
        #expect(stage.runner.failure == nil && stage.runner.abortReason == nil)
    }

    @Test func withoutAnOutageItWatchesForTheObjectiveAndTheWindow() {
        var stage = Stage(Self.drill([Self.inject("crash")]))
        stage.watch(for: .milliseconds(3100))
        #expect(stage.asked.last == "inject crash")
        let injected = stage.now
        stage.watch(for: .milliseconds(4700))
        #expect(stage.asked.last == "inject crash", "RTO 2 s and window 3 s are not over yet")
        stage.watch(for: .seconds(5))
        #expect(stage.runner.phase == .finished)
        #expect(stage.now - injected >= .milliseconds(4900))
    }

    @Test func neverRecoveredEndsAtTheDeadlineAndIsUndone() {
        var stage = Stage(Self.drill([Self.inject("crash")]))
        stage.watch(for: .seconds(4))
        stage.down("ping", "writes")
        stage.watch(for: .milliseconds(9500))
        #expect(stage.asked.contains("deadline-passed"), "3 × 2 s + 3 s are over")
        #expect(stage.asked.contains("undo") && !stage.asked.contains("undo recovered"))
        stage.watch(for: .seconds(60))
        #expect(stage.asked.suffix(3) == ["not-steady-again", "down", "finish"])
        #expect(!stage.runner.isUndoSettled)
    }

    @Test func abortUndoesFirstAndGoesOnMeasuring() {
        var stage = Stage(
            Self.drill([Self.inject("pause", held: true, .despite), Step(.wait(.seconds(60)))]))
        stage.watch(for: .seconds(4))
        stage.down("ping")
        stage.feed(.abort("asked"))
        #expect(stage.asked.suffix(3) == ["abort", "cancel", "undo"])
        #expect(stage.runner.phase == .recovering)
        stage.feed(.abort("asked again"))
        #expect(stage.runner.abortReason == "asked", "the first reason wins")
        stage.watch(for: .seconds(1))
        stage.good["ping"] = stage.now
        stage.watch(for: .seconds(20))
        #expect(stage.asked.suffix(4) == ["read back", "undo recovered", "down", "finish"])
    }

    @Test func abortBeforeTheFirstInjectionInjectsNothing() {
        var stage = Stage(Self.drill([Self.inject("crash")]))
        stage.watch(for: .seconds(1))
        stage.feed(.abort("asked"))
        stage.watch(for: .seconds(20))
        #expect(!stage.asked.contains("inject crash"))
        #expect(stage.asked.last == "finish")
    }

    @Test func anInjectionThatFailsIsUndoneAsWell() {
        var stage = Stage(Self.drill([Self.inject("crash")]))
        stage.silent = ["crash"]
        stage.watch(for: .seconds(4))
        #expect(stage.asked.last == "inject crash")
        stage.feed(.injectFailed("crash", "no such process"))
        #expect(stage.asked.contains("undo"))
        #expect(stage.runner.failure?.contains("no such process") == true)
        stage.watch(for: .seconds(60))
        #expect(stage.runner.phase == .finished)
    }

    /// The injection and the abort crossed: the undo found nothing that was open yet.
    @Test func aFaultThatStrikesAfterTheUndoOfAnAbortIsLifted() {
        var stage = Stage(Self.drill([Self.inject("hang", held: true, hold: .seconds(60), .after)]))
        stage.silent = ["hang"]
        stage.watch(for: .seconds(4))
        #expect(stage.asked.last == "inject hang")
        stage.feed(.abort("Ctrl-C"))
        #expect(stage.asked.last == "undo")
        stage.feed(.injected("hang", Bracket(stage.now, stage.now)))
        #expect(stage.asked.last == "lift hang" && stage.runner.open.isEmpty)
        stage.watch(for: .seconds(60))
        #expect(stage.runner.phase == .finished && stage.runner.isUndoSettled)
    }

    @Test func aLiftThatFailedIsMadeGoodByTheUndo() {
        var stage = Stage(Self.drill([Self.inject("hang", held: true, .despite)]))
        stage.watch(for: .seconds(4))
        stage.feed(.lifted("hang", Bracket(stage.now, stage.now), settled: false))
        #expect(!stage.runner.isUndoSettled)
        stage.watch(for: .seconds(60))
        #expect(stage.runner.phase == .finished && stage.runner.isUndoSettled)
    }

    @Test func aLostGuardTakesItsFixturesWithItSoNothingIsMeasuredOrReadBack() {
        let held = Self.inject("hang", held: true, hold: .seconds(60), .after)
        var stage = Stage(Self.drill([held]))
        stage.watch(for: .seconds(4))
        stage.feed(.guardLost("end of output"))
        #expect(stage.runner.phase == .finished)
        #expect(stage.asked.suffix(4) == ["stop", "read back", "down", "finish"])
        #expect(stage.runner.isUndoSettled)
    }

    @Test func theJournalAfterALostGuardCountsMoreThanAnUndoThatFailedWithIt() {
        var stage = Stage(Self.drill([Self.inject("hang", held: true, hold: .seconds(60), .after)]))
        stage.watch(for: .seconds(4))
        stage.isUndoSettled = false
        stage.feed(.abort("the guard puts everything back"))
        #expect(stage.runner.phase == .recovering && !stage.runner.isUndoSettled)
        stage.feed(.guardLost("end of output"))
        #expect(stage.runner.phase == .finished)
        #expect(stage.runner.isUndoSettled)
    }

    @Test func aHeldFaultThatNobodyCanLiftDoesNotHoldUpTheEnd() {
        var drill = Self.drill([Self.inject("hang", held: true, hold: .seconds(60), .after)])
        drill.fixtures = []
        drill.targets = [:]
        var stage = Stage(drill)
        stage.watch(for: .seconds(4))
        stage.down("ping", "writes")
        stage.feed(.guardLost("end of output"))
        stage.watch(for: .seconds(30))
        #expect(stage.runner.phase == .finished)
        #expect(stage.asked.contains("deadline-passed"))
    }

    @Test func aLostGuardIsNotAskedForAnUndo() {
        var drill = Self.drill([Self.inject("crash")])
        drill.fixtures = []
        var stage = Stage(drill)
        stage.watch(for: .seconds(4))
        stage.feed(.guardLost("end of output"))
        #expect(stage.runner.phase == .recovering)
        stage.watch(for: .seconds(30))
        #expect(!stage.asked.contains("undo") && !stage.asked.contains("undo recovered"))
        #expect(stage.asked.suffix(2) == ["down", "finish"])
    }

    @Test func aLostGuardDoesNotLeaveTheRunWaitingForALift() {
        for hold in [Duration.seconds(3), nil] {
            var stage = Stage(
                Self.drill([Self.inject("pause", held: true, hold: hold, .after), Step(.wait(.seconds(9)))]))
            stage.watch(for: .seconds(4))
            stage.down("ping", "writes")
            stage.feed(.guardLost("end of output"))
            stage.watch(for: .seconds(30))
            #expect(stage.runner.phase == .finished)
            #expect(!stage.asked.contains("lift pause"))
        }
    }

    @Test func aHeldFaultIsLiftedByItselfAndRecoveryAfterCountsFromThere() {
        var stage = Stage(Self.drill([Self.inject("cut", held: true, hold: .seconds(4), .after)]))
        stage.watch(for: .milliseconds(3100))
        let injected = stage.now
        stage.down("ping")
        stage.watch(for: .milliseconds(4100))
        #expect(stage.asked.last == "lift cut")
        stage.good["ping"] = stage.now
        stage.watch(for: .seconds(20))
        #expect(stage.runner.phase == .finished)
        #expect(stage.now - injected >= .seconds(7), "four seconds held and three stable")
    }

    @Test func aHeldFaultWithoutALiftIsLiftedAtTheEndOfTheSteps() {
        var stage = Stage(
            Self.drill([
                Self.inject("cut", held: true, .after), Step(.wait(.seconds(1))), Step(.wait(.seconds(1))),
            ]))
        stage.watch(for: .milliseconds(4900))
        #expect(stage.asked.last == "inject cut")
        stage.watch(for: .milliseconds(400))
        #expect(stage.asked.last == "lift cut")
    }

    @Test func parallelStepsStartTogetherAndAtWaits() {
        var stage = Stage(
            Self.drill([
                Self.inject("first"),
                Step(.parallel([Self.inject("second"), Step(.runbook(RunbookStep(path: "a.md")))])),
                Step(.runbook(RunbookStep(path: "late.md")), at: .seconds(2)),
            ]))
        stage.silent = ["a.md"]
        stage.watch(for: .milliseconds(3200))
        #expect(stage.asked.suffix(3) == ["inject first", "inject second", "runbook a.md"])
        stage.watch(for: .seconds(3))
        #expect(stage.asked.last == "runbook a.md", "the parallel step is not over")
        stage.feed(.runbookFinished(0, succeeded: true, text: ""))
        #expect(stage.asked.last == "runbook late.md")
    }

    @Test func abortConditionsAndTheOverallLimit() {
        var drill = Self.drill([Self.inject("crash")])
        drill.recovered.within = .seconds(600)
        drill.abort.when = [.init(probe: "ping", failing: .seconds(1))]
        var stage = Stage(drill)
        stage.watch(for: .milliseconds(3200))
        stage.down("ping")
        // The stage reports an outage of 50 ms at each look: not long enough.
        stage.watch(for: .seconds(2))
        #expect(stage.runner.abortReason == nil)
        let since = stage.now - .seconds(1)
        stage.feed(.observed(.init(signals: [.init(name: "ping", goodSince: nil, badSince: since)])))
        #expect(stage.runner.abortReason?.contains("ping") == true)

        drill.abort = AbortRule()
        drill.abort.after = .seconds(10)
        var slow = Stage(drill)
        slow.watch(for: .milliseconds(3200))
        slow.down("ping")
        slow.watch(for: .seconds(7))
        #expect(slow.runner.abortReason?.contains("abort.after") == true)
    }

    @Test func notSteadyMeansNothingIsBroken() {
        var stage = Stage(Self.drill([Self.inject("crash")]))
        stage.down("ping")
        stage.watch(for: .seconds(40))
        #expect(!stage.asked.contains("inject crash"))
        #expect(stage.runner.failure?.contains("steady") == true)
        #expect(stage.asked.last == "finish")
    }
}
