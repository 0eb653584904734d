public import MusterCore

/// What is known of a run when it begins.
public struct RunHeader: Sendable {
    /// ULID: `N` of the outcome is for display only, because imported stores collide.
    public var id: String
    public var drill: String
    public var drillPath: String
    /// The file as it was run, variables as given.
    public var drillText: String
    public var drillHash: String
    public var service: String?
    public var owner: String?
    public var environment: Environment
    public var failureMode: String?
    public var expect: String?
    public var variables: [String: String]
    /// `process`, `host`, `disk` or `site`: what kind of durability the fault can prove anything about.
    public var durabilityScope: String
    public var host: String
    public var bootID: String
    public var kernel: String
    /// IANA name beside local times.
    public var timeZone: String
    public var actor: String
    public var toolVersion: String
    public var protocolVersion: Int
    public var judgeVersion: Int
    /// SHA-256 of the muster binary.
    public var binaryHash: String
    /// SHA-256 over what else decided the run, such as the services file; empty when there was none.
    public var configurationHash: String
    /// The group of repeats it belongs to; empty for a single run.
    public var repeatGroup: String
    public var startedAt: Instant
    public var startedAtUTC: Int64

    public init(
        id: String, drill: String, drillPath: String, drillText: String, drillHash: String, service: String?,
        owner: String?, environment: Environment, failureMode: String?, expect: String?,
        variables: [String: String], durabilityScope: String, host: String, bootID: String, kernel: String,
        timeZone: String, actor: String, toolVersion: String, protocolVersion: Int, judgeVersion: Int,
        binaryHash: String, configurationHash: String = "", repeatGroup: String = "", startedAt: Instant,
        startedAtUTC: Int64
    ) {
        self.id = id
        self.drill = drill
        self.drillPath = drillPath
        self.drillText = drillText
        self.drillHash = drillHash
        self.service = service
        self.owner = owner
        self.environment = environment
        self.failureMode = failureMode
        self.expect = expect
        self.variables = variables
        self.durabilityScope = durabilityScope
        self.host = host
        self.bootID = bootID
        self.kernel = kernel
        self.timeZone = timeZone
        self.actor = actor
        self.toolVersion = toolVersion
        self.protocolVersion = protocolVersion
        self.judgeVersion = judgeVersion
        self.binaryHash = binaryHash
        self.configurationHash = configurationHash
        self.repeatGroup = repeatGroup
        self.startedAt = startedAt
        self.startedAtUTC = startedAtUTC
    }
}

/// What the controller knows about one injection, recorded before it asks a guard for it.
public struct InjectionRecord: Sendable {
    public enum State: String, Sendable, CaseIterable {
        case requested, open, closed, unreachable, forgotten
    }
    public var id: InjectionID
    public var name: String
    public var fault: String
    public var parameters: Value
    public var target: Value
    public var host: String
    /// How its guard is reached; empty for the local one.
    public var via: String
    public var state: State
    /// The undo facts in words, and how each ended.
    public var undo: [String]

    public init(
        id: InjectionID, name: String, fault: String, parameters: Value, target: Value,
        host: String = "local",
        via: String = "", state: State = .requested, undo: [String] = []
    ) {
        self.id = id
        self.name = name
        self.fault = fault
        self.parameters = parameters
        self.target = target
        self.host = host
        self.via = via
        self.state = state
        self.undo = undo
    }
}

/// A runbook as it was used by a run.
public struct RunbookRecord: Sendable {
    public var path: String
    public var fileHash: String
    /// Over what is executed only: prose may change without making it unverified.
    public var execHash: String
    public var text: String
    public init(path: String, fileHash: String, execHash: String, text: String) {
        self.path = path
        self.fileHash = fileHash
        self.execHash = execHash
        self.text = text
    }
}

/// What is known once a run is over.
public struct RunClosing: Sendable {
    public var ending: Ending
    public var judgement: Judgement
    public var exitCode: Int32
    /// Facts that did not hold after undo, in words, each with what to type.
    public var residue: [String]
    public var finishedAt: Instant
    public var finishedAtUTC: Int64
    public init(
        ending: Ending, judgement: Judgement, exitCode: Int32, residue: [String], finishedAt: Instant,
        finishedAtUTC: Int64
    ) {
        self.ending = ending
        self.judgement = judgement
        self.exitCode = exitCode
        self.residue = residue
        self.finishedAt = finishedAt
        self.finishedAtUTC = finishedAtUTC
    }
}

/// One recorded run, as listed.
public struct OutcomeSummary: Sendable {
    public var number: Int
    public var id: String
    public var drill: String
    public var service: String?
    public var environment: Environment
    public var failureMode: String?
    public var durabilityScope: String
    /// As `RunHeader.repeatGroup`; empty for a run of its own.
    public var repeatGroup = ""
    public var startedAtUTC: Int64
    public var finishedAtUTC: Int64?
    public var ending: Ending
    /// It has no closing record, but the process that runs it lives; `ending` says `interrupted` until then.
    public var isRunning = false
    /// nil while it runs, or when it was interrupted before it was judged.
    public var verdict: Verdict?
    public var reason: String
    public var exitCode: Int32?
    public var objectives: [ObjectiveResult]

    public init(
        number: Int, id: String, drill: String, service: String?, environment: Environment,
        failureMode: String?,
        durabilityScope: String, startedAtUTC: Int64, finishedAtUTC: Int64?, ending: Ending,
        verdict: Verdict?,
        reason: String, exitCode: Int32?, objectives: [ObjectiveResult]
    ) {
        self.number = number
        self.id = id
        self.drill = drill
        self.service = service
        self.environment = environment
        self.failureMode = failureMode
        self.durabilityScope = durabilityScope
        self.startedAtUTC = startedAtUTC
        self.finishedAtUTC = finishedAtUTC
        self.ending = ending
        self.verdict = verdict
        self.reason = reason
        self.exitCode = exitCode
        self.objectives = objectives
    }
}

/// Everything that is kept about one run: what a report is made of.
public struct Outcome: Sendable {
    public var number: Int
    public var header: RunHeader
    public var closing: RunClosing?
    public var events: [Event]
    public var signals: [Signal]
    /// Of every signal, also of those whose samples were not kept; empty for a run that has not ended.
    public var summaries: [SignalSummary] = []
    public var injections: [InjectionRecord]
    public var runbooks: [RunbookRecord]
    /// What the group of repeats that it belongs to has come to by now; nil for a single run.
    public var repeats: RepeatSummary?
    /// The newest calibration of the instrument on this host when the run began; nil when there was none.
    public var calibration: CalibrationRecord?

    public init(
        number: Int, header: RunHeader, closing: RunClosing?, events: [Event], signals: [Signal],
        injections: [InjectionRecord], runbooks: [RunbookRecord], repeats: RepeatSummary? = nil,
        calibration: CalibrationRecord? = nil
    ) {
        self.number = number
        self.header = header
        self.closing = closing
        self.events = events
        self.signals = signals
        self.injections = injections
        self.runbooks = runbooks
        self.repeats = repeats
        self.calibration = calibration
    }
}

/// Where knowledge is kept: next to the runbooks, on the controller. Implementations are used from one
/// thread for writing.
public protocol Outcomes: Sendable {
    /// - Returns: the number by which people name the outcome.
    func begin(_ run: RunHeader) throws -> Int
    /// Appended in order and chained by hash; durable when it returns.
    func append(_ events: [Event], to run: String) throws
    func append(_ samples: [Sample], of signal: Signal, to run: String) throws
    func record(_ injection: InjectionRecord, in run: String) throws
    func record(_ runbook: RunbookRecord, in run: String) throws
    func finish(_ run: String, _ closing: RunClosing) throws
    /// Newest first.
    func summaries(limit: Int?) throws -> [OutcomeSummary]
    func outcome(_ number: Int) throws -> Outcome?
    /// Injections on any host that are not known to be closed or forgotten.
    func unclosedInjections() throws -> [(run: String, InjectionRecord)]
}
