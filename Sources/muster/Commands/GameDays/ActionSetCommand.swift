import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

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
            try Actions.renewReport(of: item, store)
            Terminal.line("action item #\(number): \(words.joined(separator: ", "))")
            return .pass
        }
    }
}
