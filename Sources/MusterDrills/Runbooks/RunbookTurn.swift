public import MusterCore

/// What both clocks showed at once: the monotonic one for lengths, the wall clock for people and across restarts.
public struct ClockReading: Hashable, Sendable {
    public var at: Instant
    public var utcNanoseconds: Int64
    public init(_ at: Instant, utc: Int64) {
        self.at = at
        utcNanoseconds = utc
    }
}

/// One step of a runbook's run as it was carried out. A step that is carried out again, because another one led back to
/// it or because the run was resumed, has a turn of its own.
public struct RunbookTurn: Hashable, Sendable {
    public enum State: String, Sendable, CaseIterable {
        case running
        case succeeded
        case failed
        case timedOut = "timed-out"
        /// A person said no.
        case refused
        /// Ended from outside: Ctrl-C, or the drill was broken off.
        case cancelled
        /// The run died in the midst of it: whether it had its effect is not known.
        case unknown

        /// Whether what follows from it is settled.
        public var isOver: Bool {
            switch self {
            case .succeeded, .failed, .timedOut, .refused: true
            case .running, .cancelled, .unknown: false
            }
        }
    }

    /// An attempt that failed and was followed by another one.
    public struct FailedAttempt: Hashable, Sendable {
        public var number: Int
        public var exitCode: Int
        /// The last line of what it said, without secrets.
        public var reason: String
        public var endedUTC: Int64

        public init(number: Int, exitCode: Int, reason: String, endedUTC: Int64) {
            self.number = number
            self.exitCode = exitCode
            self.reason = reason
            self.endedUTC = endedUTC
        }

        /// `attempt 1 failed with exit code 75: no route`.
        public var words: String {
            "attempt \(number) failed with exit code \(exitCode)" + (reason.isEmpty ? "" : ": \(reason)")
        }
    }

    /// Of all turns of the run, from 1.
    public var number: Int
    public var name: String
    public var kind: RunbookItem.Kind
    public var heading: String
    public var state = State.running
    /// Attempts that were begun, also those of an earlier turn that this one goes on from.
    public var attempts = 0
    public var exitCode: Int?
    /// Those before the last one; the looks of a `wait`, which are meant to fail, are only counted.
    public var failedAttempts: [FailedAttempt] = []
    /// Why it did not succeed; empty otherwise.
    public var reason = ""
    /// The end of what its program said, without secrets.
    public var output = ""
    /// Lines that it said before that; known only while the run goes on.
    public var linesBefore = 0
    public var begunUTC: Int64
    public var endedUTC: Int64?
    /// Time of programs and between their attempts.
    public var machine = Duration.zero
    /// From being shown to a person until that person began.
    public var humanWait = Duration.zero
    /// From there until the answer.
    public var humanWork = Duration.zero
    /// Who answered, or assumed.
    public var actor: String?
    /// What was typed as evidence.
    public var evidence: String?
    /// What was captured; nil for a secret, which is not kept.
    public var value: String?
    /// Whether a person said that it is done, after a crash in the midst of it.
    public var isAssumed = false
    /// Whether it was done again only because the run was resumed; nothing follows from it.
    public var isRepeated = false

    public init(number: Int, item: RunbookItem, begunUTC: Int64) {
        self.init(
            number: number, name: item.name, kind: item.kind, heading: item.heading, begunUTC: begunUTC)
    }

    public init(number: Int, name: String, kind: RunbookItem.Kind, heading: String, begunUTC: Int64) {
        self.number = number
        self.name = name
        self.kind = kind
        self.heading = heading
        self.begunUTC = begunUTC
    }

    /// All of its time, whoever spent it.
    public var total: Duration { machine + humanWait + humanWork }

    /// `succeeded`, `failed with exit code 3`, `timed out`.
    public var words: String {
        switch state {
        case .running: "is under way"
        case .succeeded: isAssumed ? "is assumed to be done" : "succeeded"
        case .failed: exitCode.map { "failed with exit code \($0)" } ?? "failed"
        case .timedOut: "timed out"
        case .refused: "was refused"
        case .cancelled: "was cancelled"
        case .unknown: "was cut off, and its outcome is not known"
        }
    }
}

/// How a run of a runbook ended.
public struct RunbookResult: Hashable, Sendable {
    public enum State: String, Sendable, CaseIterable {
        case succeeded, failed, cancelled
    }
    public var state: State
    /// Why it did not succeed; empty otherwise.
    public var reason: String
    /// Rollbacks of steps that were carried out and that did not run, or failed: what people still have to think of.
    public var openRollbacks: [String]
    public var turns: [RunbookTurn]

    public init(state: State, reason: String, openRollbacks: [String] = [], turns: [RunbookTurn]) {
        self.state = state
        self.reason = reason
        self.openRollbacks = openRollbacks
        self.turns = turns
    }

    public var machine: Duration { turns.reduce(.zero) { $0 + $1.machine } }
    public var humanWait: Duration { turns.reduce(.zero) { $0 + $1.humanWait } }
    public var humanWork: Duration { turns.reduce(.zero) { $0 + $1.humanWork } }
    public var total: Duration { machine + humanWait + humanWork }
}
