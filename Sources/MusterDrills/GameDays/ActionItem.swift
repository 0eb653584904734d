public import MusterCore

/// Something that is to be done because of what a game day or a drill showed.
public struct ActionItem: Hashable, Sendable {
    public enum Kind: String, FormWord { case mitigate, prevent, process, detect }
    /// p1 is the most urgent.
    public enum Priority: String, FormWord { case p1, p2, p3, p4 }
    public enum Status: String, FormWord {
        case open, doing, done
        /// Nobody will do it; the evidence says why.
        case dropped
        public var isClosed: Bool { self == .done || self == .dropped }
    }

    /// ULID.
    public var id: String
    /// By which people name it; 0 until it is recorded.
    public var number = 0
    public var title: String
    public var kind: Kind
    public var owner: String
    public var priority: Priority
    public var due: CivilDate?
    public var ticket: String?
    public var status = Status.open
    /// The drill whose later PASS shows that it is done.
    public var verifyingDrill: String?
    /// The ULID of the game day it came from.
    public var gameDay: String?
    /// The entry of that day's timeline it was made of.
    public var entry: Int?
    public var openedUTC: Int64
    public var closedUTC: Int64?
    public var closedBy: String?
    /// The outcome whose PASS closed it.
    public var evidenceOutcome: Int?
    /// What was said when it was closed without one.
    public var evidenceNote: String?

    public init(
        id: String, title: String, kind: Kind, owner: String, priority: Priority = .p2, due: CivilDate? = nil,
        ticket: String? = nil, verifyingDrill: String? = nil, gameDay: String? = nil, entry: Int? = nil,
        openedUTC: Int64
    ) {
        self.id = id
        self.title = title
        self.kind = kind
        self.owner = owner
        self.priority = priority
        self.due = due
        self.ticket = ticket
        self.verifyingDrill = verifyingDrill
        self.gameDay = gameDay
        self.entry = entry
        self.openedUTC = openedUTC
    }

    /// Whether it should have been done before `today`.
    /// - Parameter today: days since 1970-01-01.
    public func isOverdue(today: Int64) -> Bool {
        guard !status.isClosed, let due else { return false }
        return due.daysSinceEpoch < today
    }
}

/// One change of an action item, by whom and when.
public struct ActionChange: Hashable, Sendable {
    public var utc: Int64
    public var actor: String
    public var status: ActionItem.Status
    public var text: String
    public init(utc: Int64, actor: String, status: ActionItem.Status, text: String) {
        self.utc = utc
        self.actor = actor
        self.status = status
        self.text = text
    }
}
