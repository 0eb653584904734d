public import MusterCore

/// What a drill says about its objectives. Not how the run ended: that is `Ending`.
public enum Verdict: String, Sendable, Codable, CaseIterable {
    case pass, fail, inconclusive, error
}

/// How a run ended, whatever its verdict.
public enum Ending: String, Sendable, Codable, CaseIterable {
    case completed, aborted, interrupted
}

/// What became of one objective.
public struct ObjectiveResult: Hashable, Sendable {
    public enum Result: String, Sendable, Codable, CaseIterable {
        /// Even the upper bound meets it.
        case met
        /// Even the lower bound misses it.
        case missed
        case inconclusive
    }

    /// `rto`, `rpo`, `integrity`, `availability`, `latency`, `degradation`, `detect`, `restore`, `datasets`.
    public var name: String
    /// As declared: `2s from fault`.
    public var objective: String
    /// As measured, for people: `1.230 s to 1.241 s`.
    public var measured: String
    /// The measured bounds where the objective is a time.
    public var interval: Interval?
    public var result: Result
    /// Why, in a sentence.
    public var reason: String

    public init(
        name: String, objective: String, measured: String, interval: Interval?, result: Result, reason: String
    ) {
        self.name = name
        self.objective = objective
        self.measured = measured
        self.interval = interval
        self.result = result
        self.reason = reason
    }
}

/// What a signal saw of the outage.
public enum RecoveryStatus: String, Sendable, Codable, CaseIterable {
    case noOutage = "no-outage"
    case recovered
    /// It went down again before it was stable.
    case recoveredFlapped = "recovered-flapped"
    /// Up for good, but slower or with less throughput than before the fault, beyond what chance explains.
    case degraded
    /// Not seen to recover before observation ended.
    case notRecovered = "not-recovered"
    /// The fault, the steady state or the effect is not proven.
    case invalid
    case instrumentSuspect = "instrument-suspect"
}

/// One measured figure, as stored and shown.
public struct Measurement: Hashable, Sendable {
    /// How long after the fault the last lost write was acknowledged, of those that were acknowledged after it.
    public static let lostAfterFault = "lost-after-fault"

    /// Such as `rta`, `rta-declared`, `downtime`, `first-success`, `time-to-stable`, `time-to-performance`, `rpa`:
    /// docs/GLOSSARY.md explains them.
    public var name: String
    /// The signal or workload it belongs to; empty for the drill's own.
    public var subject: String
    public var interval: Interval
    public init(name: String, subject: String, interval: Interval) {
        self.name = name
        self.subject = subject
        self.interval = interval
    }
}

/// The judgement of a whole run.
public struct Judgement: Sendable {
    public var verdict: Verdict
    /// The first sentence of every report.
    public var reason: String
    public var objectives: [ObjectiveResult]
    public var measurements: [Measurement]
    public var ledgers: [LedgerFindings]
    public var datasets: [DatasetFindings]
    public var status: RecoveryStatus
    /// What became of the figures that were predicted; empty where none were.
    public var predictions: [PredictionResult]
    /// What a reader must know, such as "weak stability", "model wrong or system changed".
    public var warnings: [String]
    /// What the run did not test.
    public var scope: [String]

    public init(
        verdict: Verdict, reason: String, objectives: [ObjectiveResult] = [],
        measurements: [Measurement] = [],
        ledgers: [LedgerFindings] = [], datasets: [DatasetFindings] = [], status: RecoveryStatus,
        predictions: [PredictionResult] = [],
        warnings: [String] = [], scope: [String] = []
    ) {
        self.verdict = verdict
        self.reason = reason
        self.objectives = objectives
        self.measurements = measurements
        self.ledgers = ledgers
        self.datasets = datasets
        self.status = status
        self.predictions = predictions
        self.warnings = warnings
        self.scope = scope
    }
}
