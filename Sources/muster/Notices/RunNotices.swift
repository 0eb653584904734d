import MusterCore
import MusterDrills
import MusterOutcomes

/// What a run tells people of: those that nobody watches, which a scheduler started or `--notify` was asked for.
final class RunNotices: @unchecked Sendable {
    private let notifier: Notifier
    private let header: RunHeader
    private let number: Int
    private let occurrence: String?
    private let writer: StoreWriter
    // Only touched by the sink of the run's events, which is called under a lock.
    private var wasAborted = false

    /// nil when nobody is to be told.
    init?(_ prepared: PreparedDrill, _ header: RunHeader, _ number: Int, _ writer: StoreWriter) {
        let notifier = Notifier(project: prepared.project)
        guard prepared.isUnattended, notifier.isUsed else { return nil }
        self.notifier = notifier
        self.header = header
        self.number = number
        self.writer = writer
        occurrence = prepared.occurrence
    }

    private var detail: [String: Value] {
        var detail: [String: Value] = [
            "drill": .text(header.drill), "run": .text(header.id), "outcome": .int(Int64(number)),
            "environment": .text(header.environment.rawValue),
        ]
        detail["service"] = header.service.map { .text($0) }
        detail["occurrence"] = occurrence.map { .text($0) }
        return detail
    }

    func begun() {
        writer.post(
            notifier.make(.start, "drill '\(header.drill)' began", "outcome #\(number)", detail), by: notifier
        )
    }

    /// Called with every event; quick.
    func see(_ event: Event) {
        guard event.kind == .abort, !wasAborted else { return }
        wasAborted = true
        writer.post(
            notifier.make(
                .abort, "drill '\(header.drill)' is aborted: \(event.text)",
                "everything is being put back; outcome #\(number)", detail), by: notifier)
    }

    /// After everything is put back and on record.
    func ended(_ closing: RunClosing, in store: OutcomeStore) {
        var detail = detail
        detail["verdict"] = .text(closing.judgement.verdict.rawValue)
        detail["exitCode"] = .int(Int64(closing.exitCode))
        detail["residue"] = .list(closing.residue.map { .text($0) })
        let verdict = notifier.make(
            .verdict, "drill '\(header.drill)': \(closing.judgement.verdict.rawValue.uppercased())",
            "\(closing.judgement.reason); outcome #\(number)", detail)
        tell(verdict, store)
        guard !closing.residue.isEmpty else { return }
        let residue = notifier.make(
            .residue, "SOMETHING IS STILL BROKEN after drill '\(header.drill)'",
            closing.residue.joined(separator: "\n") + "\nrun `muster undo` on \(header.host)", detail)
        tell(residue, store)
    }

    private func tell(_ notice: Notice, _ store: OutcomeStore) {
        do {
            try notifier.post(notice, in: store)
        } catch {
            Terminal.note("nobody could be told (\(notice.kind.rawValue)): \(error)")
        }
    }
}
