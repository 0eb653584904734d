public import MusterCore

/// What must have been proven by a drill: a service's failure mode, or the service as such.
public struct CoverageRequirement: Hashable, Sendable {
    public var service: String
    /// nil: any drill of the service will do.
    public var failureMode: String?
    /// How old a proof may be; nil: any age.
    public var verifyEvery: Duration?
    /// The least that the proof must have survived; nil: any.
    public var scope: DurabilityScope?

    public init(
        service: String, failureMode: String? = nil, verifyEvery: Duration? = nil,
        scope: DurabilityScope? = nil
    ) {
        self.service = service
        self.failureMode = failureMode
        self.verifyEvery = verifyEvery
        self.scope = scope
    }
}

/// What kind of durability a fault can prove anything about: killing a process says nothing about what
/// was in the page cache, and a power cut nothing about the loss of a disk.
public enum DurabilityScope: String, FormWord, Codable {
    case process, host, disk, site

    /// Whether surviving this proves that the other is survived too: a lost host loses its processes, a lost
    /// site everything; damage to a disk's data proves nothing about the loss of its host.
    public func proves(_ other: DurabilityScope) -> Bool {
        self == other || self == .site || (self == .host && other == .process)
    }
}

/// What is known about one requirement.
public struct CoverageRow: Hashable, Sendable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case proven, failed, inconclusive
        /// Proven, but too long ago.
        case stale
        /// No drill that counts was ever recorded.
        case never
    }
    public var requirement: CoverageRequirement
    public var state: State
    /// Of the newest outcome that counts; of repeats, of the newest that failed.
    public var outcome: Int?
    public var environment: Environment?
    /// Since it ended; of repeats, since the newest of them did.
    public var age: Duration?
    /// Why, in a sentence.
    public var reason: String

    public init(
        requirement: CoverageRequirement, state: State, outcome: Int? = nil, environment: Environment? = nil,
        age: Duration? = nil, reason: String
    ) {
        self.requirement = requirement
        self.state = state
        self.outcome = outcome
        self.environment = environment
        self.age = age
        self.reason = reason
    }
}

/// `muster verify`: reads outcomes only, so that the same store and the same instant
/// always give the same answer.
///
/// The newest outcome decides. Of runs that were asked for together (`muster run --repeat`) it is the newest as well,
/// but one that failed beside it is not outlived by it: they were repeated to find what happens only sometimes.
public enum Coverage {
    /// - Parameters:
    ///   - outcomes: in any order.
    ///   - asOf: wall clock in nanoseconds since 1970 UTC; whatever ended later does not count.
    ///   - environment: only outcomes of this one count; nil: of all.
    ///   - maxAge: the oldest proof that counts, beside each requirement's own.
    public static func rows(
        for requirements: [CoverageRequirement], outcomes: [OutcomeSummary], asOf: Int64,
        environment: Environment? = nil, maxAge: Duration? = nil
    ) -> [CoverageRow] {
        let newest = outcomes.filter { outcome in
            (outcome.finishedAtUTC ?? .max) <= asOf
                && (environment ?? outcome.environment) == outcome.environment
        }.sorted { ($0.finishedAtUTC ?? 0, $0.number) > ($1.finishedAtUTC ?? 0, $1.number) }
        return requirements.map { row($0, newest, asOf, environment, maxAge) }
    }

    private static func row(
        _ requirement: CoverageRequirement, _ newest: [OutcomeSummary], _ asOf: Int64,
        _ environment: Environment?, _ maxAge: Duration?
    ) -> CoverageRow {
        let candidates = newest.filter {
            $0.service == requirement.service
                && (requirement.failureMode == nil || $0.failureMode == requirement.failureMode)
        }
        let proofs = candidates.filter { reaches($0, requirement.scope) }
        guard let found = proofs.first else {
            var reason = "never drilled"
            if let environment { reason += " in \(environment.rawValue)" }
            if let weaker = candidates.first, let scope = requirement.scope {
                reason =
                    "outcome \(weaker.number) proves durability of the \(weaker.durabilityScope) only, "
                    + "not of the \(scope.rawValue)"
            }
            return CoverageRow(requirement: requirement, state: .never, reason: reason)
        }
        let age = Duration.nanoseconds(asOf - (found.finishedAtUTC ?? asOf))
        let limit = [requirement.verifyEvery, maxAge].compactMap { $0 }.min()
        let group = found.repeatGroup.isEmpty ? [] : proofs.filter { $0.repeatGroup == found.repeatGroup }
        let failed = group.first { $0.verdict == .fail }
        var (state, reason) = judge(failed ?? found, age, limit)
        if group.count > 1 { reason = "\(words(group)): \(reason)" }
        return CoverageRow(
            requirement: requirement, state: state, outcome: (failed ?? found).number,
            environment: found.environment, age: age, reason: reason)
    }

    /// `10 repeats, 8 passed, 1 failed, 1 inconclusive`
    private static func words(_ group: [OutcomeSummary]) -> String {
        let passed = group.count { $0.verdict == .pass }
        let failed = group.count { $0.verdict == .fail }
        let counts = [
            (passed, "passed"), (failed, "failed"), (group.count - passed - failed, "inconclusive"),
        ]
        return (["\(group.count) repeats"] + counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" })
            .joined(separator: ", ")
    }

    private static func reaches(_ outcome: OutcomeSummary, _ scope: DurabilityScope?) -> Bool {
        guard let scope else { return true }
        return DurabilityScope(rawValue: outcome.durabilityScope).map { $0.proves(scope) } ?? false
    }

    private static func judge(
        _ outcome: OutcomeSummary, _ age: Duration, _ limit: Duration?
    ) -> (CoverageRow.State, String) {
        switch outcome.verdict {
        case .fail: return (.failed, outcome.reason)
        case .inconclusive, .error: return (.inconclusive, outcome.reason)
        case nil: return (.inconclusive, "\(outcome.ending.rawValue) before it was judged")
        case .pass:
            if outcome.ending != .completed {
                return (.inconclusive, "passed, but was \(outcome.ending.rawValue)")
            }
            if let limit, age > limit {
                return (.stale, "proven \(age.forPeople) ago, wanted every \(limit.forPeople)")
            }
            return (.proven, outcome.reason)
        }
    }
}
