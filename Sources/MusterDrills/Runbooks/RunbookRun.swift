public import MusterCore

/// A run of a runbook by itself, outside a drill, as it is known when it begins.
public struct RunbookRun: Hashable, Sendable {
    /// What is kept of a secret.
    public struct SecretTrace: Hashable, Sendable {
        public var name: String
        /// `env:NAME`, `file:PATH`, or `cmd`: commands may hold what must not be kept.
        public var source: String
        public var salt: String
        /// SHA-256 over salt and value, in hexadecimal.
        public var hash: String
        public init(name: String, source: String, salt: String, hash: String) {
            self.name = name
            self.source = source
            self.salt = salt
            self.hash = hash
        }
    }

    /// ULID.
    public var id: String
    /// From the top of the project.
    public var path: String
    public var title: String
    public var service: String?
    public var owner: String?
    public var fileHash: String
    public var execHash: String
    /// The file as it was run.
    public var text: String
    public var variables: [String: String]
    public var secrets: [SecretTrace]
    public var host: String
    public var bootID: String
    public var actor: String
    public var toolVersion: String
    public var startedAtUTC: Int64

    public init(
        id: String, runbook: Runbook, path: String, variables: [String: String], secrets: [SecretTrace],
        host: String, bootID: String, actor: String, toolVersion: String, startedAtUTC: Int64
    ) {
        self.init(
            id: id, path: path, title: runbook.title, service: runbook.service, owner: runbook.owner,
            fileHash: runbook.fileHash, execHash: runbook.execHash, text: runbook.source,
            variables: variables,
            secrets: secrets, host: host, bootID: bootID, actor: actor, toolVersion: toolVersion,
            startedAtUTC: startedAtUTC)
    }

    public init(
        id: String, path: String, title: String, service: String?, owner: String?, fileHash: String,
        execHash: String, text: String, variables: [String: String], secrets: [SecretTrace], host: String,
        bootID: String, actor: String, toolVersion: String, startedAtUTC: Int64
    ) {
        self.id = id
        self.path = path
        self.title = title
        self.service = service
        self.owner = owner
        self.fileHash = fileHash
        self.execHash = execHash
        self.text = text
        self.variables = variables
        self.secrets = secrets
        self.host = host
        self.bootID = bootID
        self.actor = actor
        self.toolVersion = toolVersion
        self.startedAtUTC = startedAtUTC
    }
}

/// A run of a runbook as it is on record.
public struct RecordedRunbookRun: Sendable {
    /// By which people name it.
    public var number: Int
    public var run: RunbookRun
    public var turns: [RunbookTurn]
    /// Programs that turns started and that may outlive the run, by the turn's number.
    public var processes: [Int: ProcessIdentity]
    /// nil while it runs, and when it died.
    public var result: RunbookResult?
    public var finishedAtUTC: Int64?
    /// The process that carries it out lives.
    public var isRunning: Bool
    /// How often it was resumed.
    public var resumptions: Int
    /// Whether the file was changed between its beginning and its end.
    public var isChanged: Bool

    public init(
        number: Int, run: RunbookRun, turns: [RunbookTurn], processes: [Int: ProcessIdentity],
        result: RunbookResult?, finishedAtUTC: Int64?, isRunning: Bool, resumptions: Int, isChanged: Bool
    ) {
        self.number = number
        self.run = run
        self.turns = turns
        self.processes = processes
        self.result = result
        self.finishedAtUTC = finishedAtUTC
        self.isRunning = isRunning
        self.resumptions = resumptions
        self.isChanged = isChanged
    }

    /// From its beginning to its end, also while it was dead or stopped in between; nil while it has no end.
    public var elapsed: Duration? {
        finishedAtUTC.map { .nanoseconds(max(0, $0 - run.startedAtUTC)) }
    }

    /// Whether another run may be set against it: it came to its end by itself and at once, and every step was done.
    public var isComparable: Bool { evidence?.isPass == true && resumptions == 0 }

    /// What it proves about the runbook; nil when it proves nothing: it did not end by itself, or a person said that
    /// a step was done, or the file changed on the way.
    public var evidence: RunbookEvidence? {
        guard let result, let finishedAtUTC, result.state != .cancelled else { return nil }
        let isPass = result.state == .succeeded
        if isPass, isChanged || turns.contains(where: \.isAssumed) { return nil }
        return RunbookEvidence(
            execHash: run.execHash, isPass: isPass, finishedAtUTC: finishedAtUTC, source: "run #\(number)",
            reason: result.reason)
    }
}
