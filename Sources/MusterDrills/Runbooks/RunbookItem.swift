public import MusterCore

/// One block of a runbook that is executed.
public struct RunbookItem: Hashable, Sendable {
    public enum Kind: String, FormWord, Codable {
        /// Exit code 0 succeeds.
        case command
        /// Asserts once; changes nothing.
        case check
        /// Polled until it succeeded `stable` times in a row.
        case wait
        /// Done, confirmed or refused by a person.
        case manual
        /// Its standard output becomes a variable of the steps after it; changes nothing.
        case capture
        /// Undoes a step when the runbook is given up; never runs by itself.
        case rollback
    }

    /// What is done when it fails.
    public enum Failure: Hashable, Sendable {
        case abort
        case proceed
        /// Goes on with the step of this name.
        case step(String)
    }

    /// What undoes it.
    public enum Rollback: Hashable, Sendable {
        /// Somebody thought about it: there is nothing to undo.
        case nothing
        case block(String)
    }

    public var kind: Kind
    public var name: String
    /// The nearest heading above.
    public var heading: String
    /// `sh`, `bash`: what reads the body; for people in a manual step.
    public var shell: String
    /// The text of the block, byte for byte.
    public var body: String
    /// The most that it may take, all attempts together.
    public var timeout: Duration
    /// Line of its opening fence in the file, from 1.
    public var line: Int
    /// Between two looks of a `wait`.
    public var interval = Duration.seconds(1)
    /// Successes in a row that a `wait` wants.
    public var stable = 1
    public var retry = Retry()
    /// Whether doing it twice is as good as once.
    public var isIdempotent = false
    public var onFailure = Failure.abort
    /// Whether its failure makes the runbook fail.
    public var isCritical = true
    /// nil when nobody said.
    public var rollback: Rollback?
    /// Whether the runbook is over once it succeeded.
    public var isEnd = false
    /// Whether a resumed run does it again before it goes on.
    public var isSetup = false
    /// Where it runs, from the runbook's own directory.
    public var directory: String?
    /// manual: who may confirm it; nil: anybody.
    public var role: String?
    /// manual: how long it is expected to take a person.
    public var expected: Duration?
    /// manual: what the person has to type as evidence, and the variable that holds it afterwards.
    public var ask: String?
    /// capture: the variable.
    public var into: String?
    /// capture: whether the variable is a secret, which is never shown or stored.
    public var isSecret = false
    /// What it is for, where the runbook restores a backup.
    public var stage: RestoreStage?

    /// Attempts beyond the first; only of what is idempotent.
    public struct Retry: Hashable, Sendable {
        public var count = 0
        public var delay = Duration.seconds(1)
        /// By how much the delay grows with each attempt; 1: not at all.
        public var backoff = 1.0
        /// The most that it grows to.
        public var longest = Duration.seconds(60)
        /// Exit codes that are tried again; empty: all but 0.
        public var codes: [Int] = []

        public init() {}

        /// How long to wait before the attempt `number`, from 2 on.
        /// - Parameter chance: from 0 to 1. A delay that grows is made longer by up to a quarter, so that many that
        ///   failed together do not come back together.
        public func pause(before number: Int, chance: Double) -> Duration {
            guard backoff > 1 else { return min(delay, longest) }
            var nanoseconds = Double(delay.nanoseconds)
            for _ in stride(from: 2, to: number, by: 1) where nanoseconds < Double(longest.nanoseconds) {
                nanoseconds *= backoff
            }
            nanoseconds = min(nanoseconds, Double(longest.nanoseconds))
            return .nanoseconds(Int64(nanoseconds * (1 + chance / 4)))
        }
    }

    public init(
        kind: Kind, name: String, heading: String, shell: String, body: String, timeout: Duration, line: Int
    ) {
        self.kind = kind
        self.name = name
        self.heading = heading
        self.shell = shell
        self.body = body
        self.timeout = timeout
        self.line = line
        isIdempotent = [.check, .wait, .capture, .manual].contains(kind)
    }

    /// Whether carrying it out changes something.
    public var isMutating: Bool { kind == .command || kind == .rollback }
}

extension RunbookItem.Failure: FormValue {
    public static var shape: Shape { .text }
    public var value: Value {
        switch self {
        case .abort: "abort"
        case .proceed: "continue"
        case .step(let name): .text("step:" + name)
        }
    }
    public init(node: FormNode) throws {
        let text = node.text ?? ""
        if text == "abort" {
            self = .abort
        } else if text == "continue" {
            self = .proceed
        } else if text.hasPrefix("step:"), text.count > 5 {
            self = .step(String(text.dropFirst(5)))
        } else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "abort, continue or step:NAME",
                nearest: nearestWord(to: text, among: ["abort", "continue"]))
        }
    }
}

extension RunbookItem.Rollback: FormValue {
    public static var shape: Shape { .text }
    public var value: Value {
        switch self {
        case .nothing: "none"
        case .block(let name): .text(name)
        }
    }
    public init(node: FormNode) throws {
        guard let text = node.text, !text.isEmpty else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "the name of a rollback block, or none")
        }
        self = text == "none" ? .nothing : .block(text)
    }
}
