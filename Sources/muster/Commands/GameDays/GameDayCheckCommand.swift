import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterSystem

struct GameDayCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract:
            "Whether a game day can be held: its file, what each drill would touch, and whether it fits.",
        discussion: """
            Example: muster gameday check drills/gamedays/failover.yaml

            Breaks nothing. A day that is found free of errors is on record as planned from then on;
            `muster lint` looks at the file alone and records nothing.
            """)

    @OptionGroup var place: GameDayPlace
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let file = try GameDayFile(place.file)
            let examination = file.examine(now: Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds()))
            let lint = Linter.Result(
                path: file.path, source: file.text, errors: examination.errors, warnings: examination.warnings
            )
            if !output.json { Terminal.write(lint.text) }
            guard let day = examination.gameDay else {
                if output.json { Terminal.line(lint.value.prettyJSON) }
                return .usage
            }
            let plans = try day.drills.map { card in
                (card, try DrillPlan(load(card, file)))
            }
            let isPossible = plans.allSatisfy { $0.1.isPossible }
            if isPossible { try plan(day, examination.longest) }
            if output.json {
                show(json: lint, day, examination.longest, plans)
            } else {
                show(day, examination.longest, plans)
            }
            return isPossible ? .pass : .refused
        }
    }

    private func load(_ card: GameDay.Card, _ file: GameDayFile) throws -> PreparedDrill {
        try DrillLoader(path: file.drillPath(card), variables: card.variables, state: state).load(.plan)
    }

    private func plan(_ day: GameDay, _ longest: Duration) throws {
        let opened = try place.open(makesRecord: true)
        guard opened.record.state == .draft else { return }
        try opened.desk.step(
            to: .planned, from: .draft,
            "checked: \(Observing.count(day.drills.count, "drill")), at most \(longest.forPeople)",
            by: .init(name: RunHeaders.actor, role: day.roster.roles(of: RunHeaders.actor).first))
    }

    private func show(_ day: GameDay, _ longest: Duration, _ plans: [(GameDay.Card, DrillPlan)]) {
        let zone = (try? ZoneDirectory.rules(day.zone)) ?? .utc
        Terminal.line(Terminal.styled(day.title, .bold) + "  (\(day.name), \(day.environment.rawValue))")
        Terminal.labelled("why", day.purpose)
        Terminal.labelled(
            "when",
            "\(ScheduleText.local(day.starts, zone)) to \(ScheduleText.local(day.ends, zone)) \(day.zone); it takes at "
                + "most \(longest.forPeople) of \((day.ends - day.starts).forPeople)")
        Terminal.labelled(
            "who",
            day.roster.people.map { name in
                "\(name) (\(day.roster.roles(of: name).map(\.rawValue).joined(separator: ", ")))"
            }.joined(separator: ", "))
        if !day.roster.absent.isEmpty {
            Terminal.labelled("absent", day.roster.absent.joined(separator: ", ") + ", on purpose")
        }
        for (position, (card, plan)) in plans.enumerated() {
            Terminal.line("\n\(position + 1). " + Terminal.styled(card.title, .bold) + "  (\(card.name))")
            Terminal.labelled("  breaks", card.failure, indent: 12)
            Terminal.labelled("  impact", card.impact, indent: 12)
            Terminal.labelled("  response", card.response, indent: 12)
            for item in plan.breaks {
                for touch in item.touches { Terminal.labelled("  touches", touch, indent: 12) }
                if let refusal = item.refusal {
                    Terminal.labelled("  REFUSED", "\(refusal.message); \(refusal.advice)", indent: 12, .red)
                }
            }
        }
    }

    private func show(
        json lint: Linter.Result, _ day: GameDay, _ longest: Duration, _ plans: [(GameDay.Card, DrillPlan)]
    ) {
        var map = lint.value.asMap ?? [:]
        map["gameDay"] = .text(day.name)
        map["longestNanoseconds"] = .int(longest.nanoseconds)
        map["windowNanoseconds"] = .int((day.ends - day.starts).nanoseconds)
        map["drills"] = .list(
            plans.map { card, plan in
                var value = plan.value.asMap ?? [:]
                value["name"] = .text(card.name)
                return .map(value)
            })
        Terminal.line(Value.map(map).prettyJSON)
    }
}
