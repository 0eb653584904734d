import Foundation
import MusterCore
import MusterGuard
import MusterProbes
import MusterSystem

/// What a session does on threads of its own. Each piece ends by posting what came of it.
extension DrillSession {
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

    func lift(_ name: String) {
        let ids = records { $0.name == name && $0.state == .open && !Injection.isFixture($0.fault) }.map(\.id)
        let sent = clock.monotonic()
        events.record(.lifting, name, "lifting '\(name)'")
        do {
            let reply = try client.undo(ids)
            record(reply.answer)
            let settled = reply.answer.reports.allSatisfy { $0.closed != nil }
            let isLate = reply.answer.reports.contains { $0.endedEarly != nil }
            let done = isLate ? "of '\(name)' nothing was left to lift" : "'\(name)' was lifted"
            events.record(
                .lifted, name,
                settled ? "\(done), and that was verified" : "'\(name)' could not be lifted",
                bracket: reply.bracket, actor: "guard")
            inbox.post(.input(.lifted(name, reply.bracket, settled: settled)))
        } catch {
            events.record(.undoFailed, name, "'\(name)' could not be lifted: \(words(error))")
            inbox.post(.input(.lifted(name, Bracket(sent, clock.monotonic()), settled: false)))
        }
    }

    func undoInjections(_ recovered: Bool) {
        let open = records { $0.state == .open || $0.state == .requested }.filter {
            !Injection.isFixture($0.fault)
        }
        guard !open.isEmpty else { return inbox.post(.input(.undone(settled: true))) }
        do {
            let reply = try client.undo(open.map(\.id), recovered: recovered ? open.map(\.id) : [])
            record(reply.answer)
            let left = reply.answer.reports.filter { $0.closed == nil }
            for report in reply.answer.reports {
                events.record(
                    report.closed == nil ? .undoFailed : .undone, report.name,
                    report.closed == nil
                        ? "'\(report.name)' could not be undone"
                        : "'\(report.name)' undone, every fact verified",
                    bracket: reply.bracket, actor: "guard")
            }
            inbox.post(.input(.undone(settled: left.isEmpty)))
        } catch {
            events.record(.undoFailed, "", "the undo failed: \(words(error))")
            inbox.post(.input(.undone(settled: false)))
        }
    }

    func takeDownFixtures() {
        do {
            let reply = try client.bye()
            record(reply)
            let left = reply.reports.filter { $0.closed == nil }
            // A guard that lost its journal reports nothing, and has taken nothing down.
            let down = Set(reply.reports.map(\.id))
            if !fixtures.isEmpty, left.isEmpty, fixtures.values.allSatisfy(down.contains) {
                events.record(.note, "", "the fixtures were taken down")
            }
            inbox.post(.input(.fixturesDown(settled: left.isEmpty && reply.open == 0)))
        } catch {
            inbox.post(.input(.fixturesDown(settled: waitForWarden(after: error))))
        }
    }

    /// The guard is gone: its warden mends. Waits for the host's lock, then reads the journal.
    private func waitForWarden(after error: any Error) -> Bool {
        events.record(
            .note, "", "the guard is gone (\(words(error))); waiting for its warden to put things back")
        let lease = Duration.nanoseconds(client.hello.lease)
        var standing = GuardCommandLine.waitUntilMended(
            state: prepared.state, within: lease * 2 + .seconds(15))
        if case .open = standing {
            // Guard and warden both hang, or died together with what they had in hand. The next command would put
            // things back; nobody should have to type it while we are here.
            events.record(.note, "", "the warden has not put everything back; running `muster undo`")
            _ = try? GuardCommandLine.run(
                ["undo"] + prepared.state.arguments, shows: false, within: .seconds(60))
            standing = GuardCommandLine.waitUntilMended(state: prepared.state, within: .seconds(2))
        }
        switch standing {
        case .clean:
            for open in records({ $0.state != .closed }) { update(open.id) { $0.state = .closed } }
            events.record(
                .undone, "", "everything was put back: nothing stands in the journal", actor: "guard")
            return true
        case .open(let lines):
            note(residue: lines)
            events.record(.undoFailed, "", "the warden has not put everything back")
            return false
        }
    }

    /// Keeps what an undo found and left, for each injection.
    private func record(_ reply: UndoReply) {
        for report in reply.reports {
            if let why = report.endedEarly {
                events.record(
                    .endedEarly, report.name, "'\(report.name)' was over before it was lifted: \(why)",
                    actor: "guard")
            }
            update(report.id) { injection in
                injection.state = report.closed == nil ? .open : .closed
                injection.undo = report.facts.map { fact in
                    let state =
                        fact.problem
                        ?? (fact.detail.isEmpty
                            ? fact.state.rawValue : "\(fact.state.rawValue): \(fact.detail)")
                    return "\(fact.sentence) — \(state)"
                }
            }
            guard report.closed == nil else { continue }
            note(
                residue: report.facts.filter { !$0.isSettled }.map { fact in
                    let byHand = fact.byHand.map { $0.joined(separator: " ") }.joined(separator: "; ")
                    return "'\(report.name)': \(fact.sentence): \(fact.problem ?? fact.detail)"
                        + (byHand.isEmpty ? "" : "; by hand: \(byHand)")
                })
        }
    }

    // MARK: The ledger

    func stopWriters() {
        engine.stopWorkloads()
        events.record(
            .writersStopped, "", drill.workloads.isEmpty ? "observation ends" : "the writers have stopped")
        inbox.post(.input(.writersStopped))
    }

    func readBack() {
        guard !drill.workloads.isEmpty else { return inbox.post(.input(.readBackDone)) }
        if isGuardGone, !drill.fixtures.isEmpty {
            let ledgers = engine.ledgers()
            keep(ledgers)
            for ledger in ledgers {
                events.record(
                    .readBack, ledger.workload,
                    "'\(ledger.workload)' is not read back: the fixtures ended with their guard",
                    detail: keptFiles(of: ledger.workload))
            }
            return inbox.post(.input(.readBackDone))
        }
        let ledgers = engine.readBack(
            fault: events.all.first { $0.kind == .injected }?.bracket?.lower,
            replicaGap: drill.recovered.stable,
            within: .seconds(120), isCancelled: { [self] in isReadBackEnded },
            note: { [events] workload, text in events.record(.note, workload, "'\(workload)': \(text)") })
        keep(ledgers)
        for ledger in ledgers {
            let acknowledged = ledger.entries.count { $0.isAcknowledged }
            let found = ledger.readBack?.found.count ?? 0
            let problems = ledger.readBack?.problems ?? ["nothing could be read back"]
            let part =
                ledger.readBack?.sample.map { "; a sample: \($0.drawn) of \($0.older) older writes" } ?? ""
            events.record(
                .readBack, ledger.workload,
                problems.isEmpty
                    ? "'\(ledger.workload)': \(acknowledged) acknowledged, \(found) read back\(part)"
                    : "'\(ledger.workload)' could not be read back completely: \(problems.joined(separator: "; "))",
                detail: keptFiles(of: ledger.workload))
            if let done = engine.tidy(ledger.workload, keep: !ledger.isFlawless) {
                events.record(.note, ledger.workload, "'\(ledger.workload)': \(done)")
            }
        }
        inbox.post(.input(.readBackDone))
    }

    /// Where the raw records of a workload lie, and what they hash to, for `muster export`.
    private func keptFiles(of workload: String) -> Value {
        guard let ledger = engine.ledgerPath(of: workload) else { return .null }
        var files = KeptLedger.describe(ledger)
        files.merge(KeptLedger.describe(ReadBackFile.path(beside: ledger), as: "readback")) { own, _ in own }
        let setting = drill.workloads.first { $0.name == workload }?.setting
        if let setting, !setting.plan(seed: 0).isPlain {
            files["writes"] = .text(
                setting.mode == .entries ? "deletes" : "mode: \(setting.mode.rawValue)")
            if setting.mode == .register { files["keys"] = .int(Int64(setting.keys)) }
        }
        return .map(files)
    }
}
