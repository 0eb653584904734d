import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// One run of a runbook by itself, begun or resumed, from its first order to its last line.
final class RunbookSession {
    private let file: ProjectRunbook
    private let variables: RunbookVariables
    private let people: RunbookPeople
    private let isJSON: Bool
    private var view: RunbookView?

    init(file: ProjectRunbook, variables: RunbookVariables, people: RunbookPeople, json: Bool) {
        self.file = file
        self.variables = variables
        self.people = people
        isJSON = json
    }

    func ask(_ question: [String]?) { view?.ask(question) }

    /// What is known of the run beside its turns.
    struct Known {
        var number: Int
        var startedAtUTC: Int64
        /// Whether an earlier process began it.
        var isResumed = false
        /// The last run that another one can be set against.
        var last: RecordedRunbookRun?
    }

    /// - Parameter changed: turns of a resumed run that are saved anew first.
    func carryOut(
        _ machine: RunbookMachine, _ asker: any RunbookAsker, _ store: RunbookStore, _ known: Known,
        changed: [RunbookTurn]
    ) throws -> Status {
        let latch = StopLatch()
        try store.save(changed)
        let view = RunbookView(
            file.runbook, last: known.last, before: known.isResumed ? age(known) : .zero,
            on: isJSON ? nil : try Screen())
        self.view = view
        view.title(
            "\(file.runbook.title)  run #\(known.number) · \(file.key)"
                + (known.isResumed ? " · resumed" : ""))
        let execution = RunbookExecution(
            keeper: RecordedRunbook(store: store, view: view), asker: asker,
            environment: Runbooks.environment(variables, run: store.run), directory: file.directory,
            secrets: variables.secrets, stop: { latch.reason })
        let result = execution.run(machine)
        let elapsed = known.isResumed ? age(known) : result.total
        var notKept: String?
        do { try store.finish(result) } catch { notKept = RunbookText.words(error) }
        view.end()
        // Said once: what kept the run from going on keeps its end from being recorded, too.
        if let notKept, !result.reason.contains(notKept) {
            Terminal.complain(
                "the end of the run could not be kept: \(notKept)", advice: "make room, and look again")
        }
        if isJSON {
            Terminal.line(
                RunbookRunText.value(
                    result, number: known.number, id: store.run, elapsed: elapsed, isResumed: known.isResumed
                ).prettyJSON)
        } else {
            show(result, known, elapsed)
        }
        guard result.state == .succeeded, notKept == nil else { return .residue }
        return file.runbook.rto.map { elapsed > $0 } == true ? .objectiveMissed : .pass
    }

    /// Since the run began, by the wall clock: it is the only one that goes on while nobody carries the run out.
    private func age(_ known: Known) -> Duration {
        .nanoseconds(max(0, SystemTimekeeper().utcNanoseconds() - known.startedAtUTC))
    }

    private func show(_ result: RunbookResult, _ known: Known, _ elapsed: Duration) {
        Terminal.line()
        Terminal.line(RunbookRunText.table(result.turns).text(width: Terminal.width))
        Terminal.line()
        Terminal.labelled("time", RunbookText.total(result, elapsed: known.isResumed ? elapsed : nil))
        if let last = known.last?.result { Terminal.labelled("last", RunbookText.total(last)) }
        if let rto = file.runbook.rto {
            Terminal.labelled(
                "objective", "\(rto.forPeople): " + objective(rto, result, elapsed), indent: 10)
        }
        let left = file.runbook.steps.filter { step in !result.turns.contains { $0.name == step.name } }
        if !left.isEmpty { Terminal.labelled("not run", left.map(\.name).joined(separator: ", ")) }
        for name in result.openRollbacks {
            Terminal.labelled(
                "undo",
                "the rollback '\(name)' did not "
                    + (result.turns.contains { $0.name == name } ? "succeed" : "run")
                    + ": see the runbook", indent: 9, .yellow)
        }
        Terminal.line()
        switch result.state {
        case .succeeded: Terminal.line(Terminal.styled("DONE", .green, .bold) + "     run #\(known.number)")
        case .failed:
            Terminal.line(Terminal.styled("FAILED", .red, .bold) + "   \(RunbookText.visible(result.reason))")
        case .cancelled:
            Terminal.line(
                Terminal.styled("STOPPED", .yellow, .bold) + "  \(RunbookText.visible(result.reason))")
            Terminal.line("go on with: muster runbook resume \(known.number)")
        }
    }

    /// What did not recover anything has met nothing, however quickly it failed.
    private func objective(_ rto: Duration, _ result: RunbookResult, _ elapsed: Duration) -> String {
        if elapsed > rto { return "MISSED" }
        switch result.state {
        case .succeeded: return "met by this run alone"
        case .failed: return "not met: the run failed"
        case .cancelled: return "open: the run is not over"
        }
    }
}
