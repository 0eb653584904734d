public import MusterCore

/// What a plan shows.
public struct PlanReply: Hashable, Sendable, Codable {
    /// As the journal would hold it.
    public var injection: Injection
    /// For the blast radius: `kills process 4711 (redis-server)`.
    public var touches: [String]
    /// The facts in words.
    public var sentences: [String]
    public var irreversible: String?
    /// Whether the fault is over at once or lasts until it is lifted.
    public var persistence: Persistence
}

/// What is open, or was before an undo.
public struct UndoReply: Hashable, Sendable, Codable {
    public var reports: [UndoReport]
    /// How many injections are still open, fixtures included.
    public var open: Int

    /// Whether trying again cannot help: all that is left are facts that this version does not know.
    var isHopeless: Bool {
        let left = reports.filter { $0.closed == nil }
        return !left.isEmpty && left.count == open
            && left.allSatisfy { report in
                report.problem == nil && report.facts.allSatisfy { $0.isSettled || $0.state == .unknown }
            }
    }
}

/// An answer to `renew`.
public struct RenewReply: Hashable, Sendable, Codable {
    /// Nanoseconds until the guard puts everything back unless renewed again.
    public var left: Int64
}

/// Something that happened on the guard's side without having been asked for.
public struct GuardEvent: Hashable, Sendable, Codable {
    public struct Kind: RawRepresentable, Hashable, Sendable, Codable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The warden died: nothing is injected any more, everything is undone.
        public static let wardenLost = Kind(rawValue: "warden-lost")
        /// The hands died or were stuck and were replaced; everything is undone.
        public static let handsLost = Kind(rawValue: "hands-lost")
        /// The lease lapsed, or an abort or a signal asked for it: everything is being undone.
        public static let undoing = Kind(rawValue: "undoing")
        /// An undo that nobody waits for has ended; see `reports`.
        public static let undone = Kind(rawValue: "undone")
        /// For people.
        public static let note = Kind(rawValue: "note")
    }
    public var kind: Kind
    public var text: String
    public var at: Instant
    public var reports: [UndoReport]
    public var open: Int?

    init(_ kind: Kind, _ text: String, at: Instant, reports: [UndoReport] = [], open: Int? = nil) {
        self.kind = kind
        self.text = text
        self.at = at
        self.reports = reports
        self.open = open
    }
}

/// What every line from a guard has, whatever else it has: an answer's id, or an event.
struct LineHeader: Decodable {
    var reply: Int64?
    var error: GuardFailure?
    var event: GuardEvent?
    /// The guard's own CLOCK_MONOTONIC around the work.
    var from: Instant?
    var to: Instant?
}

struct ReplyFrame<Result: Codable>: Codable {
    var reply: Int64
    var result: Result
    var from: Instant
    var to: Instant
}

struct ErrorFrame: Codable {
    var reply: Int64
    var error: GuardFailure
    var from: Instant
    var to: Instant
}

struct EventFrame: Codable {
    var event: GuardEvent
}
