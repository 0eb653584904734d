public import MusterCore

/// A drill that is due again and again, or once.
public struct Schedule: Sendable {
    /// What becomes of an occurrence on a holiday.
    public enum OnHoliday: String, FormWord {
        /// Holidays mean nothing to it.
        case run
        case skip
        /// It is due on the last day before that is none, at the same time of day.
        case previous
    }

    /// What becomes of occurrences at which nobody looked.
    public enum CatchUp: String, FormWord {
        case none
        /// The latest one runs late, if it still can within `startDeadline`.
        case latest
    }

    /// What becomes of a run that should not go on: a blackout begins, or the scheduler is stopped.
    public enum Interruption: String, FormWord {
        /// It is aborted, and everything is put back.
        case abort
        case finish
    }

    /// A stop that somebody ordered.
    public struct Pause: Hashable, Sendable {
        public var since: Moment
        /// When it goes on by itself; nil: not before somebody says so.
        public var until: Moment?
        public var reason: String

        public init(since: Moment, until: Moment? = nil, reason: String) {
            self.since = since
            self.until = until
            self.reason = reason
        }
    }

    public var name: String
    /// The drill's file, as it was written.
    public var drill: String
    /// Values for the drill's variables.
    public var variables: [String: String] = [:]
    public var zone: ZoneRules
    public var rule: ScheduleRule
    public var gap = GapPolicy.shift
    /// nil: at any time.
    public var window: ScheduleWindow?
    public var onHoliday = OnHoliday.skip
    /// The most by which an occurrence is put off, differently for each and always the same for one.
    public var jitter = Duration.zero
    public var catchUp = CatchUp.none
    /// For how long after it is due an occurrence may still start.
    public var startDeadline = Duration.seconds(1800)
    /// The higher goes first.
    public var priority = 0
    /// When a blackout begins while it runs.
    public var onFreeze = Interruption.abort
    public var needsApproval = false
    /// Who may approve; empty: anybody.
    public var approvers: [String] = []
    /// The longest that the drill can take.
    public var longest = Duration.zero
    /// What it breaks; nobody else may at the same time.
    public var locks: [LockPath] = []
    public var pause: Pause?

    public init(name: String, drill: String, zone: ZoneRules, rule: ScheduleRule) {
        self.name = name
        self.drill = drill
        self.zone = zone
        self.rule = rule
    }
}

/// What one occurrence is known by, for ever: across restarts, daemons and edits of the file. Jitter, holidays and
/// a zone whose law changes move when it is due, and not this.
public struct OccurrenceKey: Hashable, Sendable {
    public var schedule: String
    public var nominal: LocalTime
    /// 1 for the second pass of a repeated hour, else 0.
    public var fold: Int

    public init(schedule: String, nominal: LocalTime, fold: Int = 0) {
        self.schedule = schedule
        self.nominal = nominal
        self.fold = fold
    }

    /// `redis-weekly@2026-03-29T02:30:00`, with `+` behind it for a second pass.
    public var text: String { "\(schedule)@\(nominal.text)" + (fold == 0 ? "" : "+") }

    /// A number that is the same on every machine and in every version: FNV-1a over the text (the 64-bit offset and
    /// prime of draft-eastlake-fnv), stirred by the last steps of SplitMix64, as FNV's low bits are poor.
    public var seed: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 31
    }
}

/// A place that a drill takes for itself, from the host down, such as `db1/sessions`. What lies below a place
/// belongs to it: who holds a host holds its services.
public struct LockPath: Hashable, Sendable {
    /// From the outermost inwards; never empty.
    public var parts: [String]

    public init(_ parts: String...) {
        precondition(!parts.isEmpty, "a lock is of something")
        self.parts = parts
    }

    public var text: String { parts.joined(separator: "/") }

    /// Whether one is the other or lies in it.
    public func overlaps(_ other: Self) -> Bool { zip(parts, other.parts).allSatisfy(==) }
}
