public import MusterCore

/// What somebody does on a game day. One person may hold several roles.
public enum GameDayRole: String, FormWord, Comparable {
    /// Answers for the day and its report; exactly one.
    case owner
    /// The incident commander: delegates all repair, and says go; exactly one.
    case ic
    /// Watches limits and timers; says go, and stops the day.
    case safety
    /// Stands in for the incident commander; says go.
    case deputy
    /// Writes down what is decided, and mends nothing.
    case scribe
    /// Breaks things, and does not tell the responders what.
    case `operator`
    /// Finds and mends what is broken.
    case responder
    case observer
    /// Speaks with customers.
    case liaison
    /// May approve the plan, and let something pass that the preflight blocks.
    case approver

    /// Whether it may say go.
    public var maySayGo: Bool { self == .ic || self == .safety || self == .deputy }

    public static func < (lhs: Self, rhs: Self) -> Bool {
        (allCases.firstIndex(of: lhs) ?? 0) < (allCases.firstIndex(of: rhs) ?? 0)
    }
}

/// Who holds which role.
public struct GameDayRoster: Hashable, Sendable {
    /// Names by role, in the order of the file.
    public var holders: [GameDayRole: [String]]
    /// Who takes no part, on purpose: nothing that they approve or confirm counts.
    public var absent: [String]

    public init(_ holders: [GameDayRole: [String]] = [:], absent: [String] = []) {
        self.holders = holders
        self.absent = absent
    }

    public subscript(role: GameDayRole) -> [String] { holders[role] ?? [] }

    /// Everybody who holds a role, each once, in the order of the roles.
    public var people: [String] {
        var seen: Set<String> = []
        return GameDayRole.allCases.flatMap { self[$0] }.filter { seen.insert($0).inserted }
    }

    /// - Returns: empty for somebody who holds none.
    public func roles(of name: String) -> [GameDayRole] {
        GameDayRole.allCases.filter { self[$0].contains(name) }
    }

    public func holds(_ name: String, _ role: GameDayRole) -> Bool { self[role].contains(name) }

    /// The people who may say go.
    public var mayGo: [String] {
        var seen: Set<String> = []
        return GameDayRole.allCases.filter(\.maySayGo).flatMap { self[$0] }
            .filter { seen.insert($0).inserted && !absent.contains($0) }
    }
}
