public import MusterCore

/// A game day as it is planned: people, times, drills and limits. What became of it is a `GameDayRecord`.
public struct GameDay: Hashable, Sendable {
    public var name: String
    public var title: String
    /// Why, so that people who are no engineers can read it.
    public var purpose: String
    public var services: [String] = []
    public var environment = Environment.lab
    /// 1 is the most critical; there nobody approves what they drew up.
    public var tier = 3
    /// Who drew it up.
    public var author: String
    /// IANA's name.
    public var zone: String
    /// When it begins, and when all of it must be over.
    public var starts: Moment
    public var ends: Moment
    public var roster = GameDayRoster()
    /// Responders are not told which drills there are.
    public var isBlind = false
    public var checklist: [Question] = []
    public var limits = PreflightLimits()
    public var drills: [Card] = []
    public var onFail = OnFail.stop
    public var settle = SettleGate()
    public var abort = AbortCriteria()
    public var comms = Comms()

    public init(
        name: String, title: String, purpose: String, author: String, zone: String, starts: Moment,
        ends: Moment
    ) {
        self.name = name
        self.title = title
        self.purpose = purpose
        self.author = author
        self.zone = zone
        self.starts = starts
        self.ends = ends
    }

    /// What happens to the drills that are left when one does not pass.
    public enum OnFail: String, FormWord { case stop, `continue` }

    /// Something that a person must say yes to before the day may begin.
    public struct Question: Hashable, Sendable {
        /// The word by which it is confirmed.
        public var name: String
        public var ask: String
        /// Who may say yes; nil: whoever holds a role.
        public var role: GameDayRole?
        /// What a missing yes means.
        public var otherwise = PreflightItem.Status.block

        public init(name: String, ask: String, role: GameDayRole? = nil) {
            self.name = name
            self.ask = ask
            self.role = role
        }
    }

    /// A drill of the day, and what is expected of it, written down before.
    public struct Card: Hashable, Sendable {
        /// The word by which the day knows it.
        public var name: String
        /// The drill's file, from the project's folder on.
        public var drill: String
        public var variables: [String: String] = [:]
        /// Component, failure, expected result.
        public var title: String
        public var failure: String
        public var impact: String
        public var response: String
        /// The alert that should be raised, and how soon.
        public var alert: String?
        public var alertWithin: Duration?
        public var rollback: String
        /// Drills, by name in the day, that must not have run before it on the same day.
        public var conflicts: [String] = []
        /// Instead of the day's.
        public var onFail: OnFail?

        public init(
            name: String, drill: String, title: String, failure: String, impact: String, response: String,
            rollback: String
        ) {
            self.name = name
            self.drill = drill
            self.title = title
            self.failure = failure
            self.impact = impact
            self.response = response
            self.rollback = rollback
        }

        /// What is frozen at approval, as people read it.
        /// - Parameter expect: what the drill's own file expects.
        public func expectation(_ expect: String?) -> String {
            var lines = [
                "title: \(title)", "failure: \(failure)", "impact: \(impact)", "response: \(response)",
            ]
            if let alert {
                lines.append("alert: \(alert)" + (alertWithin.map { " within \($0.unitsText)" } ?? ""))
            }
            lines.append("rollback: \(rollback)")
            if let expect { lines.append("drill expects: \(expect)") }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    /// What the preflight holds machines against.
    public struct PreflightLimits: Hashable, Sendable {
        /// The least free space where outcomes and the guard's journal lie.
        public var freeSpace = ByteCount(1 << 30)
        /// How far the clock may be off, as the kernel estimates it (adjtimex(2)).
        public var clockOffset = Duration.milliseconds(500)
        /// How old the last run of a drill may be in which everything was verified to be put back; nil: any age.
        public var revertVerifiedWithin: Duration?
        /// Backups whose age is looked at: a file, or the newest file of a directory.
        public var backups: [Backup] = []
        public init() {}
    }

    public struct Backup: Hashable, Sendable {
        public var path: String
        public var within: Duration
        public init(path: String, within: Duration) {
            self.path = path
            self.within = within
        }
    }

    /// What must hold before the next drill begins.
    public struct SettleGate: Hashable, Sendable {
        /// For how long nothing must be left broken.
        public var duration = Duration.seconds(5)
        public var within = Duration.seconds(120)
        public init() {}
    }

    /// Texts that people are sent; each gets the prefix, DRILL or REAL INCIDENT.
    public struct Comms: Hashable, Sendable {
        public var start: String?
        public var abort: String?
        public var end: String?
        public var convert: String?
        public init() {}
    }
}
