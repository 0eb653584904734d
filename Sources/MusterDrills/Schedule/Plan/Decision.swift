public import MusterCore

/// What becomes of an occurrence.
public enum Fate: String, CaseIterable, Sendable {
    /// It runs, or will when it is due.
    case run = "RUN"
    /// Nobody looked in time.
    case missed = "MISSED"
    /// The calendar, a freeze or a pause says no.
    case suppressed = "SUPPRESSED"
    /// It was not approved in time.
    case expired = "EXPIRED"
    /// It waits, and may still run.
    case queued = "QUEUED"
    /// It could not start in time.
    case skipped = "SKIPPED"

    /// Whether nothing will change it any more, once it is recorded.
    public var isFinal: Bool { self != .queued }
}

/// What becomes of an occurrence, and why.
public struct Decision: Hashable, Sendable {
    public var fate: Fate
    public var reason: Reason

    public init(_ fate: Fate, _ reason: Reason) {
        self.fate = fate
        self.reason = reason
    }

    /// Why; the words that people read come from `sentence`.
    public enum Reason: Hashable, Sendable {
        case due
        case late(by: Duration)
        case gap
        case holiday(String)
        /// It would move in front of a holiday, and the rule has another occurrence on the way.
        case moveMeetsAnother(String)
        case noDayBefore(String)
        case outsideWindow
        case windowTooShort(window: Duration, left: Duration, needed: Duration)
        case blackout(name: String, reason: String, until: Moment)
        case paused(reason: String, until: Moment?)
        case notLookedAt(for: Duration)
        case deadlinePassed(by: Duration)
        case laterOneIsDue
        case clockJumped(by: Duration)
        case notApproved
        case approvalVoid(String)
        case locked(by: String, on: String)
        case tooMany(running: Int)
        case stillRunning
    }
}

extension Decision.Reason {
    /// A word for programs, which stays as it is.
    public var word: String {
        switch self {
        case .due: "due"
        case .late: "late"
        case .gap: "gap"
        case .holiday: "holiday"
        case .moveMeetsAnother: "move-meets-another"
        case .noDayBefore: "no-day-before"
        case .outsideWindow: "outside-window"
        case .windowTooShort: "window-too-short"
        case .blackout: "blackout"
        case .paused: "paused"
        case .notLookedAt: "not-looked-at"
        case .deadlinePassed: "deadline"
        case .laterOneIsDue: "later-one-is-due"
        case .clockJumped: "clock-jumped"
        case .notApproved: "not-approved"
        case .approvalVoid: "approval-void"
        case .locked: "lock"
        case .tooMany: "too-many"
        case .stillRunning: "still-running"
        }
    }

    /// One sentence without a full stop.
    /// - Parameter zone: in which it says what time it is.
    public func sentence(in zone: ZoneRules) -> String {
        switch self {
        case .due: "due"
        case .late(let by):
            "nobody looked when it was due; \(by.forPeople) later it is still within its deadline"
        case .gap: "the clocks skip this time, and gap is skip"
        case .holiday(let name): "a holiday: \(name)"
        case .moveMeetsAnother(let name):
            "would move in front of a holiday (\(name)), where another occurrence of it is due already"
        case .noDayBefore(let name): "a holiday (\(name)), and none of the 14 days before is free"
        case .outsideWindow: "outside of its window"
        case .windowTooShort(let window, let left, let needed):
            "the drill can take \(needed.forPeople), and its window of \(window.forPeople) is open for "
                + "\(left.forPeople) more"
        case .blackout(let name, let reason, let until):
            "blackout '\(name)' until \(Self.clock(until, zone)): \(reason)"
        case .paused(let reason, let until):
            "paused\(until.map { " until " + Self.clock($0, zone) } ?? ""): \(reason)"
        case .notLookedAt(let late):
            "nobody looked when it was due, and \(late.forPeople) later catchUp is none"
        case .deadlinePassed(let late): "\(late.forPeople) after it was due its startDeadline had passed"
        case .laterOneIsDue: "a later occurrence of it is due as well, and only the latest is caught up with"
        case .clockJumped(let by): "the clock of the machine was set by \(by.forPeople)"
        case .notApproved: "nobody had approved it when its startDeadline passed"
        case .approvalVoid(let why): "its approval is void: \(why)"
        case .locked(let holder, let place): "'\(holder)' holds \(place)"
        case .tooMany(let running):
            "\(running) drill\(running == 1 ? " is" : "s are") running, and no more may"
        case .stillRunning: "the run before is still going"
        }
    }

    private static func clock(_ moment: Moment, _ zone: ZoneRules) -> String {
        String(zone.local(at: moment).text.dropLast(3)).replacing("T", with: " ")
    }
}
