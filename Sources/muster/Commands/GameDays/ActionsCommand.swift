import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
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
            ActionListCommand.self, ActionShowCommand.self, ActionAddCommand.self, ActionSetCommand.self,
            ActionCloseCommand.self,
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

enum Actions {
    /// Days since 1970-01-01, UTC.
    static var today: Int64 { SystemTimekeeper().utcNanoseconds() / 86_400_000_000_000 }

    static func find(_ number: Int, _ store: OutcomeStore) throws -> ActionItem {
        guard let item = try store.actions().first(where: { $0.number == number }) else {
            throw Refusal(.usage, "there is no action item #\(number)", advice: "muster actions --all")
        }
        return item
    }

    /// The report of the game day that an item is of names it as well: where one was written, it is written anew.
    static func renewReport(of item: ActionItem, _ store: OutcomeStore) throws {
        guard let id = item.gameDay, let record = try store.gameDay(id) else { return }
        let hasReport = record.entries.contains { entry in
            entry.state.map { [.hotwash, .aborted, .converted, .reported, .closed].contains($0) } == true
        }
        guard hasReport else { return }
        let project = Project.current
        GameDayReportFiles.renew(
            record, GameDayChoice.roster(record, project), store, project, shows: false)
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
