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

    /// - Parameters:
    ///   - last: the last run that succeeded.
    ///   - changed: turns of a resumed run that are saved anew first.
    func carryOut(
        _ machine: RunbookMachine, _ asker: any RunbookAsker, _ store: RunbookStore, number: Int,
        last: RecordedRunbookRun?, changed: [RunbookTurn]
    ) throws -> Status {
        let latch = StopLatch()
        try store.save(changed)
        let before = machine.turns.reduce(Duration.zero) { $0 + $1.total }
        let view = RunbookView(file.runbook, last: last, before: before, on: isJSON ? nil : try Screen())
        self.view = view
        view.title(
            "\(file.runbook.title)  run #\(number) · \(file.key)"
                + (machine.turns.isEmpty ? "" : " · resumed"))
        let execution = RunbookExecution(
            keeper: RecordedRunbook(store: store, view: view), asker: asker,
            environment: Runbooks.environment(variables, run: store.run), directory: file.directory,
            secrets: variables.secrets, stop: { latch.reason })
        let result = execution.run(machine)
        var notKept: String?
        do { try store.finish(result) } catch { notKept = "\(error)" }
        view.end()
        if let notKept {
            Terminal.complain(
                "the end of the run could not be kept: \(notKept)", advice: "make room, and look again")
        }
        if isJSON {
            Terminal.line(RunbookRunText.value(result, number: number, id: store.run).prettyJSON)
        } else {
            show(result, number, last)
        }
        guard result.state == .succeeded, notKept == nil else { return .residue }
        return file.runbook.rto.map { result.total > $0 } == true ? .objectiveMissed : .pass
    }

    private func show(_ result: RunbookResult, _ number: Int, _ last: RecordedRunbookRun?) {
        Terminal.line()
        Terminal.line(RunbookRunText.table(result.turns).text(width: Terminal.width))
        Terminal.line()
        Terminal.labelled("time", RunbookText.total(result))
        if let last = last?.result { Terminal.labelled("last", RunbookText.total(last)) }
        if let rto = file.runbook.rto {
            Terminal.labelled(
                "objective", "\(rto.forPeople): " + (result.total > rto ? "MISSED" : "met by this run alone"),
                indent: 10)
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
        case .succeeded: Terminal.line(Terminal.styled("DONE", .green, .bold) + "     run #\(number)")
        case .failed:
            Terminal.line(Terminal.styled("FAILED", .red, .bold) + "   \(RunbookText.visible(result.reason))")
        case .cancelled:
            Terminal.line(
                Terminal.styled("STOPPED", .yellow, .bold) + "  \(RunbookText.visible(result.reason))")
            Terminal.line("go on with: muster runbook resume \(number)")
        }
    }
}
