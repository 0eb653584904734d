import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// What happens in a run, or a game day, as lines: for pipes, and for terminals that are not to be drawn on.
struct AttachedLines {
    let isJSON: Bool
    private var isBlind = false
    private let clock = SystemTimekeeper()

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// Until nothing more will come.
    mutating func run(_ source: inout BoardSource) throws -> Status {
        var run: String?
        var asked: Set<Int> = []
        var entries = 0
        waiting(for: source.record)
        while true {
            try source.look()
            isBlind = source.hidesDrills
            if let record = source.record {
                let shown = isBlind ? record.seenBlindly : record
                for entry in shown.entries.dropFirst(entries)
                // That somebody is still there is nothing that happens.
                where isJSON || entry.kind != .heartbeat { show(entry) }
                entries = record.entries.count
            }
            if let follower = source.follower {
                if run != follower.watched.run.id { begin(follower.watched.run) }
                run = follower.watched.run.id
                for event in follower.fresh { show(event, follower.watched.run) }
                for question in follower.questions where asked.insert(question.number).inserted {
                    show(question)
                }
                if follower.isEnded, source.record == nil { return end(follower) }
            }
            if source.isEnded { return end(source.record) }
            clock.sleep(for: .milliseconds(200))
        }
    }

    /// Says why nothing comes yet.
    private func waiting(for record: GameDayRecord?) {
        guard let record, [.draft, .planned, .approved, .preflight, .goNoGo].contains(record.state) else {
            return
        }
        Terminal.note("the game day is \(record.state.rawValue): this waits until its drills are over")
    }

    /// The drills are over; what people say of them afterwards may take days, and nobody wants to wait for it in a pipe.
    private func end(_ record: GameDayRecord?) -> Status {
        guard let record else { return .pass }
        if isJSON {
            line(["gameDay": .text(record.header.name), "state": .text(record.state.rawValue)])
        } else {
            Terminal.line(
                "the drills are over, the game day is \(record.state.rawValue): "
                    + "`muster gameday show \(record.header.name)` has what follows")
        }
        return .pass
    }

    private func begin(_ run: RunBoard.Run) {
        if isJSON {
            line([
                "run": .text(run.id), "number": .int(Int64(run.number)),
                "drill": isBlind ? .null : .text(run.drill),
            ])
        } else {
            Terminal.line("outcome #\(run.number)" + (isBlind ? "" : " · " + PlainText.clean(run.drill)))
        }
    }

    private func show(_ event: Event, _ run: RunBoard.Run) {
        if isBlind, !PeopleLines.isHarmless(event) { return }
        if isJSON {
            line([
                "run": .text(run.id), "kind": .text(event.kind.rawValue), "subject": .text(event.subject),
                "actor": .text(event.actor), "text": .text(event.text), "utc": .int(event.utcNanoseconds),
                "monotonic": .int(event.at.nanoseconds),
            ])
        } else {
            let who = ["muster", "guard"].contains(event.actor) ? "" : "\(event.actor): "
            text(event.utcNanoseconds, event.kind.rawValue, who + event.text)
        }
    }

    private func show(_ entry: GameDayEntry) {
        if isJSON {
            line(["entry": entry.value])
        } else {
            text(entry.utc, entry.kind.rawValue, "\(entry.actor): \(entry.text)")
        }
    }

    private func show(_ question: Question) {
        let how = "muster confirm \(question.number)"
        if isJSON {
            line([
                "question": .int(Int64(question.number)), "step": .text(question.step),
                "text": .text(question.text), "role": .optional(question.role),
                "ask": .optional(question.ask),
                "answer": .text(how),
            ])
        } else {
            let role = question.role.map { " (role \($0))" } ?? ""
            text(question.shownUTC, "question", "'\(question.step)'\(role) waits for a person: \(how)")
        }
    }

    /// - Returns: what there is to say of a run that is over is its verdict; to have watched it is no failure.
    private func end(_ follower: RunFollower) -> Status {
        if let closing = follower.board.closing {
            if isJSON {
                line([
                    "verdict": .text(closing.judgement.verdict.rawValue),
                    "ending": .text(closing.ending.rawValue),
                    "reason": .text(closing.judgement.reason), "exitCode": .int(Int64(closing.exitCode)),
                ])
            } else {
                Terminal.line("\(closing.judgement.verdict.rawValue): \(closing.judgement.reason)")
            }
        } else if isJSON {
            line(["ending": "interrupted"])
        } else {
            Terminal.line(
                "the runner is gone without an outcome; its guard puts everything back: see `muster undo`")
        }
        return .pass
    }

    private func line(_ value: Value) { Terminal.line(value.canonicalJSON) }

    private func text(_ utc: Int64, _ kind: String, _ text: String) {
        let time = String(utcText(nanoseconds: utc).dropFirst(11).dropLast(5))
        Terminal.line("\(time)  \(PlainText.fit(kind, 16)) \(PlainText.clean(text))")
    }
}
