/// Names one act of breaking. Chosen before anything is touched, so that every file, rule or process that a
/// fault creates can carry it and be found again by another process.
///
/// A ULID with a short tag of the guard's state directory in front, such as
/// `k3f9-01JD8Q6Z5W4R8T2M1N0P9XCVBA`: a scan touches only ids with its own tag.
public struct InjectionID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    /// - Returns: nil unless it is 1 to 64 ASCII letters, digits, `-` or `_`, so that it is safe in paths,
    ///   table names and patterns.
    public init?(_ rawValue: String) {
        guard (1...64).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
                    || $0 == 95
            })
        else { return nil }
        self.rawValue = rawValue
    }

    public var description: String { rawValue }
    /// The tag of the state directory, in front of the first `-`.
    public var tag: Substring { rawValue.prefix { $0 != "-" } }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = InjectionID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an injection id: \(text)")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Who puts the harm right.
public enum Mending: String, Sendable, Codable {
    /// The guard restores the facts.
    case byUs
    /// The recovery under test mends it; the facts are superseded once that is proven (data faults).
    case byRecovery
}

/// What an injection will leave to be put right, known before anything is touched.
public struct UndoPlan: Sendable {
    /// Beyond `noHelper`, which the injector always puts first.
    public var facts: [any Fact]
    public var claims: [Claim]
    /// Removed only after every fact was verified and the close is durable.
    public var disposals: [Disposal]
    public var mending: Mending
    /// What will be touched, for the blast radius: `kills process 4711 (redis-server)`.
    public var touches: [String]
    /// Why nothing can bring it back; needs `allow: irreversible` in the drill.
    public var irreversible: String?

    public init(
        facts: [any Fact], claims: [Claim] = [], disposals: [Disposal] = [], mending: Mending = .byUs,
        touches: [String], irreversible: String? = nil
    ) {
        self.facts = facts
        self.claims = claims
        self.disposals = disposals
        self.mending = mending
        self.touches = touches
        self.irreversible = irreversible
    }
}

/// What an open injection holds for itself; overlapping claims are refused.
public struct Claim: Hashable, Sendable, Codable {
    /// Such as `process`, `path`, `nft-table`, `file-system`.
    public var resource: String
    /// Names the thing within its kind; a path claims all that is below it.
    public var name: String

    public init(_ resource: String, _ name: String) {
        self.resource = resource
        self.name = name
    }

    public func overlaps(_ other: Claim) -> Bool {
        guard resource == other.resource else { return false }
        if name == other.name { return true }
        guard resource == "path" else { return false }
        return name.hasPrefix(other.name + "/") || other.name.hasPrefix(name + "/")
    }
}

/// A leftover of ours that may go once nothing needs it any more, such as a backup.
public struct Disposal: Hashable, Sendable, Codable {
    public var path: String
    public init(path: String) { self.path = path }
}

/// One act of breaking, as it lies in the journal.
public struct Injection: Hashable, Sendable, Codable {
    public var id: InjectionID
    /// The drill run that asked for it.
    public var run: String
    /// The name from the drill's `as:`, or of the fixture.
    public var name: String
    /// The fault's kind.
    public var fault: String
    /// The fault's fields and its target, for people and for effect checks.
    public var parameters: Value
    public var target: Value
    public var facts: [StoredFact]
    public var claims: [Claim]
    public var disposals: [Disposal]
    public var mending: Mending
    public var bootID: String
    /// CLOCK_REALTIME when it was opened, for people.
    public var openedAtUTC: Int64

    public init(
        id: InjectionID, run: String, name: String, fault: String, parameters: Value, target: Value,
        facts: [StoredFact], claims: [Claim], disposals: [Disposal], mending: Mending, bootID: String,
        openedAtUTC: Int64
    ) {
        self.id = id
        self.run = run
        self.name = name
        self.fault = fault
        self.parameters = parameters
        self.target = target
        self.facts = facts
        self.claims = claims
        self.disposals = disposals
        self.mending = mending
        self.bootID = bootID
        self.openedAtUTC = openedAtUTC
    }

    public var isFixture: Bool { Self.isFixture(fault) }

    /// Whether a fault, by its kind, brings up what the drill needs for itself instead of breaking anything.
    public static func isFixture(_ fault: String) -> Bool {
        ["fixture", "proxy-fixture", "scratch"].contains(fault)
    }

    /// Whether it is a runbook's step, which breaks nothing: open while the step runs, so that what it still runs is
    /// ended when its engine is lost.
    public var isStep: Bool { fault == Self.stepFault }
    /// The kind of such an injection.
    public static let stepFault = "runbook-step"
}

/// How an injection was closed.
public enum Closing: String, Sendable, Codable {
    /// Every fact was read again, and holds or is moot.
    case verified
    /// `mending: byRecovery`, and the drill proved the recovery; the original stays in quarantine.
    case superseded
    /// A person gave it up, with name and reason.
    case forgotten
    /// A runbook's step that ended by itself; what it left running is meant to stay, and nobody's any more.
    case ended
}

/// Durable before `open` returns; rows are append-only.
public protocol Journal {
    func open(_ injection: Injection) throws
    func close(_ id: InjectionID, _ how: Closing) throws
    /// In the order in which they were opened.
    func openInjections() throws -> [Injection]
    /// Remembers a helper before it runs a single instruction of its own.
    func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws
    func helpers(of id: InjectionID) throws -> [HelperRecord]
    /// Disposals of closed injections that were not carried out yet.
    func pendingDisposals() throws -> [(InjectionID, Disposal)]
    func disposed(_ disposal: Disposal, of id: InjectionID) throws
}

public struct HelperRecord: Hashable, Sendable, Codable {
    public var process: ProcessIdentity
    public var session: Int32
    public init(process: ProcessIdentity, session: Int32) {
        self.process = process
        self.session = session
    }
}
