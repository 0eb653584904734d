import MusterCore

/// What is known of a runbook's fitness: whether what it executes was proven, lately, and with the versions that run.
public enum RunbookState: String, Sendable, CaseIterable {
    /// No run of it was ever judged.
    case never
    /// The last run that was judged failed.
    case failed
    /// What it executes is not what was proven.
    case drifted
    /// Other versions run than those that it was proven with.
    case depsChanged = "deps-changed"
    /// The proof is older than it may be.
    case stale
    case verified
}

/// One run that proves something about a runbook, by a drill or by itself.
public struct RunbookEvidence: Hashable, Sendable {
    public var execHash: String
    public var isPass: Bool
    public var finishedAtUTC: Int64
    /// `outcome #12`, `run #3`.
    public var source: String
    /// Why it failed; empty otherwise.
    public var reason: String

    public init(execHash: String, isPass: Bool, finishedAtUTC: Int64, source: String, reason: String = "") {
        self.execHash = execHash
        self.isPass = isPass
        self.finishedAtUTC = finishedAtUTC
        self.source = source
        self.reason = reason
    }
}

/// The state of a runbook, and why.
public struct RunbookStanding: Hashable, Sendable {
    public var state: RunbookState
    public var reason: String
    public var lastPass: RunbookEvidence?

    /// - Parameters:
    ///   - evidence: in any order.
    ///   - observed: versions that run now, by the names of `testedWith`; a system that nobody could look at is left
    ///     out, and says nothing.
    ///   - now: nanoseconds since 1970 UTC.
    public init(
        of runbook: Runbook, evidence: [RunbookEvidence], observed: [String: String], now: Int64
    ) {
        let newest = evidence.max { $0.finishedAtUTC < $1.finishedAtUTC }
        lastPass = evidence.filter(\.isPass).max { $0.finishedAtUTC < $1.finishedAtUTC }
        guard let newest else {
            (state, reason) = (.never, "no run of it is on record")
            return
        }
        guard newest.isPass, let pass = lastPass else {
            state = .failed
            reason = newest.source + " failed" + (newest.reason.isEmpty ? "" : ": \(newest.reason)")
            return
        }
        if pass.execHash != runbook.execHash {
            (state, reason) = (.drifted, "what it executes was changed since \(pass.source)")
            return
        }
        let changed = runbook.testedWith.sorted { $0.key < $1.key }.first { name, version in
            observed[name].map { !Self.isSame($0, as: version) } ?? false
        }
        if let changed {
            state = .depsChanged
            reason =
                "\(changed.key) is \(observed[changed.key] ?? "?") here; it was tested with \(changed.value)"
            return
        }
        let age = Duration.nanoseconds(max(0, now - pass.finishedAtUTC))
        if let limit = runbook.verifyEvery, age > limit {
            state = .stale
            reason = "\(pass.source) is \(age.forPeople) old; at most \(limit.forPeople) is allowed"
            return
        }
        (state, reason) = (.verified, "\(pass.source), \(age.forPeople) ago")
    }

    /// Whether a version is the one that was meant: `7.0.15` is `7.0`, `7.01` is not.
    static func isSame(_ found: String, as meant: String) -> Bool {
        let found = found.split(separator: ".")
        let meant = meant.split(separator: ".")
        return found.starts(with: meant)
    }
}
