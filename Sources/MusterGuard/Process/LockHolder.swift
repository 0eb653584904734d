import FoundationEssentials
import Glibc
public import MusterCore
import MusterSystem

/// Who holds this host's lock, as it stands in the lock file.
public struct LockHolder: Hashable, Sendable, Codable {
    public enum Role: String, Sendable, Codable {
        case `guard`, warden, undo
    }
    public var role: Role
    public var process: ProcessIdentity
    public var userID: UInt32
    /// The drill run; empty for an undo.
    public var run: String
    public var stateDirectory: String
    /// The engine, where it runs on the same host; `muster abort` interrupts it.
    public var engine: ProcessIdentity?
    public var warden: ProcessIdentity?

    /// For people: `guard 4711 of user 0 (run 01J…, state /var/lib/muster)`.
    public var inWords: String {
        let name = run.isEmpty ? "" : "run \(run), "
        return "\(role.rawValue) \(process.pid) of user \(userID) (\(name)state \(stateDirectory))"
    }

    /// Who holds the lock now; nil when nobody does.
    /// - Parameter path: `HostLock.path()`.
    public static func read(_ path: String = HostLock.path()) -> LockHolder? {
        guard let text = try? FileLock.read(path), !text.isEmpty,
            let holder = try? Frame.decode(LockHolder.self, from: Array(text.utf8)),
            (try? PidDescriptor.of(holder.process)) != nil,
            let stat = try? ProcessStat.read(holder.process.pid), !stat.isZombie
        else { return nil }
        return holder
    }
}

/// The lock of this host: one guard at a time (SAFETY 11).
public final class HostLock: Sendable {
    private let lock: FileLock

    private init(_ lock: FileLock) { self.lock = lock }

    /// `MUSTER_RUNTIME/muster.lock`, else `/run/lock/muster.lock`. Where that directory does not exist or is not
    /// open to this user, `$XDG_RUNTIME_DIR`, else `/tmp`: then only guards of the same kind see each other.
    public static func path() -> String {
        if let given = environment("MUSTER_RUNTIME") { return given + "/muster.lock" }
        let candidates = ["/run/lock", environment("XDG_RUNTIME_DIR") ?? "/tmp", "/tmp"]
        for directory in candidates {
            let path = directory + "/muster.lock"
            if access(path, R_OK | W_OK) == 0 || access(directory, W_OK | X_OK) == 0 { return path }
        }
        return "/tmp/muster.lock"
    }

    /// Takes the lock and writes down who has it.
    /// - Returns: nil when somebody else holds it.
    /// - Throws: `SystemError`.
    public static func tryAcquire(_ holder: LockHolder) throws -> HostLock? {
        guard let lock = try FileLock.tryAcquire(path()) else { return nil }
        let held = HostLock(lock)
        try held.write(holder)
        return held
    }

    public func write(_ holder: LockHolder) throws {
        // On a full disk the lock still counts; only its holder cannot be named.
        try? lock.write(String(decoding: try Frame.encode(holder), as: UTF8.self))
    }

    /// Lets go; nobody is named any more.
    public func release() {
        try? lock.write("")
        lock.release()
    }
}

extension LockHolder {
    /// This process.
    static func ourselves(
        _ role: Role, state: String, run: String = "", engine: ProcessIdentity? = nil
    ) throws -> LockHolder {
        guard let identity = try processIdentity(of: getpid()) else {
            throw GuardFailure(
                .surroundings, "/proc is not mounted", advice: "mount it: mount -t proc proc /proc")
        }
        return LockHolder(
            role: role, process: identity, userID: geteuid(), run: run, stateDirectory: state, engine: engine)
    }
}
