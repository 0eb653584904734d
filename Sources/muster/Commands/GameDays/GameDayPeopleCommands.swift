import ArgumentParser
import MusterCore
import MusterDrills

struct GameDayJoinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Somebody is here from now on; kept with the time.",
        discussion: "Example: muster gameday join --as mika")

    @OptionGroup var choice: GameDayChoice
    @OptionGroup var speaker: SpeakerOptions

    func run() throws { try carryOut { try Attendance.note(isHere: true, choice, speaker) } }
}

struct GameDayLeaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "Somebody is gone from now on; kept with the time.",
        discussion: "Example: muster gameday leave --as mika")

    @OptionGroup var choice: GameDayChoice
    @OptionGroup var speaker: SpeakerOptions

    func run() throws { try carryOut { try Attendance.note(isHere: false, choice, speaker) } }
}

private enum Attendance {
    static func note(isHere: Bool, _ choice: GameDayChoice, _ options: SpeakerOptions) throws -> Status {
        let chosen = try choice.find()
        let speaker = try options.speaker(chosen.roster)
        if chosen.roster.absent.contains(speaker.name), isHere {
            throw Refusal(
                .refused, "'\(speaker.name)' is absent from this game day, on purpose",
                advice: "see `absent:` in its file")
        }
        let isPresent = chosen.record.attendance.contains { $0.name == speaker.name && $0.toUTC == nil }
        guard isPresent != isHere else {
            throw Refusal(
                .refused, "'\(speaker.name)' is \(isHere ? "here already" : "not here")",
                advice: "muster gameday show")
        }
        let role = speaker.role.map { " as \($0.rawValue)" } ?? ""
        let words = isHere ? "\(speaker.name) came\(role)" : "\(speaker.name) left"
        try chosen.desk.add(
            .attendance, words, by: speaker,
            detail: GameDayAttendance(name: speaker.name, isHere: isHere).value)
        Terminal.line(words)
        return .pass
    }
}
