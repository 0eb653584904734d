import ArgumentParser
import MusterCore
import MusterDrills
import MusterOutcomes

struct GameDayApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Allows a game day: its file, drills, runbooks and expectations exactly as they are now.",
        discussion: """
            Example: muster gameday approve failover --as grace --ticket CHG-1

            All texts are kept. An edit of any of them voids the approval. On tier 1 nobody approves what they drew up.
            """)

    @OptionGroup var place: GameDayPlace
    @Option(name: .customLong("as"), help: "Who approves; one of roles.approvers.") var person: String
    @Option(help: "The change ticket.") var ticket: String?

    func run() throws {
        try carryOut {
            let opened = try place.open()
            let (day, desk) = (opened.day, opened.desk)
            let speaker = try opened.speaker(person, "approve it") { $0 == .approver }
            if day.tier == 1, person == day.author {
                throw Refusal(
                    .refused, "'\(person)' drew it up, and it is of tier 1",
                    advice: "somebody else must approve it")
            }
            let documents = try opened.file.documents(day)
            let approval = GameDayApproval(
                name: person, ticket: ticket, planHash: GameDayFile.planHash(documents), title: day.title,
                zone: day.zone)
            if opened.record.state == .approved, opened.record.approval?.planHash == approval.planHash {
                throw Refusal(
                    .refused, "exactly this is approved already, by \(opened.record.approval?.name ?? "")",
                    advice: "")
            }
            // Approved, and edited since.
            if opened.record.state != .planned, opened.record.state.next.contains(.planned) {
                let edits = GameDayFile.edits(opened.record.documents, documents).joined(separator: "; ")
                try desk.step(
                    to: .planned, from: opened.record.state,
                    edits.isEmpty ? "it is to be approved again" : "the earlier approval is void: \(edits)",
                    by: speaker)
            }
            let words = "approved by \(person)" + (ticket.map { ", ticket \($0)" } ?? "")
            try GameDayDesk.refusing {
                try desk.store.approve(
                    desk.entry(.approval, words, by: speaker, detail: approval.value),
                    desk.entry(
                        .state,
                        "\(words): \(Observing.count(documents.count, "text")), plan \(approval.planHash.prefix(12))",
                        by: speaker, state: .approved),
                    documents, gameDay: desk.id)
            }
            Terminal.line("game day #\(opened.record.number) '\(day.name)' is \(words)")
            for document in documents {
                Terminal.line("  \(document.hash.prefix(12))  \(document.kind.rawValue) \(document.path)")
            }
            return .pass
        }
    }
}
