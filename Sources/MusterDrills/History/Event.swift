public import MusterCore

/// Something that happened in a run. Appended to the store as it happens; never changed.
public struct Event: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case runStarted = "run-started"
        /// It is one of several repeats; `detail` is a `FaultPhase`.
        case repeatPlanned = "repeat-planned"
        case fixtureStarting = "fixture-starting"
        case fixtureReady = "fixture-ready"
        case workloadStarted = "workload-started"
        case steady
        case injecting
        case injected
        case effective
        case effectMissing = "effect-missing"
        case lifting
        case lifted
        /// A held fault was over before it was lifted, such as by a deadline of its own.
        case endedEarly = "ended-early"
        case stepStarted = "step-started"
        case stepFinished = "step-finished"
        case runbookStarted = "runbook-started"
        case runbookStep = "runbook-step"
        case runbookFinished = "runbook-finished"
        case firstFailure = "first-failure"
        case firstSuccess = "first-success"
        case stable
        case deadlinePassed = "deadline-passed"
        case writersStopped = "writers-stopped"
        case readBack = "read-back"
        /// A dataset was read; `subject` is its name.
        case datasetRead = "dataset-read"
        /// A restore was not begun; `text`: why.
        case restoreRefused = "restore-refused"
        /// What a backup is restored from was read, before or after (`detail.when`); `bracket`: when.
        case restoreRead = "restore-read"
        /// What a restore left at its source and its place; see `RestoreFacts`.
        case restoreOver = "restore-over"
        case undone
        case undoFailed = "undo-failed"
        case steadyAgain = "steady-again"
        case notSteadyAgain = "not-steady-again"
        case abort
        case guardLost = "guard-lost"
        /// A source of alerts is listened to from here on, or no longer (`detail.over`).
        case alertWatch = "alert-watch"
        /// An expected alert fires, or is over.
        case alert
        /// An alert that nobody expected.
        case alertOther = "alert-other"
        /// What a source said in this time may not have been heard.
        case alertBlind = "alert-blind"
        case instrumentSuspect = "instrument-suspect"
        /// It was run in spite of a blackout; `detail` has `blackout`, `reason` and `approver`.
        case blackoutOverridden = "blackout-overridden"
        case warning
        case note
        case verdict
        case runFinished = "run-finished"
    }

    public var kind: Kind
    /// On the controller's clock, when it was recorded.
    public var at: Instant
    public var utcNanoseconds: Int64
    /// Between these it happened; nil for what is not measured.
    public var bracket: Bracket?
    /// The injection, probe, fixture, step or workload.
    public var subject: String
    /// `muster`, `guard`, or a person.
    public var actor: String
    /// For people; redacted before it gets here.
    public var text: String
    public var detail: Value

    public init(
        _ kind: Kind, at: Instant, utc: Int64, bracket: Bracket? = nil, subject: String = "",
        actor: String = "muster", text: String, detail: Value = .null
    ) {
        self.kind = kind
        self.at = at
        utcNanoseconds = utc
        self.bracket = bracket
        self.subject = subject
        self.actor = actor
        self.text = text
        self.detail = detail
    }
}

/// All that a run yielded. Every judgement is a pure function of it.
public struct History: Sendable {
    public var events: [Event]
    public var signals: [Signal]
    public var ledgers: [Ledger]
    /// What became of each dataset.
    public var datasets: [DatasetFindings]
    public init(
        events: [Event], signals: [Signal], ledgers: [Ledger], datasets: [DatasetFindings] = []
    ) {
        self.events = events
        self.signals = signals
        self.ledgers = ledgers
        self.datasets = datasets
    }
}
