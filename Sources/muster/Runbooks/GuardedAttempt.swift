import MusterCore
import MusterFaults
import MusterGuard
import MusterHost

/// An attempt at a step of a drill, in the guard's journal while it runs: when the engine is lost, the guard ends what
/// the step still runs before it puts anything back. What a step leaves behind when it has ended by itself, such as a
/// service, stays.
struct GuardedAttempt: AttemptWatch {
    let client: GuardClient
    let id: InjectionID
    let run: String
    let step: String
    let runbook: String

    var environment: [String: String] { [Mark.stepVariable: id.rawValue] }

    func begins(_ process: ProcessIdentity) throws {
        let fault = RunbookStep(name: step, runbook: runbook, process: process)
        _ = try client.inject(
            InjectionWish(
                id: id, run: run, name: "step '\(step)' of \(runbook)", fault: FaultCatalog.name(of: fault),
                parameters: FaultCatalog.encode(fault), target: Target(.host).value))
    }

    func isOver(isCutOff: Bool) -> String? {
        // What left the session goes as well: everything is put back now.
        if isCutOff {
            _ = try? client.undo([id])
            return nil
        }
        do {
            return try client.ended(id) ? nil : "the guard, which puts everything back, ended it"
        } catch {
            return "the guard, which was lost, may have ended it: \(RunbookText.words(error))"
        }
    }
}
