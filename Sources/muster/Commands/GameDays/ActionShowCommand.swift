import ArgumentParser
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes

struct ActionShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "An action item, and everything that was done with it: who, when, what proves it.",
        discussion: "Example: muster actions show 3")

    @Argument(help: "Its number.") var number: Int
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let store = try self.store.open()
            let item = try Actions.find(number, store)
            let changes = try store.changes(ofAction: item.id)
            let broken = try store.firstBrokenChange(ofAction: item.id)
            if output.json {
                var map = item.value(today: Actions.today).asMap ?? [:]
                map["chain"] = broken.map { .text("broken at change \($0)") } ?? "intact"
                map["changes"] = .list(
                    changes.map {
                        [
                            "utc": .text(utcText(nanoseconds: $0.utc)), "actor": .text($0.actor),
                            "status": .text($0.status.rawValue), "text": .text($0.text),
                        ]
                    })
                Terminal.line(Value.map(map).prettyJSON)
                return .pass
            }
            Terminal.line(Terminal.styled("#\(item.number) \(RunbookText.visible(item.title))", .bold))
            Terminal.labelled("status", item.status.rawValue)
            Terminal.labelled("owner", item.owner)
            Terminal.labelled("due", item.due?.text ?? "-")
            if let ticket = item.ticket { Terminal.labelled("ticket", ticket) }
            if let drill = item.verifyingDrill { Terminal.labelled("proof", "a PASS of \(drill)") }
            for change in changes {
                let time = utcText(nanoseconds: change.utc).prefix(19)
                Terminal.line(
                    "  \(time)Z  \(change.status.rawValue)  \(change.actor): \(RunbookText.visible(change.text))"
                )
            }
            if let broken {
                Terminal.line(Terminal.styled("change \(broken) is not as it was written", .red))
            }
            return .pass
        }
    }
}
