import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes

/// One drill several times, one after the other, each striking at another moment of the system's own cycles.
struct RepeatedRun {
    var loader: DrillLoader
    var count: Int
    var seed: Int64
    /// How far the moments are spread; nil: as the drill suggests.
    var window: Duration?
    var store: StoreOptions
    var isJSON: Bool
    var makeRun: (PreparedDrill) -> DrillRun

    /// - Returns: the code of the greatest harm that any of them did.
    /// - Throws: only before anything was recorded; what comes later ends the series, and is told.
    func run(_ first: PreparedDrill, _ stop: StopLatch) throws -> Status {
        let window = window ?? FaultPhase.window(for: first.drill)
        let phases = FaultPhase.all(count, within: window, seed: seed)
        let group = ULID.make()
        if !isJSON {
            stop.whileNobodyReads {
                Terminal.line(
                    "\(count) repeats of '\(first.drill.name)', each fault at a random moment of "
                        + "\(window.forPeople) (seed \(seed)); group \(group)")
            }
        }
        var results: [DrillRun.Result] = []
        var codes: [Status] = []
        for phase in phases {
            do {
                var prepared = results.isEmpty ? first : try loader.load(.run, as: first)
                prepared.repeatGroup = group
                prepared.phase = phase
                results.append(try makeRun(prepared).run(stop))
                codes.append(results[results.count - 1].status)
            } catch  where !results.isEmpty {
                codes.append(tell(error))
                break
            }
            if results.count == count { break }
            if let (reason, code) = obstacle(after: results[results.count - 1], stop) {
                if let code { codes.append(code) }
                stop.whileNobodyReads(leaveWith: Status.worst(codes)) {
                    note("stopped after \(results.count) of \(count): \(reason)")
                }
                break
            }
        }
        let status = Status.worst(codes)
        let summary = summary(ofGroup: group, results, first.project)
        stop.whileNobodyReads(leaveWith: status) { show(summary, ofGroup: group, results) }
        return status
    }

    /// Why another one must not begin, and what that adds to the exit code.
    private func obstacle(after result: DrillRun.Result, _ stop: StopLatch) -> (String, Status?)? {
        if let reason = result.obstacle { return (reason, nil) }
        // It came once there was nothing left to abort.
        if let reason = stop.reason { return (reason, .aborted) }
        guard let open = GuardCommandLine.openInjections(loader.state) else {
            return ("the guard's journal cannot be read; run `muster doctor`", .residue)
        }
        if !open.isEmpty {
            return ("\(open.count) injections are open in the journal; run `muster undo`", .residue)
        }
        return nil
    }

    private func tell(_ error: any Error) -> Status {
        if let refusal = error as? Refusal {
            Terminal.complain(refusal.message, advice: refusal.advice)
            return refusal.code
        }
        Terminal.complain("\(error)", advice: "the repeats so far are summed up below")
        return .internalError
    }

    private func note(_ text: String) { isJSON ? Terminal.note(text) : Terminal.line("\n" + text) }

    /// Sums up what there is, and lets each report know of all the others.
    private func summary(
        ofGroup group: String, _ results: [DrillRun.Result], _ project: Project
    ) -> Swift.Result<RepeatSummary?, any Error> {
        Swift.Result {
            let opened = try store.open(project)
            for report in results.compactMap(\.report) { try ReportFiles.renew(report, opened) }
            return try opened.summary(ofGroup: group)
        }
    }

    private func show(
        _ summary: Swift.Result<RepeatSummary?, any Error>, ofGroup group: String,
        _ results: [DrillRun.Result]
    ) {
        if case .failure(let error) = summary {
            Terminal.complain(
                "the repeats could not be summed up: \(error)",
                advice: "try `muster outcomes --group \(group)`")
        }
        let summary = (try? summary.get()) ?? nil
        if isJSON {
            let map: [String: Value] = [
                "group": .text(group), "seed": .int(seed), "wanted": .int(Int64(count)),
                "runs": .list(results.map { .map($0.value) }), "summary": summary?.value ?? .null,
            ]
            Terminal.line(Value.map(map).prettyJSON)
        } else if let summary {
            Terminal.line()
            RepeatText.show(summary)
            Terminal.line("again: muster outcomes --group \(group)")
        }
    }
}
