public import MusterCore

/// What a step that restores a backup promises beside what its runbook does.
public struct RestorePlan: Hashable, Sendable {
    /// Where the backup lies: read before and after, and never touched.
    public var source: [String]
    /// Where it is restored to: absent or empty when the step begins, or the step is refused.
    public var into: String
    /// The oldest that the backup may be when the fault strikes; nil: any age.
    public var maxAge: Duration?

    /// How long reading the source once may take: 1 s to 24 h.
    public var within: Duration

    public init(source: [String], into: String, maxAge: Duration? = nil, within: Duration = .seconds(600)) {
        self.source = source
        self.into = into
        self.maxAge = maxAge
        self.within = within
    }
}

/// What a step of a runbook is for, where it restores something.
public enum RestoreStage: String, FormWord, Codable {
    /// Gets the backup from where it lies.
    case fetch
    /// Puts it where it is to be used.
    case restore
    /// Applies what came after it, such as a log.
    case replay
    /// Proves that it is whole.
    case verify
}

/// Names of the variables by which a runbook says what it restored; a `capture` fills them.
public enum RestoreVariable {
    /// Which backup it is, in the words of its tool.
    public static let backup = "backup_id"
    /// When the backup was taken.
    public static let taken = "backup_taken"
    /// Up to when everything is wanted back, and nothing from then on.
    public static let target = "recovery_target"
}
