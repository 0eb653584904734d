import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct NoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "note",
        abstract: "Writes something into the timeline of the game day, or drill, that is under way.",
        discussion: """
            Example: muster note "failover started"
                     muster note "the page came" --at 10:42 --as mika
                     muster note "it was the replica" --correct 17
            """)

    @OptionGroup var remark: RemarkOptions

    func run() throws { try carryOut { try remark.write(.note) } }
}

struct TodoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "todo",
        abstract: "Something that must be done later; `muster actions add --from` makes an item of it.",
        discussion: "Example: muster todo \"no page was sent\"")

    @OptionGroup var remark: RemarkOptions

    func run() throws { try carryOut { try remark.write(.todo) } }
}

struct DecisionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "What was decided.",
        discussion: "Example: muster decision \"we fail over\" --as ivan --role ic")

    @OptionGroup var remark: RemarkOptions

    func run() throws { try carryOut { try remark.write(.decision) } }
}

struct FindingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finding", abstract: "What was found out; --critical is told to everybody at once.",
        discussion: "Example: muster finding --critical \"backups have been empty since May\"")

    @Flag(help: "Must be known before the report.") var critical = false
    @OptionGroup var remark: RemarkOptions

    func run() throws {
        try carryOut { try remark.write(.finding, detail: GameDayFinding(isCritical: critical).value) }
    }
}

/// Something that a person says during a day or a drill.
struct RemarkOptions: ParsableArguments {
    @Argument(help: "What happened.") var text: String
    @Option(help: "When it happened: 10:42 today, 2027-03-18T10:42 in the day's zone, or …Z in UTC.") var at:
        String?
    @Option(
        help: ArgumentHelp("Corrects the entry of this number, which stays on record.", valueName: "entry"))
    var correct: Int?
    @Option(help: ArgumentHelp("Which game day, where several are under way.", valueName: "name"))
    var gameDay: String?
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func write(_ kind: GameDayEntry.Kind, detail: Value = .null) throws -> Status {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, text.utf8.count <= 16_384 else {
            throw Refusal(.usage, "nothing to write, or more than 16 KiB", advice: "some words")
        }
        let store = try self.store.open(access: .readWrite)
        if gameDay == nil, try GameDayChoice.underWay(store) == nil {
            return try write(kind, text, toRunOf: store, isCritical: detail["critical"] == true)
        }
        let chosen = try GameDayChoice.find(gameDay, self.store, access: .readWrite)
        let speaker = try speaker.speaker(chosen.roster)
        let zone = (try? ZoneDirectory.rules(chosen.record.zone)) ?? .utc
        let happened = try at.map { try SpokenTime.read($0, zone: zone, now: chosen.desk.now) }
        let entry = try chosen.desk.add(
            kind, text, by: speaker, detail: detail, run: chosen.record.runUnderWay,
            happened: happened?.utcNanoseconds, corrects: correct)
        if kind == .finding, detail["critical"] == true {
            let record = try chosen.desk.record()
            let words = "\(record.prefix): critical finding of \(speaker.name)"
            try chosen.desk.add(.comm, "\(words): \(text)")
            Notifier(project: chosen.project).tell(
                ofFinding: text, words, ["gameDay": .text(record.header.name)], in: chosen.store)
        }
        if output.json {
            Terminal.line(entry.value.prettyJSON)
        } else {
            Terminal.line(
                "\(kind.rawValue) \(entry.sequence) of '\(chosen.record.header.name)': \(entry.text)")
        }
        return .pass
    }

    private func write(
        _ kind: GameDayEntry.Kind, _ text: String, toRunOf store: OutcomeStore, isCritical: Bool
    ) throws -> Status {
        guard let run = try store.summaries(limit: 20).first(where: \.isRunning) else {
            throw Refusal(
                .usage, "no game day and no drill is under way",
                advice: "--game-day NAME for one that is over")
        }
        guard correct == nil, at == nil else {
            throw Refusal(.usage, "--at and --correct are for game days", advice: "leave them out")
        }
        let clock = SystemTimekeeper()
        let name = speaker.person ?? RunHeaders.actor
        let event = Event(
            .note, at: clock.monotonic(), utc: clock.utcNanoseconds(),
            subject: kind == .note ? "" : kind.rawValue,
            actor: name, text: hidingPasswords(kind == .note ? text : "\(kind.rawValue): \(text)"))
        try store.append([event], to: run.id)
        if isCritical {
            let detail: [String: Value] = [
                "drill": .text(run.drill), "run": .text(run.id), "outcome": .int(Int64(run.number)),
            ]
            Notifier(project: .current).tell(
                ofFinding: text, "critical finding of \(name), drill '\(run.drill)'", detail, in: store)
        }
        Terminal.line("\(kind.rawValue) in outcome #\(run.number): \(event.text)")
        return .pass
    }
}

/// A time as people say it.
enum SpokenTime {
    /// - Throws: `Refusal` for what is no time, and for the future: nothing has happened then.
    static func read(_ text: String, zone: ZoneRules, now: Moment) throws -> Moment {
        let found: Moment
        if let time = TimeOfDay(text) {
            found = zone.moment(of: LocalTime(day: zone.local(at: now).day, secondOfDay: time.second))
        } else if text.hasSuffix("Z"), let time = LocalTime(String(text.dropLast())) {
            found = Moment(seconds: time.seconds)
        } else if let time = LocalTime(text) {
            found = zone.moment(of: time)
        } else {
            throw Refusal(
                .usage, "--at \(text): not a time",
                advice: "10:42, 2027-03-18T10:42, or 2027-03-18T09:42Z for UTC")
        }
        guard found <= now else {
            throw Refusal(.usage, "--at \(text) has not come yet", advice: "a time that is over")
        }
        guard found.seconds >= 0 else {
            throw Refusal(.usage, "--at \(text) is before 1970", advice: "a time of the game day")
        }
        return found
    }
}
