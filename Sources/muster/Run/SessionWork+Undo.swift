import MusterCore
import MusterDrills
import MusterGuard
import MusterSystem

/// How a session takes back what it broke, and what it brought up.
extension DrillSession {
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
            let isDown = left.isEmpty && fixtures.values.allSatisfy(down.contains)
            if isDown, !fixtures.isEmpty { events.record(.note, "", "the fixtures were taken down") }
            if isDown, reply.open == 0 {
                // Asked for while the guard said goodbye: it does nothing any more, and nothing stands in its journal.
                for late in records({ $0.state == .requested }) { update(late.id) { $0.state = .closed } }
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
}
