import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterOutcomes
import MusterProbes
import MusterSystem

/// What is looked at for each drill.
extension Preflight {
    func drill(_ card: GameDay.Card) -> [PreflightItem] {
        [target(card), secrets(card), revert(card)]
    }

    private func target(_ card: GameDay.Card) -> PreflightItem {
        let name = "target-\(card.name)"
        do {
            let prepared = try DrillLoader(
                path: file.drillPath(card), variables: card.variables, state: state, tellsWarnings: false
            ).load(.plan)
            let plan = try DrillPlan(prepared)
            if let refused = plan.breaks.first(where: { $0.refusal != nil }), let refusal = refused.refusal {
                return .init(name, .block, "'\(refused.name)' cannot be injected: \(refusal.message)")
            }
            guard plan.isPossible else {
                return .init(name, .block, "its scratch needs root, and this is another user")
            }
            let isOwn = prepared.drill.targets.values.allSatisfy { $0.target(fixtures: [:]) == nil }
            return .init(
                name, .ok,
                "every target is found and every fault works here; "
                    + (isOwn
                        ? "it starts what it breaks, so its steady state is proven when it begins"
                        : "its steady state is proven for \(prepared.drill.steady.duration.forPeople) when it begins")
            )
        } catch let refusal as Refusal {
            return .init(name, .block, refusal.message)
        } catch {
            return .init(name, .block, "\(error)")
        }
    }

    private func secrets(_ card: GameDay.Card) -> PreflightItem {
        let name = "secrets-\(card.name)"
        let resources = RunResources(runID: ULID.make(), readsSecrets: true)
        guard let text = try? Files.text(file.drillPath(card)) else {
            return .init(name, .block, "\(card.drill) cannot be read")
        }
        let services = (try? Files.text(file.project.services)).flatMap {
            try? Services(reading: $0, now: clock.utcNanoseconds())
        }
        let examination = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, services: services,
            now: clock.utcNanoseconds()
        ).examine(text, setting: card.variables, resources: resources.resources)
        if let error = examination.errors.first { return .init(name, .block, error.message) }
        return .init(
            name, .ok,
            examination.secrets.isEmpty
                ? "it needs no secret" : "\(Observing.count(examination.secrets.count, "secret")) resolved")
    }

    /// A revert is rehearsed by every run: what is asked for is a run after which everything was seen to hold again.
    private func revert(_ card: GameDay.Card) -> PreflightItem {
        let name = "revert-\(card.name)"
        let limit = day.limits.revertVerifiedWithin
        let drill = try? DrillLoader(
            path: file.drillPath(card), variables: card.variables, tellsWarnings: false
        ).load(.plan).drill
        let outcomes = ((try? store.summaries(limit: nil)) ?? []).filter {
            $0.drill == drill?.name && $0.exitCode != nil
        }
        guard let last = outcomes.first(where: { $0.exitCode != Status.residue.rawValue }) else {
            let words = "no run of \(card.drill) has shown that everything is put back"
            return .init(name, limit == nil ? .warn : .block, words + "; run it once before the day")
        }
        let age = Duration.nanoseconds(
            max(0, clock.utcNanoseconds() - (last.finishedAtUTC ?? last.startedAtUTC)))
        let words = "put back, and seen to be, \(age.forPeople) ago in outcome #\(last.number)"
        if let worse = outcomes.first, worse.number > last.number {
            return .init(name, .block, "outcome #\(worse.number) left something broken")
        }
        if let limit, age > limit { return .init(name, .block, words + "; the limit is \(limit.forPeople)") }
        return .init(name, .ok, words)
    }
}
