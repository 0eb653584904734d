import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct GameDayPreflightCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preflight",
        abstract:
            "Looks whether all is ready, and asks people what no machine can see. Exit code 7 when not.",
        discussion: """
            Example: muster gameday preflight failover
                     muster gameday preflight failover --confirm roster --confirm customers-told --as ivan
                     muster gameday preflight failover --override window --reason "moved by an hour" --as grace

            What blocks can be overridden by an approver, by name and with a reason; both are on record.
            """)

    @OptionGroup var place: GameDayPlace
    @Option(help: ArgumentHelp("Says yes to an item that is asked.", valueName: "item")) var confirm:
        [String] = []
    @Option(help: ArgumentHelp("Lets an item pass that blocks.", valueName: "item")) var override: [String] =
        []
    @Option(help: "Why it is overridden.") var reason: String?
    @Option(name: .customLong("as"), help: "Who says so (default: this user).") var person: String?
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let opened = try place.open()
            try opened.requireApproval()
            if opened.record.state != .preflight {
                try opened.desk.step(
                    to: .preflight, from: opened.record.state,
                    "people and machines are asked whether all is ready")
            }
            let people = PreflightPeople(
                opened: opened, person: person ?? RunHeaders.actor, confirmed: confirm, overridden: override,
                reason: reason)
            let asks = PersonAsker.isThere && !output.json
            let automatic = Preflight(
                file: opened.file, day: opened.day, store: opened.desk.store, state: state
            ).items()
            try people.check(against: automatic)
            let known = try opened.desk.record().preflight
            var items = try automatic.map { try people.overriding($0, known, asks: false) }
            for item in items { try keep(item, opened, people.person) }
            items += try people.answers(known, asks: asks).map { item, speaker in
                try keep(item, opened, speaker.name, speaker)
                return item
            }
            show(items)
            let blocking = items.filter(\.blocks)
            guard blocking.isEmpty else {
                if !output.json {
                    Terminal.complain(
                        "\(Observing.count(blocking.count, "item")) block: "
                            + blocking.map(\.name).joined(separator: ", "),
                        advice:
                            "put it right and look again; --confirm what is asked; or --override ITEM --reason WHY "
                            + "--as an approver")
                }
                return .refused
            }
            try opened.desk.step(to: .goNoGo, from: .preflight, "nothing blocks; \(Self.count(items))")
            return .pass
        }
    }

    private static func count(_ items: [PreflightItem]) -> String {
        let words: [(String, Int)] = [
            ("ok", items.count { $0.status == .ok }), ("warnings", items.count { $0.status == .warn }),
            ("overridden", items.count { $0.override != nil }),
        ]
        return words.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
    }

    private func keep(
        _ item: PreflightItem, _ opened: GameDayPlace.Opened, _ name: String,
        _ speaker: GameDayDesk.Speaker? = nil
    ) throws {
        var who = speaker ?? .muster
        if let override = item.override { who = .init(name: override.name, role: .approver) }
        try opened.desk.add(
            .preflight,
            "\(item.name): \(item.text)" + (item.override.map { "; overridden: \($0.reason)" } ?? ""),
            by: who,
            detail: item.value)
    }

    private func show(_ items: [PreflightItem]) {
        if output.json {
            Terminal.line(Value.list(items.map(\.value)).prettyJSON)
            return
        }
        for item in items {
            let label = item.override == nil ? item.status.rawValue : "over"
            let style: Terminal.Style = item.blocks ? .red : item.status == .ok ? .green : .yellow
            let over = item.override.map { "; overridden by \($0.name): \($0.reason)" } ?? ""
            Terminal.labelled(label.uppercased(), "\(item.name): \(item.text)\(over)", indent: 7, style)
        }
    }
}
