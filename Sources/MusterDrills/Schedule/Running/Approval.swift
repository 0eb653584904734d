public import MusterCore

/// Somebody's yes to one occurrence of exactly one drill.
public struct Approval: Hashable, Sendable {
    /// What was approved: an edit of any of it makes another thing of it.
    public struct Subject: Hashable, Sendable {
        /// Of what the drill executes.
        public var execHash = ""
        /// Of what it would touch.
        public var planHash = ""

        public init(execHash: String = "", planHash: String = "") {
            self.execHash = execHash
            self.planHash = planHash
        }
    }

    public var subject: Subject
    /// Who said yes.
    public var by: String
    /// The change or ticket under which it was said; nil: none.
    public var ticket: String?
    public var at: Moment
    /// From then on it counts no more; nil: it lasts.
    public var expires: Moment?

    public init(
        subject: Subject, by: String, ticket: String? = nil, at: Moment, expires: Moment? = nil
    ) {
        self.subject = subject
        self.by = by
        self.ticket = ticket
        self.at = at
        self.expires = expires
    }

    /// `alice (CHG-17)`.
    public var author: String { by + (ticket.map { " (\($0))" } ?? "") }
}

extension Schedule {
    /// Whether somebody of that name may approve occurrences.
    public func mayApprove(_ name: String) -> Bool { approvers.isEmpty || approvers.contains(name) }

    /// - Returns: why `approval` does not allow `subject` to run at `moment`; nil when it does.
    public func flaw(in approval: Approval, of subject: Approval.Subject, at moment: Moment) -> String? {
        if approval.subject.execHash != subject.execHash { return "the drill was edited after it" }
        if approval.subject.planHash != subject.planHash {
            return "the drill would touch other things than were approved"
        }
        if !mayApprove(approval.by) { return "\(approval.by) may not approve it any more" }
        if let expires = approval.expires, moment >= expires { return "it ran out" }
        return nil
    }
}
