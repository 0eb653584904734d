public import MusterCore

/// One line of a game day's timeline. Appended and chained by hash; never changed: a correction is an entry of its own.
public struct GameDayEntry: Hashable, Sendable {
    public enum Source: String, Sendable, CaseIterable {
        /// Muster saw or did it.
        case auto
        /// A person said so.
        case human
        /// Taken over from elsewhere, such as a chat.
        case imported
    }

    public enum Kind: String, Sendable, CaseIterable {
        case note, decision, todo
        /// Somebody or something noticed that all is not well.
        case detection
        /// A message to people; its text has its prefix.
        case comm
        case fault, step, probe
        /// A step of the lifecycle; `state` says to where.
        case state
        /// What must be known or mended; `detail` is a `GameDayFinding`.
        case finding
        /// Somebody came or went; `detail` is a `GameDayAttendance`.
        case attendance
        /// Somebody allowed the plan; `detail` is a `GameDayApproval`.
        case approval
        /// What was looked at before; `detail` is a `PreflightItem`.
        case preflight
        /// What became of a drill; `detail` is a `GameDayDrillEvent`.
        case drill
        /// A sign of life of whoever holds the dead man's switch.
        case heartbeat
        /// A wish to stop, which whoever carries the day out obeys.
        case abort
        /// A wish to make it a real incident.
        case convert
        /// Nobody carried the day out for a while, such as after a crash.
        case gap
        /// What people said afterwards; `detail` is a `HotwashRemark`.
        case hotwash
        /// A todo became an action item, or one was opened.
        case action
        /// A manual step was shown, acknowledged or done.
        case manual
    }

    /// From 1 on, in the order of recording; 0 until it is recorded.
    public var sequence = 0
    /// CLOCK_MONOTONIC of `host` in the boot `bootID`, when it was recorded.
    public var at: Instant
    public var host: String
    public var bootID: String
    /// When it was recorded; nanoseconds since 1970 UTC.
    public var recordedUTC: Int64
    /// When it happened, as the actor says; nil when that is when it was recorded.
    public var happenedUTC: Int64?
    public var source: Source
    /// `muster`, or a person.
    public var actor: String
    public var role: GameDayRole?
    public var kind: Kind
    /// For people; redacted before it gets here.
    public var text: String
    /// For programs; what it holds follows from `kind`.
    public var detail: Value
    /// Of kind `state`: what the day became.
    public var state: GameDayState?
    /// The ULID of the drill's run that it is about.
    public var run: String?
    /// The number of that run's event that it is about.
    public var runEvent: Int?
    /// The entry that this one corrects.
    public var corrects: Int?

    public init(
        _ kind: Kind, at: Instant, host: String, bootID: String, utc: Int64, happened: Int64? = nil,
        source: Source = .auto, actor: String = "muster", role: GameDayRole? = nil, text: String,
        detail: Value = .null, state: GameDayState? = nil, run: String? = nil, runEvent: Int? = nil,
        corrects: Int? = nil
    ) {
        self.kind = kind
        self.at = at
        self.host = host
        self.bootID = bootID
        recordedUTC = utc
        happenedUTC = happened
        self.source = source
        self.actor = actor
        self.role = role
        self.text = text
        self.detail = detail
        self.state = state
        self.run = run
        self.runEvent = runEvent
        self.corrects = corrects
    }

    /// When it happened, for a timeline; nanoseconds since 1970 UTC.
    public var utc: Int64 { happenedUTC ?? recordedUTC }
}

extension GameDayEntry {
    /// Everything that its hash covers, and what programs are shown.
    public var value: Value {
        [
            "sequence": .int(Int64(sequence)), "monotonic": .int(at.nanoseconds), "host": .text(host),
            "bootId": .text(bootID), "recordedUtc": .int(recordedUTC),
            "happenedUtc": happenedUTC.map { .int($0) } ?? .null, "source": .text(source.rawValue),
            "actor": .text(actor), "role": role.map { .text($0.rawValue) } ?? .null,
            "kind": .text(kind.rawValue), "text": .text(text), "detail": detail,
            "state": state.map { .text($0.rawValue) } ?? .null, "run": run.map { .text($0) } ?? .null,
            "runEvent": runEvent.map { .int(Int64($0)) } ?? .null,
            "corrects": corrects.map { .int(Int64($0)) } ?? .null,
        ]
    }
}
