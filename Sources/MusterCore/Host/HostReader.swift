/// Reads one host and cannot change it. Planning and proving get this and nothing more.
///
/// Everything is synchronous: it runs on the one thread of a guard's hands.
public protocol HostReader {
    /// Identity of this boot (/proc/sys/kernel/random/boot_id), so that records of an earlier boot are
    /// recognised.
    func bootID() throws -> String
    /// CLOCK_MONOTONIC.
    func monotonic() -> Instant
    /// CLOCK_REALTIME, nanoseconds since 1970: only to compare with dates that others wrote, such as those in a
    /// certificate.
    func utcNanoseconds() -> Int64
    /// Effective user id; 0 may do everything that the capabilities allow.
    func userID() -> UInt32
    /// Where the guard itself lives.
    var site: GuardSite { get }
    /// Lets time pass, for restoring what somebody else brings back (a unit, a supervisor). Bounded by the
    /// caller: always polls with a deadline.
    func pause(_ duration: Duration)

    /// What stands at `path` itself (lstat(2)); nil when nothing does.
    func status(of path: String) throws -> FileStatus?
    /// Up to `count` bytes from `offset`; nil when there is no such file.
    func read(_ path: String, from offset: Int64, count: Int) throws -> [UInt8]?
    /// SHA-256 of a file's contents in hexadecimal, with the given ranges read as zeros; nil when there is no
    /// such file.
    func digest(of path: String, masking ranges: [Range<Int64>]) throws -> String?
    /// Names in a directory, sorted, without `.` and `..`; nil when there is no such directory.
    func list(_ directory: String) throws -> [String]?
    /// `path` with every link and `..` resolved; nil when it does not exist.
    func resolve(_ path: String) throws -> String?
    /// The file system that holds `path` (statvfs(3), /proc/self/mountinfo).
    func fileSystem(holding path: String) throws -> FileSystem

    /// Every process that this user may see (/proc).
    func processes() throws -> [ProcessStatus]
    /// One process; nil when it is gone.
    func process(_ pid: Int32) throws -> ProcessStatus?
    /// The network namespace of a process, as the inode of its file (namespaces(7)); nil: when the process is gone, or
    /// this user may not know.
    /// - Parameter pid: nil: our own.
    func networkNamespace(of pid: Int32?) throws -> UInt64?
    /// The processes that listen on a TCP port, in the host's own network namespace.
    func listeners(onPort port: Int) throws -> [Int32]
    /// The inodes of the sockets that a process has open (proc(5), /proc/PID/fd); nil: it is gone, or this user may not
    /// look.
    func sockets(of pid: Int32) throws -> Set<UInt64>?
    /// Processes that carry the mark of an injection, by cgroup, recorded session or environment, and whose
    /// identity has been checked. Includes those that outlived whoever started them.
    func helpers(of id: InjectionID) throws -> [ProcessIdentity]
    /// Whether `helpers(of:)` finds every process of a mark: where marks are cgroups. Without them, one that left
    /// its session and cleared its environment cannot be told from others once its parent has ended.
    var findsEveryHelper: Bool { get }
    /// What a fixture's supervisor says; nil when no supervisor answers.
    func supervisor(of id: InjectionID) throws -> SupervisorStatus?

    /// The path of a program, looked up in the guard's own PATH and the sbin directories; nil when missing.
    func tool(_ name: String) -> String?
    /// Runs a command that only reads, such as `nft list`. Never used for a command that changes anything.
    func query(_ argv: [String], deadline: Duration) throws -> CommandResult

    /// GETs something from a program with an HTTP interface (HTTP/1.1, RFC 9112).
    /// - Throws: `HostError.notFound` when nobody listens there, `timedOut` after the deadline.
    func fetch(_ path: String, from api: StreamAddress, deadline: Duration) throws -> APIAnswer
    /// Looks at a server as a client would, `count` times at once: one connection after the other is opened, and
    /// all are kept open until the last was looked at. Ends early at the first that does not see enough.
    func visit(_ visit: Visit, atOnce count: Int) -> [Sighting]
}

/// A host that can be changed. `LinuxHost` and the simulation's `World` implement exactly these primitives,
/// so the code that the simulation crashes is the code that ships.
///
/// Each call is one effect: a crash leaves it not begun, half done or done, and what plans say must hold in
/// all three cases.
public protocol Host: HostReader {
    func createDirectory(_ path: String, mode: UInt32) throws
    /// Creates a file that must not exist yet, and makes it durable.
    func createFile(_ path: String, contents: [UInt8], mode: UInt32) throws
    /// Replaces a file's contents by rename(2), durably, keeping owner and mode.
    func replaceFile(_ path: String, contents: [UInt8]) throws
    /// Copies a file, as a reflink where the file system can, to a path that must not exist yet; keeps owner
    /// and mode; durable when it returns.
    func copyFile(_ path: String, to copy: String) throws
    /// Writes over bytes in place; the file keeps its inode, so programs that have it open see the change.
    func overwrite(_ path: String, at offset: Int64, with bytes: [UInt8]) throws
    /// Makes a file at least `size` long with real blocks, in steps, until `size`, ENOSPC or the deadline.
    /// - Returns: the bytes that the file has afterwards.
    func allocate(_ path: String, size: Int64, deadline: Duration) throws -> Int64
    func rename(_ path: String, to other: String) throws
    /// Removes a file or an empty directory; not an error when there is nothing.
    func remove(_ path: String) throws
    /// Removes a directory of ours with all that is in it, never following links or crossing a mount.
    func removeTree(_ path: String) throws
    /// Writes to a control file (/proc, /sys, cgroup).
    func writeControl(_ path: String, _ text: String) throws
    /// Runs a command in a session of its own, marked with the injection, and waits for it.
    func run(_ argv: [String], as id: InjectionID, deadline: Duration) throws -> CommandResult
    /// Runs a command that brings a service back, and waits for it. What it leaves running is the service and
    /// no helper of ours, so it carries no mark: a later undo must not end it.
    func restart(_ argv: [String], deadline: Duration) throws -> CommandResult
    /// Starts a lasting process in a session of its own, marked with the injection. The process does not run
    /// a single instruction of `argv` before its identity is recorded durably.
    @discardableResult
    func spawn(_ argv: [String], as id: InjectionID) throws -> ProcessIdentity
    /// Marks a process with an injection: one that somebody else started as the leader of a session, and that waits at
    /// its gate. Durable when it returns.
    func adopt(_ process: ProcessIdentity, as id: InjectionID) throws
    /// Sends a signal to exactly that process, through a pidfd.
    /// - Returns: false when it is gone, whoever has its number now.
    @discardableResult
    func signal(_ process: ProcessIdentity, _ signal: SignalName) throws -> Bool
    /// Ends every process that carries the mark: SIGTERM first where `grace` is not zero, then SIGKILL; removes
    /// the cgroup of the mark. Returns when they are gone.
    /// - Throws: `HostError.timedOut` when one is still there after `deadline`.
    func endHelpers(of id: InjectionID, grace: Duration, deadline: Duration) throws
    /// Has a program with an HTTP interface change something (HTTP/1.1, RFC 9112). Whoever dies meanwhile leaves it
    /// changed, unchanged, or about to be changed before anything that is asked of it later.
    /// - Throws: `HostError.notFound` when nobody listens there, `timedOut` after the deadline.
    func send(_ request: APIRequest, to api: StreamAddress, deadline: Duration) throws -> APIAnswer
    /// Asks a fixture's supervisor.
    func ask(supervisorOf id: InjectionID, _ request: SupervisorRequest) throws -> SupervisorStatus
}

/// What a fixture's supervisor can be asked.
public enum SupervisorRequest: String, Sendable, Codable {
    case start, stop, status
}

/// What a fixture's supervisor answers.
public struct SupervisorStatus: Hashable, Sendable, Codable {
    /// The fixture's own process while it runs.
    public var process: ProcessIdentity?
    /// How often the fixture was started, the first time included.
    public var starts: Int
    public init(process: ProcessIdentity?, starts: Int) {
        self.process = process
        self.starts = starts
    }
}

extension HostReader {
    public var findsEveryHelper: Bool { true }

    public func contents(of path: String, limit: Int = 1 << 20) throws -> [UInt8]? {
        try read(path, from: 0, count: limit)
    }

    public func digest(of path: String) throws -> String? { try digest(of: path, masking: []) }

    /// Looks at a server once, as a client would.
    public func visit(_ visit: Visit) -> Sighting {
        self.visit(visit, atOnce: 1).first ?? Sighting(.impossible("nothing was looked at"))
    }

    /// The process itself, not another one that got its number: nil when it is gone or was replaced.
    public func process(_ identity: ProcessIdentity) throws -> ProcessStatus? {
        guard try bootID() == identity.bootID, let found = try process(identity.pid),
            found.identity.startTicks == identity.startTicks
        else { return nil }
        return found
    }
}
