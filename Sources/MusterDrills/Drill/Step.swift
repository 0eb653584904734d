public import MusterCore

public struct Step: Sendable {
    public indirect enum Action: Sendable {
        case inject(InjectStep)
        case wait(Duration)
        case lift(String)
        /// Waits until an expected alert fires after the first injection, or for so long.
        case alert(String, within: Duration)
        case runbook(RunbookStep)
        case parallel([Step])
    }
    public var action: Action
    /// Since the first injection.
    public var at: Duration?
    public init(_ action: Action, at: Duration? = nil) {
        self.action = action
        self.at = at
    }

    /// Whether it starts a runbook, itself or beside others.
    public var hasRunbook: Bool {
        switch action {
        case .runbook: true
        case .parallel(let steps): steps.contains(where: \.hasRunbook)
        case .inject, .wait, .lift, .alert: false
        }
    }
}

public struct InjectStep: Sendable {
    /// How recovery relates to a held fault.
    public enum Recovery: String, FormWord, Codable {
        /// The system must recover while the fault holds.
        case despite
        /// The clock runs from lifting.
        case after
    }
    /// When the fault counts as begun.
    public enum Clock: String, FormWord, Codable {
        /// When it was injected.
        case injected
        /// When its effect was there: between the last look that did not see it and the first that did. For what
        /// builds up, such as a disk that fills.
        case effective
    }
    public var name: String
    public var faultName: String
    public var fault: any Fault
    public var target: String
    /// Lifted by itself after this.
    public var hold: Duration?
    public var recovery: Recovery?
    public var clock: Clock

    public init(
        name: String, faultName: String, fault: any Fault, target: String, hold: Duration? = nil,
        recovery: Recovery? = nil, clock: Clock = .injected
    ) {
        self.name = name
        self.faultName = faultName
        self.fault = fault
        self.target = target
        self.hold = hold
        self.recovery = recovery
        self.clock = clock
    }
}

public struct RunbookStep: Hashable, Sendable {
    /// Path as written; relative to the project's `runbooks/`, or to the drill.
    public var path: String
    public var variables: [String: String]
    /// Where it restores a backup; nil for any other runbook.
    public var restore: RestorePlan?
    public init(path: String, variables: [String: String] = [:], restore: RestorePlan? = nil) {
        self.path = path
        self.variables = variables
        self.restore = restore
    }
}
