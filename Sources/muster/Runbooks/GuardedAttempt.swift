import MusterCore
import MusterDrills
import MusterFaults
import MusterGuard
import MusterHost

/// Attempts at a step of a drill, in the guard's journal while they run: when the engine is lost, the guard ends what
/// the step still runs before it puts anything back. What a step leaves behind when it has ended by itself, such as a
/// service, stays.
///
/// The looks of one `wait` share an injection: there may be thousands, and rows of the journal stay.
struct GuardedAttempt: AttemptWatch {
    let client: GuardClient
    let id: InjectionID
    let run: String
    let step: RunbookItem
    let runbook: String

    var environment: [String: String] { [Mark.stepVariable: id.rawValue] }

    func begins(_ process: ProcessIdentity) throws {
        let fault = RunbookStep(name: step.name, runbook: runbook, process: process)
        _ = try client.inject(
            InjectionWish(
                id: id, run: run, name: "step '\(step.name)' of \(runbook)",
                fault: FaultCatalog.name(of: fault),
                parameters: FaultCatalog.encode(fault), target: Target(.host).value),
            // The guard does one thing at a time, and an undo may take 3 min.
            deadline: .seconds(200))
    }

    func isOver(isCutOff: Bool) -> String? {
        // What left the session goes as well: everything is put back now.
        if isCutOff { _ = try? client.undo([id]) }
        return isCutOff || step.kind == .wait ? nil : close()
    }

    /// It ended by itself, or does so no more.
    /// - Returns: who else ended it; nil: nobody.
    @discardableResult
    func close() -> String? {
        do {
            return try client.ended(id) ? nil : "the guard, which puts everything back, ended it"
        } catch {
            return "the guard, which was lost, may have ended it: \(RunbookText.words(error))"
        }
    }
}
