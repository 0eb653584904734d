/// A statement about a host that must be true once a drill is over. One kind, one file, one line in the
/// catalogue.
///
/// Facts are data: any later process, of this or a newer version, must be able to read them from the
/// journal and make them hold.
public protocol Fact: Sendable {
    /// The word stored with it, such as `not-suspended`.
    static var kind: String { get }
    /// Raised when the fields change their meaning. Reading must forgive fields it does not know.
    static var version: Int { get }
    /// When it is mended, in relation to others.
    var phase: MendingPhase { get }
    /// - Throws: `FactError.unreadable`.
    init(fields: Value) throws
    var fields: Value { get }
    /// What must hold, for people: `process 4711 (redis-server) is not suspended`.
    var sentence: String { get }
    /// The same, with what this host cannot know about it.
    func sentence(on host: any HostReader) -> String
    /// What a person would type to make it hold, one argv a line. Stored too, so that it can be printed by a
    /// version that does not know the kind.
    var byHand: [[String]] { get }
    func state(on host: any HostReader) throws -> FactState
    /// Makes it hold. Idempotent. Never overwrites what somebody else changed meanwhile.
    /// - Throws: `FactError.changedByOthers`, or what the host says.
    func restore(on host: any Host) throws
    /// Why the fault behind it was over before anybody lifted it; nil when it was not, or when that is nobody's fault.
    /// Asked before anything is restored.
    ///
    /// Most kinds say nothing: that a hung process was killed or a fill deleted may be the very recovery under test.
    /// Those do whose end helps nobody to recover and only spoils the test, such as a deadline that passed.
    /// - Parameter found: its state before the undo.
    func endedEarly(_ found: FactState, on host: any HostReader) throws -> String?
}

extension Fact {
    public static var version: Int { 1 }
    public var phase: MendingPhase { .rest }
    public func sentence(on host: any HostReader) -> String { sentence }
    public func endedEarly(_ found: FactState, on host: any HostReader) throws -> String? { nil }
    public var stored: StoredFact {
        StoredFact(kind: Self.kind, version: Self.version, fields: fields, byHand: byHand)
    }
}

/// SAFETY: helpers first, because they could act again after a restore; then what frees the space that the
/// rest needs; then the network, over which others may be restored; then the rest; fixtures come down last,
/// and only then is it known whether a kill still has somebody to bring back.
public enum MendingPhase: Int, Comparable, Sendable, CaseIterable {
    case helpers, fills, network, rest, fixtures, population
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

public enum FactState: Hashable, Sendable {
    case holds
    /// What is there instead.
    case violated(String)
    /// It can no longer be violated: the process is gone, the host rebooted.
    case moot(String)

    /// Whether nothing is left to be done.
    public var isSettled: Bool {
        switch self {
        case .holds, .moot: true
        case .violated: false
        }
    }
}

public enum FactError: Error, Hashable, Sendable {
    /// Neither the fact nor what the injection set is there: it is left alone, and the injection stays open.
    case changedByOthers(found: String, expected: String)
    /// Stored fields that this version cannot read.
    case unreadable(kind: String, String)
    case cannotRestore(String)
}

/// A fact as it lies in the journal.
public struct StoredFact: Hashable, Sendable, Codable {
    public var kind: String
    public var version: Int
    public var fields: Value
    public var byHand: [[String]]

    public init(kind: String, version: Int, fields: Value, byHand: [[String]]) {
        self.kind = kind
        self.version = version
        self.fields = fields
        self.byHand = byHand
    }
}

/// Every kind of fact that this version can mend.
public struct FactCatalog: Sendable {
    private let types: [String: any Fact.Type]

    public init(_ types: [any Fact.Type]) {
        self.types = Dictionary(uniqueKeysWithValues: types.map { ($0.kind, $0) })
    }

    public var kinds: [String] { types.keys.sorted() }

    /// Reads a stored fact; nil when its kind or version is unknown, which must never be skipped silently.
    public func fact(_ stored: StoredFact) throws -> (any Fact)? {
        guard let type = types[stored.kind], stored.version <= type.version else { return nil }
        return try type.init(fields: stored.fields)
    }
}
