import ArgumentParser
import Foundation
import MusterCore
import MusterOutcomes
import MusterSystem

/// `muster actions …`: what is to be done because of what game days and drills showed.
struct ActionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "actions",
        abstract: "What is to be done because of game days and drills: who, until when, and what proves it.",
        discussion: """
            Example: muster actions
                     muster actions add "page when the replica lags" --kind detect --owner mika --due 2027-04-01
                     muster actions add --from 17
                     muster actions close 3 --outcome 42
            """,
        subcommands: [
            ActionListCommand.self, ActionAddCommand.self, ActionSetCommand.self, ActionCloseCommand.self,
        ],
        defaultSubcommand: ActionListCommand.self)
}

struct ActionListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Action items that are open, overdue ones first.",
        discussion: "Example: muster actions list --all")

    @Flag(help: "Closed ones as well.") var all = false
    @Option(help: "Only of this owner.") var owner: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            let today = Actions.today
            let items =
                (Files.exists(project.outcomesPath(store.outcomes)) ? try store.open(project).actions() : [])
                .filter { (all || !$0.status.isClosed) && (owner == nil || $0.owner == owner) }
                .sorted {
                    ($0.isOverdue(today: today) ? 0 : 1, $0.priority.rawValue, $0.number)
                        < ($1.isOverdue(today: today) ? 0 : 1, $1.priority.rawValue, $1.number)
                }
            if output.json {
                Terminal.line(Value.list(items.map { $0.value(today: today) }).prettyJSON)
                return .pass
            }
            if items.isEmpty {
                Terminal.line(all ? "There is no action item." : "No action item is open.")
                return .pass
            }
            var table = Table("#", "PRIO", "KIND", "OWNER", "DUE", "STATUS", "WHAT")
            for item in items {
                let isOverdue = item.isOverdue(today: today)
                table.add(
                    "\(item.number)", item.priority.rawValue, item.kind.rawValue, item.owner,
                    (item.due?.text ?? "-") + (isOverdue ? " OVERDUE" : ""), item.status.rawValue,
                    item.title + (item.ticket.map { " (\($0))" } ?? "")
                        + (item.verifyingDrill.map { ", proven by \($0)" } ?? ""))
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}

struct ActionAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Opens an action item, from words or from a todo of a game day.",
        discussion: """
            Example: muster actions add "page when the replica lags" --kind detect --owner mika --drill redis-kill
                     muster actions add --from 17 --game-day failover --owner mika
            """)

    @Argument(help: "What is to be done.") var title: String?
    @Option(help: "mitigate, prevent, process or detect.", transform: Actions.word) var kind:
        ActionItem.Kind = .process
    @Option(help: "Who does it.") var owner: String
    @Option(help: "p1 (most urgent) to p4.", transform: Actions.word) var priority: ActionItem.Priority = .p2
    @Option(help: "Until when, such as 2027-04-01.") var due: String?
    @Option(help: "Its ticket.") var ticket: String?
    @Option(help: "The name of the drill whose PASS proves it.") var drill: String?
    @Option(
        help: ArgumentHelp("The entry of a game day that it comes from, such as a todo.", valueName: "entry"))
    var from: Int?
    @Option(help: "Which game day (default: the one under way).") var gameDay: String?
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let due = try Actions.day(due)
            let store = try self.store.open(access: .readWrite)
            var chosen: GameDayChoice.Chosen?
            if try gameDay != nil || from != nil || GameDayChoice.underWay(store) != nil {
                chosen = try GameDayChoice.find(gameDay, self.store, access: .readWrite)
            }
            var words = title
            if let from {
                guard let entry = chosen?.record.entries.first(where: { $0.sequence == from }) else {
                    throw Refusal(
                        .usage, GameDayRefusal.noSuchEntry(from).description, advice: "muster gameday show")
                }
                words = words ?? entry.text
            }
            guard let words, !words.isEmpty else {
                throw Refusal(
                    .usage, "nothing says what is to be done", advice: "some words, or --from ENTRY")
            }
            var item = ActionItem(
                id: ULID.make(), title: hidingPasswords(words), kind: kind, owner: owner, priority: priority,
                due: due,
                ticket: ticket, verifyingDrill: drill, gameDay: chosen?.record.header.id, entry: from,
                openedUTC: SystemTimekeeper().utcNanoseconds())
            let who = try speaker.speaker(chosen?.roster ?? GameDayRoster())
            item.number = try store.open(item, by: who.name)
            if let chosen {
                try chosen.desk.add(
                    .action, "action item #\(item.number) for \(owner): \(item.title)", by: who,
                    detail: ["action": .text(item.id), "number": .int(Int64(item.number))])
            }
            if output.json {
                Terminal.line(item.value(today: Actions.today).prettyJSON)
            } else {
                Terminal.line("action item #\(item.number) for \(owner): \(item.title)")
            }
            return .pass
        }
    }
}

struct ActionSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes an action item: who, until when, how urgent, or that work has begun.",
        discussion: "Example: muster actions set 3 --doing --owner ivan")

    @Argument(help: "Its number.") var number: Int
    @Option(help: "Who does it.") var owner: String?
    @Option(help: "p1 (most urgent) to p4.", transform: Actions.word) var priority: ActionItem.Priority?
    @Option(help: "Until when, such as 2027-04-01.") var due: String?
    @Option(help: "Its ticket.") var ticket: String?
    @Option(help: "The name of the drill whose PASS proves it.") var drill: String?
    @Flag(help: "Somebody works on it.") var doing = false
    @Flag(help: "Open again, such as when it was closed too soon.") var reopen = false
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let store = try self.store.open(access: .readWrite)
            var item = try Actions.find(number, store)
            var words: [String] = []
            if let owner { (item.owner, words) = (owner, words + ["owner \(owner)"]) }
            if let priority { (item.priority, words) = (priority, words + [priority.rawValue]) }
            if let day = try Actions.day(due) { (item.due, words) = (day, words + ["due \(day.text)"]) }
            if let ticket { (item.ticket, words) = (ticket, words + ["ticket \(ticket)"]) }
            if let drill { (item.verifyingDrill, words) = (drill, words + ["proven by \(drill)"]) }
            guard !item.status.isClosed || reopen else {
                throw Refusal(
                    .refused, "action item #\(number) is \(item.status.rawValue)", advice: "add --reopen")
            }
            if doing || reopen {
                item.status = doing ? .doing : .open
                words.append(item.status.rawValue)
                (item.closedUTC, item.closedBy, item.evidenceOutcome, item.evidenceNote) = (
                    nil, nil, nil, nil
                )
            }
            guard !words.isEmpty else {
                throw Refusal(.usage, "nothing to change", advice: "such as --due 2027-04-01")
            }
            let who = speaker.person ?? RunHeaders.actor
            try store.change(
                item,
                ActionChange(
                    utc: SystemTimekeeper().utcNanoseconds(), actor: who, status: item.status,
                    text: words.joined(separator: ", ")))
            Terminal.line("action item #\(number): \(words.joined(separator: ", "))")
            return .pass
        }
    }
}

struct ActionCloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "Closes an action item, with what proves it: a later PASS of its drill, or a note.",
        discussion: """
            Example: muster actions close 3 --outcome 42
                     muster actions close 3 --note "alert added, seen in the test of 3 April"
                     muster actions close 4 --drop --note "the service is switched off in May"
            """)

    @Argument(help: "Its number.") var number: Int
    @Option(help: "The outcome that passed since.") var outcome: Int?
    @Option(help: "What shows that it is done, where no drill can.") var note: String?
    @Flag(help: "Nobody will do it; the note says why.") var drop = false
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let store = try self.store.open(access: .readWrite)
            var item = try Actions.find(number, store)
            guard !item.status.isClosed else {
                throw Refusal(
                    .refused, "action item #\(number) is \(item.status.rawValue) already", advice: "")
            }
            if let outcome { try require(outcome, proves: item, store) }
            guard outcome != nil && !drop || note?.isEmpty == false else {
                throw Refusal(
                    .refused, "nothing shows that it is \(drop ? "not needed" : "done")",
                    advice: drop
                        ? "--note WHY"
                        : "--outcome N of a later PASS"
                            + (item.verifyingDrill.map { " of \($0)" } ?? "") + ", or --note TEXT")
            }
            let who = speaker.person ?? RunHeaders.actor
            item.status = drop ? .dropped : .done
            item.closedUTC = SystemTimekeeper().utcNanoseconds()
            item.closedBy = who
            item.evidenceOutcome = outcome
            item.evidenceNote = note.map { hidingPasswords($0) }
            let evidence = [outcome.map { "outcome #\($0) passed" }, item.evidenceNote].compactMap { $0 }
                .joined(separator: "; ")
            try store.change(
                item, ActionChange(utc: item.closedUTC ?? 0, actor: who, status: item.status, text: evidence))
            Terminal.line("action item #\(number) is \(item.status.rawValue): \(evidence)")
            return .pass
        }
    }

    /// A PASS of the drill that was named, begun after the item was opened.
    private func require(_ number: Int, proves item: ActionItem, _ store: OutcomeStore) throws {
        guard let found = try store.summaries(limit: nil).first(where: { $0.number == number }) else {
            throw Refusal(.usage, "there is no outcome #\(number)", advice: "muster outcomes")
        }
        guard found.verdict == .pass, found.exitCode == Status.pass.rawValue else {
            throw Refusal(
                .refused, "outcome #\(number) did not pass",
                advice: "run the drill again, or close it with --note")
        }
        if let drill = item.verifyingDrill, found.drill != drill {
            throw Refusal(
                .refused, "outcome #\(number) is of \(found.drill), and \(drill) is what proves it",
                advice: "an outcome of \(drill)")
        }
        guard found.startedAtUTC > item.openedUTC else {
            throw Refusal(
                .refused, "outcome #\(number) is from before the item was opened",
                advice: "run the drill again")
        }
    }
}

enum Actions {
    /// Days since 1970-01-01, UTC.
    static var today: Int64 { SystemTimekeeper().utcNanoseconds() / 86_400_000_000_000 }

    static func find(_ number: Int, _ store: OutcomeStore) throws -> ActionItem {
        guard let item = try store.actions().first(where: { $0.number == number }) else {
            throw Refusal(.usage, "there is no action item #\(number)", advice: "muster actions --all")
        }
        return item
    }

    /// A word out of a closed set, as an option's value.
    @Sendable static func word<Word: FormWord>(_ text: String) throws -> Word {
        guard let word = Word(rawValue: text) else {
            throw ValidationError("'\(text)' is not \(Word.shape.inWords)")
        }
        return word
    }

    static func day(_ text: String?) throws -> CivilDate? {
        guard let text else { return nil }
        guard let day = CivilDate(text) else {
            throw Refusal(.usage, "--due \(text): not a day", advice: "such as --due 2027-04-01")
        }
        return day
    }
}

extension ActionItem {
    func value(today: Int64) -> Value {
        [
            "number": .int(Int64(number)), "id": .text(id), "title": .text(title),
            "kind": .text(kind.rawValue),
            "owner": .text(owner), "priority": .text(priority.rawValue),
            "due": due.map { .text($0.text) } ?? .null, "overdue": .bool(isOverdue(today: today)),
            "ticket": ticket.map { .text($0) } ?? .null, "status": .text(status.rawValue),
            "verifyingDrill": verifyingDrill.map { .text($0) } ?? .null,
            "gameDay": gameDay.map { .text($0) } ?? .null, "entry": entry.map { .int(Int64($0)) } ?? .null,
            "opened": .text(utcText(nanoseconds: openedUTC)),
            "closed": closedUTC.map { .text(utcText(nanoseconds: $0)) } ?? .null,
            "closedBy": closedBy.map { .text($0) } ?? .null,
            "evidenceOutcome": evidenceOutcome.map { .int(Int64($0)) } ?? .null,
            "evidenceNote": evidenceNote.map { .text($0) } ?? .null,
        ]
    }
}
