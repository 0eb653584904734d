public import MusterCore

/// A runbook's manual step that waits for a person, as it lies in the store: shown in every terminal that looks at the
/// run, and answered once, by whoever answers first.
public struct Question: Hashable, Sendable {
    /// What became of it.
    public enum Answer: String, Sendable, CaseIterable {
        case done, refused
        /// Nobody answered in time, which is no yes.
        case timedOut = "timed-out"
        /// The run was broken off, or has died, before anybody answered.
        case withdrawn
    }

    /// Of all questions in the store, from 1.
    public var number: Int
    /// The run that waits for it.
    public var run: String
    public var runbook: String
    public var step: String
    /// For people: what is to be done.
    public var text: String
    /// Who may answer; nil: anybody.
    public var role: String?
    /// What has to be typed as evidence; nil: nothing.
    public var ask: String?
    /// How long it is expected to take a person.
    public var expected: Duration?
    /// How long it waits for an answer.
    public var limit: Duration
    public var shown: Instant
    public var shownUTC: Int64
    /// When somebody began; nil while nobody has.
    public var acknowledged: Instant?
    public var acknowledgedBy: String?
    /// When it was answered.
    public var answered: Instant?
    public var answeredBy: String?
    public var answer: Answer?
    /// Why it was refused.
    public var reason: String?
    public var evidence: String?

    public init(
        number: Int, run: String, runbook: String, step: String, text: String, role: String? = nil,
        ask: String? = nil, expected: Duration? = nil, limit: Duration, shown: Instant, shownUTC: Int64
    ) {
        self.number = number
        self.run = run
        self.runbook = runbook
        self.step = step
        self.text = text
        self.role = role
        self.ask = ask
        self.expected = expected
        self.limit = limit
        self.shown = shown
        self.shownUTC = shownUTC
    }

    public var deadline: Instant { shown + limit }

    /// From being shown until somebody began; what was answered without a word before it was begun with the answer.
    public var wait: Duration { max(.zero, (acknowledged ?? answered ?? shown) - shown) }
    /// From there until the answer.
    public var work: Duration {
        guard let answered else { return .zero }
        return max(.zero, answered - (acknowledged ?? answered))
    }
}

/// Who answers, notes or aborts, and what they may confirm.
public struct Attendee: Hashable, Sendable {
    public var name: String
    public var roles: Set<String>

    public init(name: String, roles: Set<String> = []) {
        self.name = name
        self.roles = roles
    }

    /// Why this person may not answer a question of that role; nil: they may.
    public func obstacle(to role: String?) -> String? {
        guard let role, !roles.contains(role) else { return nil }
        let own = roles.isEmpty ? "no role" : roles.sorted().joined(separator: ", ")
        return "it is for the role \(role), and \(name) has \(own)"
    }
}
