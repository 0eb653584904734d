import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Says that a manual step is done, for a drill that runs in another terminal.",
        discussion: """
            Example: muster confirm --as kim --role ic --evidence CHG-7
                     muster confirm look --begun --as kim

            Whoever answers first, wins. Exit code 7: it was not taken, and why.
            """)

    @OptionGroup var answer: AnswerOptions
    @Option(help: "What the step asks for.") var evidence: String?
    @Flag(help: "Only say that you have begun: from now on it is work, and no longer waiting.") var begun =
        false

    func run() throws {
        try carryOut {
            try answer.carryOut { actions, question, attendee in
                if begun { return try actions.begin(question.number, by: attendee) }
                guard question.ask == nil || evidence?.isEmpty == false else {
                    throw Refusal(
                        .usage, "'\(question.step)' asks for \(question.ask ?? "evidence")",
                        advice: "add --evidence TEXT")
                }
                let reply = try actions.confirm(question.number, evidence: evidence, by: attendee)
                return try AnswerOptions.taken(reply, actions.words(reply, "confirmed"))
            }
        }
    }
}

struct RefuseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refuse",
        abstract: "Says that a manual step will not be done, and why: the runbook is given up.",
        discussion: "Example: muster refuse --reason \"the replica is behind\" --as kim --role ic")

    @OptionGroup var answer: AnswerOptions
    @Option(help: "Why.") var reason: String

    func run() throws {
        try carryOut {
            guard !reason.isEmpty else { throw Refusal(.usage, "--reason is empty", advice: "say why") }
            return try answer.carryOut { actions, question, attendee in
                let reply = try actions.refuse(question.number, reason: reason, by: attendee)
                return try AnswerOptions.taken(reply, actions.words(reply, "refused"))
            }
        }
    }
}

/// Which manual step is answered, and by whom.
struct AnswerOptions: ParsableArguments {
    @Argument(help: "The step's name, or the question's number (default: the one that is open).")
    var step: String?
    @Option(help: "The run, by number or id, or the game day (default: what is under way).") var run: String?
    @Option(name: .customLong("as"), help: "Who says so (default: this user).") var person: String?
    @Option(help: "A role that you hold; may be repeated.") var role: [String] = []
    @OptionGroup var store: StoreOptions

    func carryOut(_ body: (BoardActions, Question, Attendee) throws -> String) throws -> Status {
        let store = try self.store.open(access: .readWrite)
        let found = try AttachCommand.find(run, store, self.store)
        var source: BoardSource
        switch found {
        case .run(let run): source = try BoardSource(store, run: run)
        case .day(let day): source = BoardSource(store, day: day, viewer: "")
        }
        try source.look()
        let attendee = try BoardActions.attendee(
            person ?? RunHeaders.actor, role, found.day ?? day(of: source, store))
        let question = try choose(source)
        Terminal.line(try body(BoardActions(store, day: found.day), question, attendee))
        return .pass
    }

    /// A run of a game day that was named by itself: who may answer is still said by its roster.
    private func day(of source: BoardSource, _ store: OutcomeStore) throws -> GameDayChoice.Chosen? {
        guard let run = source.follower?.watched.run.id,
            let day = try store.gameDaysUnderWay().first(where: { $0.runUnderWay == run })
        else { return nil }
        return try GameDayChoice.find(day.header.id, self.store, access: .readOnly, in: store)
    }

    private func choose(_ source: BoardSource) throws -> Question {
        guard let follower = source.follower else {
            throw Refusal(.usage, "no drill runs, so that no step waits", advice: "muster attach")
        }
        guard let step else {
            guard let first = follower.questions.first else {
                throw Refusal(
                    .refused, "no manual step of outcome #\(follower.watched.run.number) waits for an answer",
                    advice: "muster attach shows what it is doing")
            }
            guard follower.questions.count == 1 else {
                throw Refusal(
                    .usage, "several steps wait: " + follower.questions.map(\.step).joined(separator: ", "),
                    advice: "name one of them")
            }
            return first
        }
        let named = follower.questions.first { $0.step == step || "\($0.number)" == step }
        if let named { return named }
        throw Refusal(
            .refused, "no manual step '\(step)' waits for an answer (any more)",
            advice: follower.questions.isEmpty
                ? "muster attach shows what the run is doing"
                : "there is: " + follower.questions.map(\.step).joined(separator: ", "))
    }

    /// - Throws: `Refusal` for an answer that does not count.
    static func taken(_ reply: QuestionReply, _ words: String) throws -> String {
        if case .taken = reply { return words }
        throw Refusal(.refused, words, advice: "muster attach shows how it stands")
    }
}
