public import MusterCore

/// All that a frame of the board shows: a run, and who looks at it when.
public struct BoardScene: Sendable {
    /// Whether the process that runs the drill is still there.
    public enum Life: Hashable, Sendable {
        case running
        /// It lives, but has not said anything for so long.
        case silent(Duration)
        /// It ended without an outcome: killed, or its machine went down.
        case gone
        /// The outcome is closed.
        case over
    }

    /// nil while there is nothing to look at.
    public var board: RunBoard?
    public var life = Life.running
    /// On the clock of the run.
    public var now: Instant
    public var utc: Int64
    /// Local time, in seconds east of UTC.
    public var zoneOffset: Int
    public var zone: String
    /// Open ones, oldest first.
    public var questions: [Question] = []
    /// Who sits here; nil for somebody who only looks.
    public var attendee: Attendee?
    /// Whether this terminal's own process runs the drill, so that the board cannot be left.
    public var ownsRun = false
    /// nil without a game day.
    public var day: BoardDay?
    /// Whether the names of drills, faults and steps are kept from whoever looks.
    public var isBlind = false
    /// What is typed right now, in place of the keys; the last line holds the cursor.
    public var prompt: [String] = []
    /// The answer to the last key.
    public var notice: String?
    /// What is said while nothing runs.
    public var idle: [String] = []

    public init(now: Instant, utc: Int64, zoneOffset: Int = 0, zone: String = "UTC") {
        self.now = now
        self.utc = utc
        self.zoneOffset = zoneOffset
        self.zone = zone
    }
}

/// What the board shows of a game day.
public struct BoardDay: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public var name: String
        public var roles: [String]
        /// `present`, `absent`, `left`: in one word.
        public var standing: String

        public init(name: String, roles: [String], standing: String) {
            self.name = name
            self.roles = roles
            self.standing = standing
        }
    }
    public struct Entry: Hashable, Sendable {
        public var utc: Int64
        public var actor: String
        public var kind: String
        public var text: String

        public init(utc: Int64, actor: String, kind: String, text: String) {
            self.utc = utc
            self.actor = actor
            self.kind = kind
            self.text = text
        }
    }

    public var title: String
    public var state: String
    /// `drill 2 of 3`.
    public var position: String
    public var roster: [Member]
    /// Oldest first.
    public var entries: [Entry]
    /// What would end the day, and what is left of it.
    public var criteria: [CriterionStanding]
    /// Whether whoever holds a role must give a sign of life.
    public var wantsHeartbeat: Bool
    /// Whether its drills are under way, so that it can be aborted between two of them as well.
    public var isLive: Bool

    public init(
        title: String, state: String, position: String, roster: [Member], entries: [Entry],
        criteria: [CriterionStanding] = [], wantsHeartbeat: Bool = false, isLive: Bool = false
    ) {
        self.title = title
        self.state = state
        self.position = position
        self.roster = roster
        self.entries = entries
        self.criteria = criteria
        self.wantsHeartbeat = wantsHeartbeat
        self.isLive = isLive
    }
}

/// One line of a frame. Styles only repeat what the words say.
public struct BoardLine: Hashable, Sendable {
    public enum Style: Hashable, Sendable {
        case plain, bold, dim, alarm, good
    }
    public var text: String
    public var style: Style

    public init(_ text: String, _ style: Style = .plain) {
        self.text = text
        self.style = style
    }
}
