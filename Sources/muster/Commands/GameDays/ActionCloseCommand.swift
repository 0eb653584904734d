import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

struct ActionCloseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "Closes an action item, with what proves it: a later PASS of its drill, or a note.",
        discussion: """
            Example: muster actions close 3 --outcome 42
                     muster actions close 3 --note "alert added, seen in the test of 3 April"
                     muster actions close 4 --drop --note "the service is switched off in May"
            """)

    @Argument(help: "Its number.") var number: Int
    @Option(help: "The outcome that passed since.") var outcome: Int?
    @Option(help: "What shows that it is done, where no drill can.") var note: String?
    @Flag(help: "Nobody will do it; the note says why.") var drop = false
    @OptionGroup var speaker: SpeakerOptions
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let store = try self.store.open(access: .readWrite)
            var item = try Actions.find(number, store)
            guard !item.status.isClosed else {
                throw Refusal(
                    .refused, "action item #\(number) is \(item.status.rawValue) already", advice: "")
            }
            if let outcome { try require(outcome, proves: item, store) }
            guard outcome != nil && !drop || note?.isEmpty == false else {
                throw Refusal(
                    .refused, "nothing shows that it is \(drop ? "not needed" : "done")",
                    advice: drop
                        ? "--note WHY"
                        : "--outcome N of a later PASS"
                            + (item.verifyingDrill.map { " of \($0)" } ?? "") + ", or --note TEXT")
            }
            let who = speaker.person ?? RunHeaders.actor
            item.status = drop ? .dropped : .done
            item.closedUTC = SystemTimekeeper().utcNanoseconds()
            item.closedBy = who
            item.evidenceOutcome = outcome
            item.evidenceNote = note.map { hidingPasswords($0) }
            let evidence = [outcome.map { "outcome #\($0) passed" }, item.evidenceNote].compactMap { $0 }
                .joined(separator: "; ")
            try store.change(
                item, ActionChange(utc: item.closedUTC ?? 0, actor: who, status: item.status, text: evidence))
            try Actions.renewReport(of: item, store)
            Terminal.line("action item #\(number) is \(item.status.rawValue): \(evidence)")
            return .pass
        }
    }

    /// A PASS of the drill that was named, begun after the item was opened.
    private func require(_ number: Int, proves item: ActionItem, _ store: OutcomeStore) throws {
        guard let found = try store.summaries(limit: nil).first(where: { $0.number == number }) else {
            throw Refusal(.usage, "there is no outcome #\(number)", advice: "muster outcomes")
        }
        guard found.verdict == .pass, found.exitCode == Status.pass.rawValue else {
            throw Refusal(
                .refused, "outcome #\(number) did not pass",
                advice: "run the drill again, or close it with --note")
        }
        if let drill = item.verifyingDrill, found.drill != drill {
            throw Refusal(
                .refused, "outcome #\(number) is of \(found.drill), and \(drill) is what proves it",
                advice: "an outcome of \(drill)")
        }
        guard found.startedAtUTC > item.openedUTC else {
            throw Refusal(
                .refused, "outcome #\(number) is from before the item was opened",
                advice: "run the drill again")
        }
    }
}
