import MusterCore

@testable import MusterDrills

/// A run of the tests: a fault at 5 s, down until 7.2 s, observed until whenever a test says.
struct GivenBoard {
    var board: RunBoard

    static let utc: Int64 = 1_800_000_000_000_000_000

    static func plan(isHeld: Bool = false) -> RunPlan {
        var plan = RunPlan(stable: .seconds(5), abortAfter: .seconds(60))
        plan.rto = .seconds(10)
        plan.rpo = .zero
        plan.guards = [RunPlan.Guard(probe: "health", failing: .seconds(8))]
        plan.signals = [
            RunPlan.Signal(name: "health", timeout: .milliseconds(500), isRuling: true),
            RunPlan.Signal(name: "writes", timeout: .seconds(1), isRuling: true),
        ]
        plan.steps = [
            RunPlan.Step(.inject, name: "crash", detail: "process-kill into kv", countsFromLift: isHeld),
            RunPlan.Step(.wait, length: .seconds(1)),
            RunPlan.Step(
                .runbook, name: "by-hand.md",
                steps: [
                    RunPlan.RunbookStep(name: "look", kind: "manual", budget: .seconds(900), role: "ic"),
                    RunPlan.RunbookStep(name: "start", kind: "command", budget: .seconds(30)),
                ]),
        ]
        return plan
    }

    init(drill: String = "short-kill", isHeld: Bool = false) {
        board = RunBoard(
            RunBoard.Run(
                number: 12, id: "01JD8Q6Z5W4R8T2M1N0P9XCVBA", drill: drill, environment: "lab",
                service: "kv", host: "laptop", startedAt: at(0), startedUTC: Self.utc, engine: 4711))
        board.apply(event(.runStarted, 0, detail: Self.plan(isHeld: isHeld).value))
        board.apply(event(.steady, 2000, "steady for 300 ms"))
        board.apply(event(.workloadStarted, 2000, subject: "writes"))
    }

    func event(
        _ kind: Event.Kind, _ time: Double, _ text: String = "it happened", subject: String = "",
        bracket: Bracket? = nil, actor: String = "muster", detail: Value = .null
    ) -> Event {
        Event(
            kind, at: at(time), utc: Self.utc + Int64(time * 1e6), bracket: bracket, subject: subject,
            actor: actor, text: text, detail: detail)
    }

    mutating func strike() {
        board.apply(event(.injecting, 4999, "injecting process-kill", subject: "crash"))
        board.apply(
            event(
                .injected, 5001, "process-kill hit 'kv'", subject: "crash", bracket: bracket(5000, 5000.2)))
        board.apply(event(.effective, 5002, "the process is gone", subject: "crash"))
    }

    /// Samples of the probe, in the order in which they were over.
    mutating func see(_ seen: Seen) {
        board.apply(
            seen.signal.samples.sorted { $0.finished < $1.finished }, of: seen.signal.name,
            writer: seen.signal.writer)
    }

    mutating func pulse(_ time: Double, _ phase: DrillRunner.Phase, badSince: Double? = nil) {
        board.apply(
            RunPulse(
                at: at(time), phase: phase.rawValue,
                signals: ["health", "writes"].map {
                    RunPulse.Signal(
                        name: $0, ok: 100, failed: 3, badSince: badSince.map(at), isGood: badSince == nil)
                },
                workloads: [
                    RunPulse.Workload(
                        name: "writes", acknowledged: 1204, inDoubt: 3, refused: 7,
                        lastAcknowledged: at(time - 50))
                ]))
    }

    /// As it stands `time` after the start.
    func scene(_ time: Double) -> BoardScene {
        var scene = BoardScene(
            now: at(time), utc: Self.utc + Int64(time * 1e6), zoneOffset: 3600, zone: "Europe/Berlin")
        scene.board = board
        return scene
    }

    static func question(_ step: String = "look", role: String? = "ic", ask: String? = "ticket") -> Question {
        Question(
            number: 7, run: "01JD8Q6Z5W4R8T2M1N0P9XCVBA", runbook: "by-hand.md", step: step,
            text: "Look at the service.\nIs it really gone?", role: role, ask: ask, expected: .seconds(60),
            limit: .seconds(900), shown: at(6500), shownUTC: utc)
    }
}
