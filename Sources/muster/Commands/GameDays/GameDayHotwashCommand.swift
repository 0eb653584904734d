import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct GameDayHotwashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hotwash",
        abstract:
            "Right after a game day: what went well, poorly, luckily; what surprised; what to do next time.",
        discussion: """
            Example: muster gameday hotwash failover
                     muster gameday hotwash failover --well "the page came" --feedback "too long" --as mika
                     muster gameday hotwash failover --done
            """)

    @OptionGroup var choice: GameDayChoice
    @Option(help: "What went well.") var well: [String] = []
    @Option(help: "What went poorly.") var poorly: [String] = []
    @Option(help: "Where there was luck.") var lucky: [String] = []
    @Option(help: "What surprised, and why.") var surprised: [String] = []
    @Option(help: "What to do better in the next game day.") var next: [String] = []
    @Option(help: "What this person says of the day itself.") var feedback: [String] = []
    @Flag(help: "The hot wash is over; the report can be made.") var done = false
    @OptionGroup var speaker: SpeakerOptions

    func run() throws {
        try carryOut {
            let chosen = try choice.find()
            let speaker = try speaker.speaker(chosen.roster)
            var remarks: [(HotwashRemark.Section, [String])] = [
                (.well, well), (.poorly, poorly), (.lucky, lucky), (.surprised, surprised), (.next, next),
                (.feedback, feedback),
            ]
            let isAsked = remarks.allSatisfy(\.1.isEmpty) && !done
            if isAsked, !PersonAsker.isThere {
                throw Refusal(
                    .refused, "nothing was said, and there is no terminal to ask at",
                    advice: "--well TEXT, --poorly, --lucky, --surprised, --next, --feedback, --done")
            }
            if chosen.record.state != .hotwash {
                try chosen.desk.step(to: .hotwash, "people say what they saw", by: speaker)
            }
            var isOver = done
            if isAsked {
                remarks = try ask(chosen)
                isOver = try PersonAsker().yes("? is the hot wash over?") ?? false
            }
            for (section, texts) in remarks {
                for text in texts where !text.isEmpty {
                    try chosen.desk.add(.hotwash, text, by: speaker, detail: HotwashRemark(section).value)
                }
            }
            let count = remarks.reduce(0) { $0 + $1.1.count }
            Terminal.line("\(Observing.count(count, "remark")) kept")
            if isOver {
                try chosen.desk.step(to: .reported, from: .hotwash, "the hot wash is over", by: speaker)
                Terminal.line("the hot wash is over; `muster gameday close` closes the day")
            }
            GameDayReportFiles.renew(
                try chosen.desk.record(), chosen.roster, chosen.store, chosen.project, shows: isOver)
            return .pass
        }
    }

    private func ask(_ chosen: GameDayChoice.Chosen) throws -> [(HotwashRemark.Section, [String])] {
        let questions: [(HotwashRemark.Section, String)] = [
            (.well, "What went well?"), (.poorly, "What went poorly?"), (.lucky, "Where was there luck?"),
            (.surprised, "What surprised, and why?"), (.next, "What to do better next time?"),
            (.feedback, "And the day itself?"),
        ]
        let todos = chosen.record.entries.filter { $0.kind == .todo }
        for todo in todos { Terminal.line("  todo \(todo.sequence): \(todo.text)") }
        Terminal.line("One remark a line; an empty line goes on.")
        return try questions.map { section, question in
            Terminal.line(Terminal.styled(question, .bold))
            var texts: [String] = []
            while let line = try PersonAsker().line("\(section.rawValue)>"), !line.isEmpty {
                texts.append(line)
            }
            return (section, texts)
        }
    }
}

struct GameDayCloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "Closes a game day; its owner does, once people have said what they saw.",
        discussion: "Example: muster gameday close failover --as ada")

    @OptionGroup var choice: GameDayChoice
    @OptionGroup var speaker: SpeakerOptions

    func run() throws {
        try carryOut {
            let chosen = try choice.find(isAfterwards: true)
            let speaker = try speaker.speaker(chosen.roster)
            guard chosen.roster.holds(speaker.name, .owner) else {
                throw Refusal(
                    .refused, "'\(speaker.name)' is not its owner",
                    advice: "--as " + chosen.roster[.owner].joined(separator: ", "))
            }
            let record = chosen.record
            let hasHotwash = record.entries.contains { $0.state == .reported }
            if !hasHotwash, record.drillEvents.contains(where: { $0.event.phase == .started }) {
                throw Refusal(
                    .refused, "drills of it ran, and nobody has said what they saw",
                    advice: "muster gameday hotwash \(record.header.name)")
            }
            let made = Set(
                try chosen.store.actions().filter { $0.gameDay == record.header.id }.compactMap(\.entry))
            let open = record.timeline.filter { $0.kind == .todo && !made.contains($0.sequence) }
            try chosen.desk.step(to: .closed, "closed", by: .init(name: speaker.name, role: .owner))
            Terminal.line("game day #\(record.number) '\(record.header.name)' is closed")
            GameDayReportFiles.renew(
                try chosen.desk.record(), chosen.roster, chosen.store, chosen.project)
            if !open.isEmpty {
                Terminal.line(
                    "\(Observing.count(open.count, "todo")) of it became no action item: "
                        + open.map { "\($0.sequence)" }.joined(separator: ", "))
            }
            return .pass
        }
    }
}
