/// A markdown runbook that can be executed. Only what carries a `kind` is ever run; the rest is for people.
public struct Runbook: Hashable, Sendable {
    public var title: String
    public var id: String?
    public var service: String?
    public var owner: String?
    /// For blocks whose language names no shell.
    public var shell: String
    public var variables: [Variable]
    /// In the order of the file.
    public var steps: [RunbookItem]
    /// The file as it was read, byte for byte; it is never written anew from what was understood of it.
    public var source: String
    /// SHA-256 of the file without its stamp.
    public var fileHash: String
    /// SHA-256 over what is executed only: prose may change without making it unverified.
    public var execHash: String

    /// A variable, given to steps in their environment and never put into their text.
    public struct Variable: Hashable, Sendable {
        public var name: String
        public var isRequired: Bool
        public var defaultValue: String?
        /// A regular expression that the whole value must match.
        public var pattern: String?
        /// `env:NAME`, `file:PATH`: where a secret comes from; its value is never shown or stored.
        public var secret: String?

        public init(
            name: String, isRequired: Bool = false, defaultValue: String? = nil, pattern: String? = nil,
            secret: String? = nil
        ) {
            self.name = name
            self.isRequired = isRequired
            self.defaultValue = defaultValue
            self.pattern = pattern
            self.secret = secret
        }
    }

    public init(
        title: String, id: String? = nil, service: String? = nil, owner: String? = nil,
        shell: String = "sh", variables: [Variable] = [], steps: [RunbookItem] = [], source: String = "",
        fileHash: String = "", execHash: String = ""
    ) {
        self.title = title
        self.id = id
        self.service = service
        self.owner = owner
        self.shell = shell
        self.variables = variables
        self.steps = steps
        self.source = source
        self.fileHash = fileHash
        self.execHash = execHash
    }
}

/// One block of a runbook that is executed.
public struct RunbookItem: Hashable, Sendable {
    public enum Kind: String, FormWord, Codable {
        /// Exit code 0 succeeds.
        case command
        /// Asserts once; changes nothing.
        case check
        /// Polled until it succeeded `stable` times in a row.
        case wait
    }

    /// What is done when it fails.
    public enum Failure: Hashable, Sendable {
        case abort
        case proceed
        /// Goes on with the step of this name.
        case step(String)
    }

    public var kind: Kind
    public var name: String
    /// The nearest heading above.
    public var heading: String
    /// `sh`, `bash`: what reads the body.
    public var shell: String
    /// The text of the block, byte for byte.
    public var body: String
    public var timeout: Duration
    /// Between two looks of a `wait`.
    public var interval: Duration
    /// Successes in a row that a `wait` wants.
    public var stable: Int
    /// Attempts beyond the first; only of what is idempotent.
    public var retries: Int
    public var retryDelay: Duration
    /// Exit codes that are retried; empty: all but 0.
    public var retryOn: [Int]
    public var isIdempotent: Bool
    public var onFailure: Failure
    /// Whether its failure makes the runbook fail.
    public var isCritical: Bool
    /// Line of its opening fence in the file, from 1.
    public var line: Int

    public init(
        kind: Kind, name: String, heading: String = "", shell: String, body: String, timeout: Duration,
        interval: Duration = .seconds(1), stable: Int = 1, retries: Int = 0,
        retryDelay: Duration = .seconds(1), retryOn: [Int] = [], isIdempotent: Bool = false,
        onFailure: Failure = .abort, isCritical: Bool = true, line: Int
    ) {
        self.kind = kind
        self.name = name
        self.heading = heading
        self.shell = shell
        self.body = body
        self.timeout = timeout
        self.interval = interval
        self.stable = stable
        self.retries = retries
        self.retryDelay = retryDelay
        self.retryOn = retryOn
        self.isIdempotent = isIdempotent
        self.onFailure = onFailure
        self.isCritical = isCritical
        self.line = line
    }
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
