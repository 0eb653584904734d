import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

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
                // Most of them are made of what the hot wash found, when it is over.
                chosen = try GameDayChoice.find(
                    gameDay, self.store, access: .readWrite, isAfterwards: true)
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
            try Actions.renewReport(of: item, store)
            if output.json {
                Terminal.line(item.value(today: Actions.today).prettyJSON)
            } else {
                Terminal.line("action item #\(item.number) for \(owner): \(item.title)")
            }
            return .pass
        }
    }
}
