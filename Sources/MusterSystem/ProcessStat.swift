import Glibc
public import MusterCore

/// The fields of /proc/PID/stat that matter to us (proc(5)).
public struct ProcessStat: Hashable, Sendable {
    public var pid: Int32
    /// The kernel's name, which may hold blanks and parentheses.
    public var name: String
    public var state: Character
    public var parent: Int32
    public var group: Int32
    public var session: Int32
    /// Clock ticks after boot at which it started.
    public var startTicks: UInt64

    /// Reads a line of /proc/PID/stat; nil when it is not one.
    public init?(_ line: String) {
        // The name is what stands between the first "(" and the LAST ")".
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close,
            let pid = Int32(line[..<open].split(separator: " ").first ?? "")
        else { return nil }
        let fields = line[line.index(after: close)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let session = Int32(fields[3]), let ticks = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        name = String(line[line.index(after: open)..<close])
        self.state = state
        self.parent = parent
        self.group = group
        self.session = session
        startTicks = ticks
    }

    /// What /proc says; nil when there is no such process.
    public static func read(_ pid: Int32) throws(SystemError) -> ProcessStat? {
        guard let text = try readSmallFile("/proc/\(pid)/stat") else { return nil }
        return ProcessStat(text)
    }

    /// Ended, and only waits to be waited for.
    public var isZombie: Bool { state == "Z" || state == "X" }
}

/// Identity of this boot (/proc/sys/kernel/random/boot_id).
public func bootID() throws(SystemError) -> String { try cachedBootID.get() }

private let cachedBootID = Result { () throws(SystemError) -> String in
    guard let text = try readSmallFile("/proc/sys/kernel/random/boot_id") else {
        throw SystemError("read /proc/sys/kernel/random/boot_id", code: ENOENT)
    }
    return String(text.prefix { !$0.isWhitespace })
}

/// The identity of a process; nil when it is gone.
public func processIdentity(of pid: Int32) throws(SystemError) -> ProcessIdentity? {
    guard let stat = try ProcessStat.read(pid) else { return nil }
    return ProcessIdentity(pid: pid, startTicks: stat.startTicks, bootID: try bootID())
}

/// A file whole, as text, such as those of /proc; nil when it is not there or its process is gone.
public func readSmallFile(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String? {
    do throws(SystemError) {
        return String(
            decoding: try Descriptor(opening: path, O_RDONLY).readAll(limit: limit), as: UTF8.self)
    } catch  where error.code == ENOENT || error.code == ESRCH || error.code == ENOTDIR {
        return nil
    }
}
