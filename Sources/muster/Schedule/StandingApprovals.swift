import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes

/// Approvals, and whether they count as files and host are now.
struct StandingApprovals {
    private let store: OutcomeStore?
    /// Those that need an approval.
    private let schedules: [String: Schedule]
    private let standing: [OccurrenceKey: Approval]
    private let subjects: [String: Result<Approval.Subject, any Error>]
    private let now: Moment

    init(_ schedules: [Schedule], _ options: StoreOptions, now: Moment) throws {
        self.now = now
        let project = Project.current
        store = try options.openIfThere(project)
        self.schedules = Dictionary(
            schedules.lazy.filter(\.needsApproval).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first })
        let standing = try store?.standingApprovals() ?? [:]
        self.standing = standing
        let names = Set(standing.keys.map(\.schedule))
        let finder = ApprovalSubject(project: project)
        subjects = self.schedules.filter { names.contains($0.key) }.mapValues { schedule in
            Result { try finder.of(schedule) }
        }
    }

    func records(limit: Int) throws -> [ApprovalRecord] { try store?.approvals(limit: limit) ?? [] }

    /// When somebody last said something by which a plan changed.
    func lastWord() throws -> Moment? { try store?.lastWord() }

    /// Whether an occurrence still needs somebody's yes.
    func isWanted(_ key: OccurrenceKey) -> Bool {
        guard let schedule = schedules[key.schedule] else { return false }
        guard let approval = standing[key] else { return true }
        return flaw(approval, of: schedule) != nil
    }

    /// What is said of an occurrence with `--why`; nil where nobody has to approve it.
    func words(_ key: OccurrenceKey) -> String? {
        guard let schedule = schedules[key.schedule] else { return nil }
        guard let approval = standing[key] else { return "wants an approval" }
        if let flaw = flaw(approval, of: schedule) {
            return "wants an approval; that of \(approval.author) is void: \(flaw)"
        }
        return "approved by \(approval.author)"
    }

    func words(_ record: ApprovalRecord) -> String {
        if let revocation = record.revocation {
            return "no: taken back by \(revocation.by): \(revocation.reason)"
        }
        guard standing[record.key] == record.approval else { return "no: another one was given after it" }
        guard let schedule = schedules[record.key.schedule] else {
            return "no: nothing of that name needs one"
        }
        return flaw(record.approval, of: schedule).map { "no: \($0)" } ?? "yes"
    }

    func value(_ record: ApprovalRecord) -> Value {
        [
            "key": .text(record.key.text), "by": .text(record.approval.by), "actor": .text(record.actor),
            "ticket": record.approval.ticket.map { .text($0) } ?? .null,
            "given": .text(record.approval.at.text),
            "expires": record.approval.expires.map { .text($0.text) } ?? .null,
            "execHash": .text(record.approval.subject.execHash),
            "planHash": .text(record.approval.subject.planHash), "stands": .text(words(record)),
        ]
    }

    private func flaw(_ approval: Approval, of schedule: Schedule) -> String? {
        switch subjects[schedule.name] {
        case .success(let subject): schedule.flaw(in: approval, of: subject, at: now)
        case .failure(let error):
            "the drill cannot be carried out as it is: \((error as? Refusal)?.message ?? "\(error)")"
        case nil: "nothing is known of its drill"
        }
    }
}
