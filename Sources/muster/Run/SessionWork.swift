import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterProbes
import MusterSystem

/// What a session does on threads of its own. Each piece ends by posting what came of it.
extension DrillSession {
    /// What went wrong, for the record.
    func words(_ error: any Error) -> String {
        switch error {
        case let failure as GuardFailure:
            failure.message + (failure.advice.isEmpty ? "" : " (\(failure.advice))")
        case let refusal as Refusal: refusal.message
        default: MusterCore.describe(error)
        }
    }

    // MARK: Fixtures

    func makeScratch() throws {
        guard let path = prepared.scratch else { return }
        var parameters: [String: Value] = ["path": .text(path)]
        if let size = drill.scratchSize { parameters["size"] = .text(size.unitsText) }
        let id = try newID()
        _ = try ask(
            InjectionRecord(
                id: id, name: "scratch", fault: "scratch", parameters: .map(parameters),
                target: Target(.host).value), deadline: .seconds(60))
    }

    /// Begins to listen for alerts, before anything starts that may send some.
    /// - Throws: `Refusal`, or what the system says.
    func listen() throws {
        for source in drill.alertSources {
            guard let path = source.tokenFile, let token = prepared.alertTokens[source.name] else { continue }
            // Nobody's file is written over, and nobody else may read it.
            try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600).write(Array(token.utf8))
        }
        try alerts.start()
    }

    /// Has the guard inject something that is on record before it is asked for.
    private func ask(_ record: InjectionRecord, deadline: Duration) throws -> Timed<Injection> {
        try remember(record)
        guard !isCancelled else {
            update(record.id) { $0.state = .closed }
            throw Refusal(.refused, "the run was stopped before it was asked for", advice: "")
        }
        do {
            let reply = try client.inject(
                InjectionWish(
                    id: record.id, run: prepared.runID, name: record.name, fault: record.fault,
                    parameters: record.parameters, target: record.target), deadline: deadline)
            // Unless an undo that overtook this has closed it already.
            update(record.id) { if $0.state == .requested { $0.state = .open } }
            return reply
        } catch let failure as GuardFailure where [.refused, .journal].contains(failure.code) {
            // Refused before anything was written down or touched. Were a row there all the same, the reports of
            // the goodbye would say so.
            update(record.id) { $0.state = .closed }
            throw failure
        }
    }

    func start(_ fixture: Fixture) {
        do {
            let id = try newID()
            let wish = try prepared.wish(for: fixture, among: fixtures)
            _ = try ask(
                InjectionRecord(
                    id: id, name: fixture.name, fault: wish.fault, parameters: wish.parameters,
                    target: Target(.host).value), deadline: .seconds(30))
            remember(fixture: fixture.name, id)
            try waitUntilReady(fixture, id)
            inbox.post(.input(.fixtureReady(fixture.name)))
        } catch {
            inbox.post(.input(.fixtureFailed(fixture.name, words(error))))
        }
    }

    private func waitUntilReady(_ fixture: Fixture, _ id: InjectionID) throws {
        let end = clock.monotonic() + fixture.readyWithin
        var last = "it does not answer"
        while clock.monotonic() < end, !isCancelled {
            let status: SupervisorStatus
            do {
                status = try client.supervisor(id, .status).answer
            } catch {
                // It may not listen yet.
                last = words(error)
                clock.sleep(for: .milliseconds(5))
                continue
            }
            if status.process == nil, fixture.restart == .never, status.starts > 0 {
                throw Refusal(
                    .refused, "it ended by itself\(prepared.logTail(of: id, in: client.hello))", advice: "")
            }
            guard let ready = fixture.ready else {
                if status.process != nil { return }
                last = "it does not run"
                clock.sleep(for: .milliseconds(10))
                continue
            }
            let sample = try attempt(ready.probe, timeout: .milliseconds(500))
            if sample.isUp { return }
            last = "it does not answer (\(sample.outcome))"
            clock.sleep(for: .milliseconds(10))
        }
        throw Refusal(
            .refused,
            "not ready within \(fixture.readyWithin.forPeople): \(last)\(prepared.logTail(of: id, in: client.hello))",
            advice: "")
    }

    // MARK: Faults

    func inject(_ step: InjectStep) {
        do {
            guard let target = drill.targets[step.target]?.target(fixtures: fixtures) else {
                throw Refusal(.refused, "its target '\(step.target)' has no running fixture", advice: "")
            }
            let id = try newID()
            let parameters = FaultCatalog.encode(step.fault)
            events.record(.injecting, step.name, "injecting \(step.faultName) into '\(step.target)'")
            let reply = try ask(
                InjectionRecord(
                    id: id, name: step.name, fault: step.faultName, parameters: parameters,
                    target: target.value), deadline: .seconds(60))
            // The guard's own stamps are narrower, and they are of our clock when we share a boot.
            let isOurClock = (try? bootID()) == client.hello.bootID
            let bracket = isOurClock ? reply.guardBracket : reply.bracket
            events.record(
                .injected, step.name,
                "\(step.faultName) hit '\(step.target)' (within \(bracket.width.forPeople))",
                bracket: bracket, actor: "guard",
                detail: [
                    "fault": .text(step.faultName), "target": .text(step.target), "id": .text(id.rawValue),
                    "held": .bool(step.fault.persistence == .held),
                ])
            inbox.post(.input(.injected(step.name, bracket)))
            lookForEffect(step, id, injected: bracket, isOurClock: isOurClock)
        } catch {
            inbox.post(.input(.injectFailed(step.name, words(error))))
        }
    }

    /// Asks for the proof until it is there; without one the drill is inconclusive. The effect began between the
    /// beginning of the last look that did not see it and the end of the first that did. What builds up may take as
    /// long as recovering from it.
    private func lookForEffect(
        _ step: InjectStep, _ id: InjectionID, injected: Bracket, isOurClock: Bool
    ) {
        let patience: Duration =
            step.clock == .effective ? drill.recovered.deadline(rto: drill.objectives.rto) : .seconds(5)
        let end = clock.monotonic() + max(.seconds(5), patience)
        var before = injected.lower
        var missing = "not looked at"
        while true {
            var looked = clock.monotonic()
            switch Result(catching: { try client.effect(id) }) {
            case .success(let reply):
                let look = isOurClock ? reply.guardBracket : reply.bracket
                looked = look.lower
                switch reply.answer {
                case .proven(let proof):
                    let seen = Bracket(before, max(before, look.upper))
                    events.record(.effective, step.name, proof, bracket: seen, actor: "guard")
                    inbox.post(.input(.effect(step.name, seen)))
                    return
                case .notYet(let reason): missing = reason
                }
            case .failure(let error): missing = words(error)
            }
            before = max(before, looked)
            if clock.monotonic() >= end || isCancelled { break }
            clock.sleep(for: .milliseconds(20))
        }
        events.record(
            .effectMissing, step.name, "no effect of '\(step.name)' was seen: \(missing)", actor: "guard")
        inbox.post(.input(.effect(step.name, nil)))
    }
}
