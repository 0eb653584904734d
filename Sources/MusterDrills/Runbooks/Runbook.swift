import MusterCore

/// A markdown runbook that can be executed. Only what carries a `kind` is ever run; the rest is for people.
public struct Runbook: Hashable, Sendable {
    public var title: String
    public var id: String?
    public var service: String?
    public var owner: String?
    /// How long the recovery may take by the runbook's own words (`objectives: { rto: … }`).
    public var rto: Duration?
    /// How often it must have been proven; nil: its proof never gets too old.
    public var verifyEvery: Duration?
    /// Versions that it was proven with, by the name of the system.
    public var testedWith: [String: String]
    /// What reads blocks that name no `interpreter`.
    public var shell: String
    /// The front matter's `cwd`: where blocks run, from the directory of the file.
    public var directory: String?
    public var variables: [Variable]
    /// In the order of the file, without rollbacks.
    public var steps: [RunbookItem]
    /// Blocks that run only to undo a step.
    public var rollbacks: [RunbookItem]
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
        /// `env:NAME`, `file:PATH`, `cmd:COMMAND`: where a secret comes from; its value is never shown or stored.
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
        shell: String = "sh", variables: [Variable] = [], steps: [RunbookItem] = [],
        rollbacks: [RunbookItem] = [], source: String = "", fileHash: String = "", execHash: String = ""
    ) {
        self.title = title
        self.id = id
        self.service = service
        self.owner = owner
        testedWith = [:]
        self.shell = shell
        self.variables = variables
        self.steps = steps
        self.rollbacks = rollbacks
        self.source = source
        self.fileHash = fileHash
        self.execHash = execHash
    }

    /// The step or rollback of that name.
    public func item(named name: String) -> RunbookItem? {
        steps.first { $0.name == name } ?? rollbacks.first { $0.name == name }
    }
}
