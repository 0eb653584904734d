/// A way of breaking something. One fault, one file, one line in the catalogue.
///
/// Breaking may be code; mending is the data that `plan` returns.
public protocol Fault: Sendable {
    static var form: Form<Self> { get }
    /// The selectors that it can be aimed at.
    static var targets: Set<Target.Kind> { get }
    /// Whether it is over at once or lasts until it is lifted.
    var persistence: Persistence { get }
    /// Whether what it does is to make things slower, so that errors alone do not tell what it did.
    static var isSlowness: Bool { get }
    /// The mechanism that would be used on this host, or what is missing and how to enable it. Probes; never
    /// assumes.
    static func readiness(on host: any HostReader) -> Readiness
    /// What must hold again afterwards, and what it claims. Changes nothing: a `HostReader` cannot write.
    /// - Throws: `FaultRefusal` when it must not or cannot be done here.
    func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan
    /// Breaks what `plan` says and nothing else: a process that matches only since the plan was made has no fact
    /// that would bring it back.
    func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws
    /// Proof that it took effect, or not yet.
    /// - Parameter facts: those of its plan, which say what was there before.
    func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect
}

extension Fault {
    public static var isSlowness: Bool { false }
}

public enum Persistence: String, Sendable, Codable {
    /// Over when `inject` returns, such as a kill.
    case instant
    /// Lasts until it is lifted, such as a pause.
    case held
}

public enum Readiness: Hashable, Sendable {
    /// The mechanism that would be used.
    case ready(String)
    /// What is missing, and how to enable it.
    case missing(String, enable: String)
}

public enum Effect: Hashable, Sendable, Codable {
    /// What was seen.
    case proven(String)
    case notYet(String)
}

/// A fault must not or cannot be done here.
public struct FaultRefusal: Error, Hashable, Sendable {
    public enum Code: String, Sendable, Codable {
        case needsRoot, noMechanism, wrongTarget, noMatch, wrongCount, protected, unsafe, claimed,
            irreversible
    }
    public var code: Code
    /// What was refused and why, for people.
    public var message: String
    /// What to do about it.
    public var advice: String

    public init(_ code: Code, _ message: String, advice: String) {
        self.code = code
        self.message = hidingPasswords(message)
        self.advice = hidingPasswords(advice)
    }
}

/// Every fault that this version knows. Adding one is a line in `FaultCatalog.swift`.
public struct FaultCatalog: Sendable {
    public let types: [any Fault.Type]
    private let byName: [String: any Fault.Type]

    public init(_ types: [any Fault.Type]) {
        self.types = types
        byName = Dictionary(uniqueKeysWithValues: types.map { (Self.name($0), $0) })
    }

    public var names: [String] { types.map { Self.name($0) } }
    public func type(named name: String) -> (any Fault.Type)? { byName[name] }
    public func description(of type: any Fault.Type) -> FormDescription { Self.describe(type) }

    /// Reads a fault's fields.
    /// - Throws: `FormProblems`.
    public func fault(named name: String, from node: FormNode) throws -> (any Fault)? {
        guard let type = byName[name] else { return nil }
        return try Self.decode(type, node)
    }

    /// The canonical plain form of a fault's fields.
    public static func encode<F: Fault>(_ fault: F) -> Value { F.form.encode(fault) }
    /// The word by which files and commands know a fault.
    public static func name<F: Fault>(of fault: F) -> String { F.form.name }

    private static func name<F: Fault>(_ type: F.Type) -> String { F.form.name }
    private static func describe<F: Fault>(_ type: F.Type) -> FormDescription { F.form.description }
    private static func decode<F: Fault>(_ type: F.Type, _ node: FormNode) throws -> F {
        try F.form.decode(node)
    }
}
