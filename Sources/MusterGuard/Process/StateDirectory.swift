import FoundationEssentials
import Glibc
import MusterCore
import MusterSystem

/// Where a guard keeps its journal, quarantine and locks. Whoever can write there can have anything done as
/// the guard's user, so it is looked at before it is used (SAFETY 17).
public struct StateDirectory: Hashable, Sendable {
    public let path: String

    /// `explicit`, else `MUSTER_STATE`, else `/var/lib/muster` for root, else `$XDG_STATE_HOME/muster`, else
    /// `~/.local/state/muster`.
    public static func path(explicit: String?) -> String {
        if let explicit, !explicit.isEmpty { return absolute(explicit) }
        if let given = environment("MUSTER_STATE") { return absolute(given) }
        if geteuid() == 0 { return "/var/lib/muster" }
        if let state = environment("XDG_STATE_HOME") { return absolute(state + "/muster") }
        let home = environment("HOME") ?? "/tmp/muster-\(geteuid())"
        return absolute(home + "/.local/state/muster")
    }

    /// Opens the directory, making it where nothing is.
    /// - Throws: `GuardFailure` when it is a link, is reached through one as root, belongs to somebody else, or
    ///   can be read by others.
    public init(opening path: String) throws {
        try Self.make(path)
        try Self.check(path)
        self.path = path
        // It may be there already; and on a read-only or full disk undo must still go on.
        mkdir(path + "/quarantine", 0o700)
    }

    /// For a guard that is to inject: nothing may be touched that could not be recorded first.
    /// - Throws: `GuardFailure` when nothing can be written here.
    func checkWritable() throws {
        // Root is let through by permissions, and held up only by a read-only file system (access(2)).
        guard access(path, W_OK | X_OK) != 0 else { return }
        throw GuardFailure(
            .surroundings,
            "the state directory \(path) cannot be written (\(SystemError.text(of: errno))), so nothing could be "
                + "recorded and nothing is injected",
            advice: "make it writable, or choose another with --state or MUSTER_STATE")
    }

    /// For those who only look: no directory is made.
    /// - Returns: nil when there is none.
    public init?(existing path: String) throws {
        guard access(path, F_OK) == 0 else { return nil }
        try Self.check(path)
        self.path = path
    }

    /// Four letters or digits in front of every injection id, so that a scan touches only its own.
    public var tag: String {
        // FNV-1a (RFC draft-eastlake-fnv): stable over versions, unlike Swift's own hashes.
        var hash: UInt32 = 2_166_136_261
        for byte in path.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")
        return String((0..<4).map { letters[Int((hash >> UInt32($0 * 5)) & 31)] })
    }

    var handsLock: String { path + "/hands.lock" }
    var wardenLog: String { path + "/warden.log" }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getcwd(&buffer, buffer.count) != nil else { return path }
        let end = buffer.firstIndex(of: 0) ?? buffer.count
        return String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/" + path
    }

    private static func make(_ path: String) throws {
        if access(path, F_OK) == 0 { return }
        var parents: [Substring] = []
        for part in path.split(separator: "/") {
            parents.append(part)
            let step = "/" + parents.joined(separator: "/")
            guard mkdir(step, 0o700) != 0 else { continue }
            let code = errno
            // A directory on a read-only file system is not EEXIST everywhere (mkdir(2)).
            if code != EEXIST, access(step, F_OK) != 0 {
                throw refusal("\(step) cannot be made: \(SystemError.text(of: code))", path)
            }
        }
    }

    private static func check(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw refusal("it cannot be looked at: \(SystemError.text(of: errno))", path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw refusal("it is not a directory, or a link", path)
        }
        guard status.st_uid == geteuid() else {
            throw refusal("it belongs to user \(status.st_uid), not to \(geteuid())", path)
        }
        guard status.st_mode & 0o077 == 0 else {
            throw refusal(
                "others may read or write it (mode \(String(status.st_mode & 0o777, radix: 8)))", path)
        }
        guard geteuid() == 0 else { return }
        guard let real = realpath(path, nil) else { throw refusal("it cannot be resolved", path) }
        defer { free(real) }
        let resolved = String(cString: real)
        guard resolved == path else { throw refusal("it is reached through a link: \(resolved)", path) }
    }

    private static func refusal(_ why: String, _ path: String) -> GuardFailure {
        GuardFailure(
            .surroundings, "the state directory \(path) cannot be trusted: \(why)",
            advice: "use a directory of mode 0700 that is the guard's own user's: --state or MUSTER_STATE")
    }
}

/// A variable of the environment; nil when unset or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}
