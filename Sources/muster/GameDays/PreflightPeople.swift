import MusterCore
import MusterDrills
import MusterOutcomes

/// What people say in the preflight: on the command line, or at the terminal.
struct PreflightPeople {
    let opened: GameDayPlace.Opened
    let person: String
    let confirmed: [String]
    let overridden: [String]
    let reason: String?

    private var day: GameDay { opened.day }

    /// The checklist, and what every day asks: whether everybody is there.
    private var questions: [GameDay.Question] {
        [.init(name: "roster", ask: "Everybody who holds a role is here, and can be reached.")]
            + day.checklist
    }

    /// - Throws: `Refusal` for an item that there is not, and for somebody who may not say so.
    func check(against automatic: [PreflightItem]) throws {
        for name in confirmed where !questions.contains(where: { $0.name == name }) {
            throw unknown(name, "is asked", questions.map(\.name))
        }
        let all = automatic.map(\.name) + questions.map(\.name)
        for name in overridden where !all.contains(name) { throw unknown(name, "is looked at", all) }
        if !overridden.isEmpty {
            _ = try opened.speaker(person, "override the preflight") { $0 == .approver }
            guard let reason, !reason.isEmpty else {
                throw Refusal(.usage, "an override needs a reason", advice: "--reason WHY")
            }
        }
        for question in questions where confirmed.contains(question.name) {
            _ = try speaker(question, person)
        }
    }

    private func unknown(_ name: String, _ what: String, _ known: [String]) -> Refusal {
        let near = nearestWord(to: name, among: known).map { ", did you mean '\($0)'?" } ?? ""
        return Refusal(
            .usage, "nothing of the name '\(name)' \(what)\(near)",
            advice: "one of " + known.joined(separator: ", "))
    }

    private func speaker(_ question: GameDay.Question, _ name: String) throws -> GameDayDesk.Speaker {
        try opened.speaker(name, "confirm '\(question.name)'") { question.role == nil || $0 == question.role }
    }

    /// The item with an override that was given now, or in this preflight before.
    func overriding(_ item: PreflightItem, _ known: [PreflightItem], asks: Bool) throws -> PreflightItem {
        guard item.status == .block else { return item }
        var item = item
        if overridden.contains(item.name), let reason {
            item.override = .init(name: person, reason: reason)
        } else {
            item.override = known.first { $0.name == item.name }?.override
        }
        return item
    }

    /// An item for each question; one that was confirmed in this preflight already is not asked again.
    func answers(
        _ known: [PreflightItem], asks: Bool
    ) throws -> [(PreflightItem, GameDayDesk.Speaker)] {
        try questions.map { question in
            if confirmed.contains(question.name) {
                return (
                    item(question, .ok, "\(question.ask) \(person) says yes"), try speaker(question, person)
                )
            }
            if let before = known.first(where: { $0.name == question.name }), !before.blocks {
                return (before, .muster)
            }
            guard asks else {
                let open = item(question, question.otherwise, "\(question.ask) Nobody has said yes")
                return (try overriding(open, known, asks: asks), .muster)
            }
            return try ask(question)
        }
    }

    private func ask(_ question: GameDay.Question) throws -> (PreflightItem, GameDayDesk.Speaker) {
        let asker = PersonAsker()
        let role = question.role.map { " (\($0.rawValue))" } ?? ""
        guard let isYes = try asker.yes("? \(question.name)\(role): \(question.ask)") else {
            return (item(question, question.otherwise, "\(question.ask) Nobody answered"), .muster)
        }
        var name = person
        while true {
            do {
                let speaker = try speaker(question, name)
                return (
                    item(
                        question, isYes ? .ok : question.otherwise,
                        "\(question.ask) \(speaker.name) says \(isYes ? "yes" : "no")"), speaker
                )
            } catch let refusal as Refusal {
                Terminal.line("\(refusal.message); \(refusal.advice)")
            }
            guard let given = try asker.words("who says so?") else {
                return (item(question, question.otherwise, "\(question.ask) Nobody gave a name"), .muster)
            }
            name = given
        }
    }

    private func item(
        _ question: GameDay.Question, _ status: PreflightItem.Status, _ text: String
    ) -> PreflightItem {
        PreflightItem(question.name, status, text, isManual: true)
    }
}
