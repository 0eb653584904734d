public import MusterCore

/// A service that runs on this machine, as a first drill needs to know it.
public struct FoundService: Hashable, Sendable {
    public var kind: ServiceKind
    /// The name of its program, such as `redis-server`; may hold anything.
    public var program: String
    /// Where it listens, the most telling first.
    public var addresses: [StreamAddress]
    /// Its processes that listen, without init.
    public var listeners: [Int32]
    /// The one above the others.
    public var main: Int32
    public var user: String
    /// The systemd unit that it belongs to.
    public var unit: String?
    /// What the unit's files say; nil when they cannot be read, and for units of a user.
    public var settings: UnitSettings?
    public var isUserUnit = false
    /// Whether systemd holds its socket as well: the next client starts it, whatever `Restart=` says (systemd.socket(5)).
    public var isSocketActivated = false
    public var starter = Starter.nobody
    /// A command that starts it, rebuilt from what runs; nil when that cannot be known.
    public var start: StartCommand?
    public var choice = TargetChoice(.listening(1))
    /// What was said to it, and what it answered.
    public var greeted: Greeting?
    public var answer: GreetingAnswer?
    /// Of a PostgreSQL server.
    public var dataDirectory: String?
    /// Of a PostgreSQL server of Debian's: version and name, `15/main`.
    public var cluster: String?
    /// Programs of its kind that are on this machine, such as `pg_isready`.
    public var tools: Set<String> = []

    public init(
        _ kind: ServiceKind, program: String, addresses: [StreamAddress], listeners: [Int32], main: Int32,
        user: String
    ) {
        self.kind = kind
        self.program = program
        self.addresses = addresses
        self.listeners = listeners
        self.main = main
        self.user = user
    }

    /// Where probes look, from this machine.
    public var address: StreamAddress { addresses[0].fromHere }
    public var ports: [Int] {
        addresses.compactMap(\.port).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Who starts it again once it was killed.
    public enum Starter: Hashable, Sendable {
        /// Nobody: its parent is init or somebody's shell.
        case nobody
        /// systemd, by the unit's own `Restart=`.
        case unit
        /// A supervisor that is known, with the command that tells it to.
        case supervisor(name: String, command: [String])
        /// A program that may do it, and may not.
        case perhaps(parent: String)
    }

    /// Whether a drill may count on its coming back by itself.
    public var comesBack: Bool {
        switch starter {
        case .nobody: false
        case .unit: isSocketActivated || settings?.restartsAfterKill ?? true
        case .supervisor, .perhaps: true
        }
    }

    /// What brings it back when nothing else did: the drill's `restart:`.
    public var restart: [String]? {
        if let unit {
            return isUserUnit
                ? ["systemctl", "--user", "start", unit] : ["systemctl", "start", unitWord(unit)]
        }
        if case .supervisor(_, let command) = starter, !command.isEmpty { return command }
        return start?.command
    }

    /// Without the suffix that systemctl adds itself.
    func unitWord(_ unit: String) -> String { unit.hasSuffix(".service") ? String(unit.dropLast(8)) : unit }
    public var unitWord: String? { unit.map { unitWord($0) } }

    /// For people: what kind of drill would be written.
    public var drillInWords: String {
        comesBack
            ? "kill, comes back by itself" : restart == nil ? "kill, started again by hand" : "kill, runbook"
    }
}

/// A command that starts a service as it runs now.
public struct StartCommand: Hashable, Sendable {
    public var command: [String]
    /// What cannot be known about how it was started.
    public var doubts: String
    /// What it does besides starting the service, a sentence for people; nil: nothing.
    public var besides: String?

    public init(_ command: [String], doubts: String, besides: String? = nil) {
        self.command = command
        self.doubts = doubts
        self.besides = besides
    }
}

/// How a drill's target finds the processes to kill.
public struct TargetChoice: Hashable, Sendable {
    public var selector: ProcessSelector
    public var count: Int
    /// Whether its child processes are killed too, so that none of them holds the port.
    public var tree: Bool

    public init(_ selector: ProcessSelector, count: Int = 1, tree: Bool = false) {
        self.selector = selector
        self.count = count
        self.tree = tree
    }
}

/// Something that listens and is not offered, with the reason.
public struct WithheldService: Hashable, Sendable {
    public var addresses: [StreamAddress]
    /// Nil where this user may not know.
    public var program: String?
    public var user: String?
    public var unit: String?
    public var reason: String
}

/// Everything that listens here, as far as this user may see.
public struct Survey: Sendable {
    /// In the order of their ports.
    public var services: [FoundService] = []
    public var withheld: [WithheldService] = []
    /// What was done besides reading, and what could not be seen; a sentence each.
    public var remarks: [String] = []
}
