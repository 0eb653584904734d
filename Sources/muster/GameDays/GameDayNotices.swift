import MusterCore
import MusterDrills
import MusterOutcomes

/// What whoever is not in the room is told of a game day: that it begins, ends early, or is over. What a blind day keeps
/// from responders is in none of it: only the plan's own words, the day's name, and why it ends.
enum GameDayNotices {
    /// Where nobody can be told, the day goes on.
    static func tell(
        _ kind: Notice.Kind, _ record: GameDayRecord, _ text: String, _ reason: String?,
        in store: OutcomeStore,
        _ project: Project
    ) {
        let notifier = Notifier(project: project)
        guard notifier.isUsed else { return }
        // Reasons name drills.
        let shown = record.isBlind ? nil : reason
        let detail: [String: Value] = [
            "gameDay": .text(record.header.name), "number": .int(Int64(record.number)),
            "state": .text(record.state.rawValue),
        ]
        do {
            try notifier.post(
                notifier.make(kind, "\(record.prefix): \(text)", shown ?? "", detail), in: store)
        } catch {
            Terminal.note("nobody could be told (\(kind.rawValue)): \(error)")
        }
    }
}

extension GameDayHolding {
    /// A message to people, with what every message begins with: on record, on the screen, and to whoever is told of
    /// such things (`drills/notify.yaml`), who hears of it also where the plan has no words for it.
    /// - Parameter reason: why the day ends early.
    func tell(_ text: String?, _ kind: Notice.Kind, because reason: String? = nil) throws {
        let record = try desk.record()
        let words =
            switch kind {
            case .start: "the game day '\(day.name)' begins"
            case .abort: "the game day '\(day.name)' ends early"
            default: "the game day '\(day.name)' is over"
            }
        if let text {
            let message = "\(record.prefix): \(text)"
            try desk.add(.comm, message)
            say(message)
        }
        GameDayNotices.tell(
            kind, record, text ?? words, reason, in: desk.store, file.project)
    }
}
