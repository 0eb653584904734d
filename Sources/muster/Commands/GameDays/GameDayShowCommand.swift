import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct GameDayShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "A game day as it is on record: people, drills, and its whole timeline.",
        discussion: "Example: muster gameday show failover")

    @OptionGroup var choice: GameDayChoice
    @Option(name: .customLong("as"), help: "Who looks (default: this user); matters on a blind day.")
    var person: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let chosen = try GameDayChoice.findOrNewest(choice.gameDay, choice.store)
            let isBlind = GameDayText.isBlind(
                chosen.record, chosen.roster, to: person ?? RunHeaders.actor)
            let record = isBlind ? chosen.record.seenBlindly : chosen.record
            if output.json {
                var map = GameDayText.value(record).asMap ?? [:]
                map["chain"] =
                    try chosen.store.firstBrokenEntry(ofGameDay: record.header.id).map {
                        .text("broken at entry \($0)")
                    } ?? "intact"
                Terminal.line(Value.map(map).prettyJSON)
            } else {
                GameDayText.show(record)
                if let broken = try chosen.store.firstBrokenEntry(ofGameDay: record.header.id) {
                    Terminal.line(
                        Terminal.styled("\nentry \(broken) is not as it was written", .red))
                }
            }
            return .pass
        }
    }
}

struct GameDayListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Game days on record, newest first.",
        discussion: "Example: muster gameday list")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let project = Project.current
            let records = try store.openIfThere(project)?.gameDays() ?? []
            if output.json {
                Terminal.line(
                    Value.list(
                        records.map {
                            [
                                "number": .int(Int64($0.number)), "name": .text($0.header.name),
                                "title": .text($0.title), "state": .text($0.state.rawValue),
                                "created": .text(utcText(nanoseconds: $0.header.createdUTC)),
                            ]
                        }
                    ).prettyJSON)
                return .pass
            }
            if records.isEmpty {
                Terminal.line(
                    "No game day is on record. `muster gameday new drills/gamedays/NAME.yaml` makes one.")
                return .pass
            }
            var table = Table("#", "NAME", "STATE", "DRILLS", "BEGAN (UTC)", "TITLE")
            for record in records {
                table.add(
                    "\(record.number)", record.header.name, record.state.rawValue,
                    "\(Set(record.drillEvents.map(\.event.position)).count)",
                    String(utcText(nanoseconds: record.header.createdUTC).prefix(16)), record.title)
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}
