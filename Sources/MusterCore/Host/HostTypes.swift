/// One process for its whole life: a pid alone is reused, a pid with start time and boot id is not.
public struct ProcessIdentity: Hashable, Sendable, Codable {
    public var pid: Int32
    /// Field 22 of /proc/PID/stat (proc(5)): clock ticks after boot.
    public var startTicks: UInt64
    public var bootID: String

    public init(pid: Int32, startTicks: UInt64, bootID: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.bootID = bootID
    }
}

/// What /proc says about a process.
public struct ProcessStatus: Hashable, Sendable {
    public var identity: ProcessIdentity
    public var parent: Int32
    public var session: Int32
    public var userID: UInt32
    /// The kernel's name for it, at most 15 bytes.
    public var name: String
    public var arguments: [String]
    /// R, S, D, T, t, Z, X, I as in proc(5).
    public var state: Character
    /// Path in the unified hierarchy, such as `/system.slice/redis.service`; empty when unknown.
    public var cgroup: String

    public init(
        identity: ProcessIdentity, parent: Int32, session: Int32, userID: UInt32, name: String,
        arguments: [String],
        state: Character, cgroup: String
    ) {
        self.identity = identity
        self.parent = parent
        self.session = session
        self.userID = userID
        self.name = name
        self.arguments = arguments
        self.state = state
        self.cgroup = cgroup
    }

    public var isZombie: Bool { state == "Z" || state == "X" }
    /// Stopped by a signal or frozen by a tracer.
    public var isSuspended: Bool { state == "T" || state == "t" }
}

public struct FileStatus: Hashable, Sendable {
    public enum Kind: String, Sendable { case file, directory, link, device, other }
    public var kind: Kind
    public var size: Int64
    /// Bytes of blocks that are really allocated.
    public var allocated: Int64
    public var device: UInt64
    public var inode: UInt64
    public var mode: UInt32
    public var userID: UInt32
    public var groupID: UInt32

    public init(
        kind: Kind, size: Int64, allocated: Int64, device: UInt64, inode: UInt64, mode: UInt32,
        userID: UInt32,
        groupID: UInt32
    ) {
        self.kind = kind
        self.size = size
        self.allocated = allocated
        self.device = device
        self.inode = inode
        self.mode = mode
        self.userID = userID
        self.groupID = groupID
    }
}

public struct FileSystem: Hashable, Sendable {
    public var device: UInt64
    public var mountPoint: String
    /// Such as `ext4` or `tmpfs`.
    public var type: String
    /// Such as `/dev/loop0`.
    public var source: String
    public var totalBytes: Int64
    /// What an unprivileged user may still take.
    public var availableBytes: Int64
    public var isReadOnly: Bool

    public init(
        device: UInt64, mountPoint: String, type: String, source: String, totalBytes: Int64,
        availableBytes: Int64,
        isReadOnly: Bool
    ) {
        self.device = device
        self.mountPoint = mountPoint
        self.type = type
        self.source = source
        self.totalBytes = totalBytes
        self.availableBytes = availableBytes
        self.isReadOnly = isReadOnly
    }
}

/// How a command ended.
public struct CommandResult: Hashable, Sendable {
    public enum Ending: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// Killed by us after its deadline.
        case timedOut
    }
    public var ending: Ending
    /// Standard output and standard error, each capped at 64 KiB.
    public var output: String
    public var errors: String

    public init(ending: Ending, output: String, errors: String) {
        self.ending = ending
        self.output = output
        self.errors = errors
    }

    public var succeeded: Bool { ending == .exited(0) }
    public var endingInWords: String {
        switch ending {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        case .timedOut: "its deadline passed"
        }
    }
}

/// Signals that a fault can send, by the names of signal(7) without `SIG`.
public enum SignalName: String, FormWord, Codable {
    case kill = "KILL"
    case term = "TERM"
    case int = "INT"
    case quit = "QUIT"
    case hup = "HUP"
    case abrt = "ABRT"
    case segv = "SEGV"
    case usr1 = "USR1"
    case usr2 = "USR2"
    case stop = "STOP"
    case cont = "CONT"

    /// The number on Linux, x86-64 and arm64.
    public var number: Int32 {
        switch self {
        case .hup: 1
        case .int: 2
        case .quit: 3
        case .abrt: 6
        case .kill: 9
        case .usr1: 10
        case .segv: 11
        case .usr2: 12
        case .term: 15
        case .cont: 18
        case .stop: 19
        }
    }
}

/// Something went wrong on a host.
public struct HostError: Error, Hashable, Sendable {
    public enum Code: String, Sendable {
        case notPermitted, notFound, exists, noSpace, readOnly, timedOut, busy, notSupported, corrupt, failed
    }
    public var code: Code
    /// What was being done, such as `open /srv/data/a`.
    public var operation: String
    /// What the system said.
    public var reason: String

    public init(_ code: Code, _ operation: String, _ reason: String) {
        self.code = code
        self.operation = operation
        self.reason = reason
    }
}
