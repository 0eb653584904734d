import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterOutcomes
import MusterSystem

/// What somebody at a board, or by a command, does to the run that they look at: every act is written to the store, and
/// whoever runs the drill, or the game day, reads it there.
struct BoardActions {
    let store: OutcomeStore
    /// nil without a game day.
    let day: GameDayChoice.Chosen?
    private let clock = SystemTimekeeper()

    init(_ store: OutcomeStore, day: GameDayChoice.Chosen?) {
        self.store = store
        self.day = day
    }

    /// Who takes part: on a game day the roster says who there is and what they may confirm, elsewhere everybody is who
    /// they say.
    /// - Throws: `Refusal` for somebody who is to be absent, and for a role that is not theirs.
    static func attendee(_ name: String, _ roles: [String], _ day: GameDayChoice.Chosen?) throws -> Attendee {
        guard let day else { return Attendee(name: name, roles: Set(roles)) }
        let roster = day.roster
        guard !roster.absent.contains(name) else {
            throw Refusal(
                .refused, "\(name) is absent from '\(day.record.header.name)' on purpose",
                advice: "look on without --as")
        }
        let held = roster.roles(of: name).map(\.rawValue)
        guard !held.isEmpty else {
            throw Refusal(
                .refused, "\(name) is not on the roster of '\(day.record.header.name)'",
                advice: "one of " + roster.people.joined(separator: ", "))
        }
        for role in roles where !held.contains(role) {
            throw Refusal(
                .refused, "'\(name)' is not \(role) of this game day",
                advice: "one of " + held.joined(separator: ", "))
        }
        return Attendee(name: name, roles: Set(roles.isEmpty ? held : roles))
    }

    private func speaker(_ attendee: Attendee) -> GameDayDesk.Speaker {
        let held = day?.roster.roles(of: attendee.name) ?? []
        return GameDayDesk.Speaker(
            name: attendee.name, role: held.first { attendee.roles.contains($0.rawValue) } ?? held.first)
    }

    /// - Returns: what to say of it.
    func note(_ kind: BoardKeys.NoteKind, _ text: String, by attendee: Attendee, in run: String?) throws
        -> String
    {
        let text = hidingPasswords(text)
        if let day {
            let entry: GameDayEntry.Kind =
                switch kind {
                case .note: .note
                case .todo: .todo
                case .decision: .decision
                }
            try day.desk.add(entry, text, by: speaker(attendee), run: run)
            return "\(kind.rawValue) kept"
        }
        guard let run else { return "nothing runs that a note could belong to" }
        let event = Event(
            .note, at: clock.monotonic(), utc: clock.utcNanoseconds(),
            subject: kind == .note ? "" : kind.rawValue, actor: attendee.name, text: text,
            detail: ["entry": .text(kind.rawValue)])
        return try store.note(event, in: run) ? "\(kind.rawValue) kept" : "the run is over; nothing was kept"
    }

    /// - Returns: what to say of it.
    func beat(by attendee: Attendee) throws -> String {
        guard let day else { return "no game day runs that waits for a heartbeat" }
        return try Heartbeat.give(speaker(attendee), day)
    }

    /// Any attendee may.
    func abort(by attendee: Attendee, reason: String, run: OutcomeStore.WatchedRun?) throws -> String {
        if let day, try day.desk.record().state.mayHoldFaults {
            try day.desk.add(.abort, reason, by: speaker(attendee))
            // Where nobody holds the day any more, its drill may still run, and hears of it below.
            if try store.holder(ofGameDay: day.desk.id) != nil {
                return "asked for: the game day ends, and what is broken is put back first"
            }
        }
        guard let run, run.isRunning else { return "nothing runs that could be aborted" }
        let number = try store.requestAbort(
            ofRun: run.run.id, by: attendee.name, reason: reason, atUTC: clock.utcNanoseconds())
        let end = clock.monotonic() + .seconds(3)
        while clock.monotonic() < end {
            if try store.isTaken(abortRequest: number) { return "aborting: what is broken is put back first" }
            clock.sleep(for: .milliseconds(50))
        }
        // It may not be able to read its store.
        if let engine = run.engine, let descriptor = try PidDescriptor.of(engine),
            (try? descriptor.send(SIGINT)) == true
        {
            return "the run did not hear it through its store; it was interrupted instead"
        }
        return "NOT ABORTED: the run does not answer; try `muster abort` as its user, or `muster undo`"
    }

    func begin(_ number: Int, by attendee: Attendee) throws -> String {
        let reply = try answering(number, attendee) {
            try store.acknowledge(number, by: attendee.name, at: clock.monotonic())
        }
        return words(reply, "you have begun")
    }

    func confirm(_ number: Int, evidence: String?, by attendee: Attendee) throws -> QuestionReply {
        try answering(number, attendee) {
            try store.answer(
                number, .done, by: attendee.name, evidence: evidence.map { hidingPasswords($0) },
                at: clock.monotonic())
        }
    }

    func refuse(_ number: Int, reason: String, by attendee: Attendee) throws -> QuestionReply {
        try answering(number, attendee) {
            try store.answer(
                number, .refused, by: attendee.name, reason: hidingPasswords(reason), at: clock.monotonic())
        }
    }

    /// - Throws: `Refusal` for whoever may not.
    private func answering(_ number: Int, _ attendee: Attendee, _ body: () throws -> QuestionReply) throws
        -> QuestionReply
    {
        guard let question = try store.question(number) else { return .unknown }
        if let obstacle = attendee.obstacle(to: question.role) {
            throw Refusal(
                .refused, "'\(question.step)': \(obstacle)",
                advice: "somebody with that role answers: --as NAME --role \(question.role ?? "")")
        }
        return try body()
    }

    func words(_ reply: QuestionReply, _ done: String) -> String {
        switch reply {
        case .taken(let question): "'\(question.step)': \(done)"
        case .answeredBefore(let question):
            "too late: '\(question.step)' is \(question.answer?.rawValue ?? "answered")"
                + (question.answeredBy.map { " by \($0)" } ?? "") + " already"
        case .tooLate(let question):
            "too late: '\(question.step)' waited for \(question.limit.forPeople), which is over; that is no yes"
        case .nobodyWaits(let question): "the run that asked '\(question.step)' is gone; nobody waits for it"
        case .unknown: "there is no such question"
        }
    }
}
