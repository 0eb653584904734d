import Glibc
import MusterCore
import MusterSystem

/// The mounts that this process sees (/proc/self/mountinfo, proc(5)).
struct Mounts {
    struct Entry: Hashable {
        var mountPoint: String
        var type: String
        var source: String
        var isReadOnly: Bool
    }

    /// In the order in which they were mounted: a later one hides an earlier one at the same place.
    var entries: [Entry]

    init(parsing text: String) {
        entries = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            // Optional fields end with a single "-"; after it come type, source and the super block's options.
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"),
                fields.count > dash + 3
            else { return nil }
            let options = fields[5].split(separator: ",") + fields[dash + 3].split(separator: ",")
            return Entry(
                mountPoint: Self.unescape(fields[4]), type: String(fields[dash + 1]),
                source: Self.unescape(fields[dash + 2]), isReadOnly: options.contains("ro"))
        }
    }

    static func read() throws(SystemError) -> Mounts {
        Mounts(parsing: try readSmallFile("/proc/self/mountinfo", limit: 16 << 20) ?? "")
    }

    /// The mount in which a resolved path lies.
    func entry(holding path: String) -> Entry? {
        var best: Entry?
        for entry in entries where isWithin(path, entry.mountPoint) {
            if entry.mountPoint.utf8.count >= (best?.mountPoint.utf8.count ?? 0) { best = entry }
        }
        return best
    }

    /// Mount points at a resolved path or below it.
    func mountPoints(within path: String) -> [String] {
        entries.map(\.mountPoint).filter { isWithin($0, path) }
    }

    static func fileSystem(holding path: String) throws(SystemError) -> FileSystem {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .last("stat \(path)") }
        var space = statvfs()
        while statvfs(path, &space) != 0 {
            let error = SystemError.last("statvfs \(path)")
            if error.code != EINTR { throw error }
        }
        guard let entry = try read().entry(holding: path) else {
            throw SystemError("find the mount that holds \(path) in /proc/self/mountinfo", code: ENOENT)
        }
        let block = Int64(space.f_frsize)
        return FileSystem(
            device: UInt64(status.st_dev), mountPoint: entry.mountPoint, type: entry.type,
            source: entry.source, totalBytes: Int64(space.f_blocks) * block,
            availableBytes: Int64(space.f_bavail) * block,
            isReadOnly: entry.isReadOnly || space.f_flag & UInt(ST_RDONLY) != 0)
    }

    /// Blanks, tabs, newlines and backslashes are written as three octal digits.
    private static func unescape(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        let bytes = Array(field.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                result.append(value)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Whether a path is another one or lies below it.
func isWithin(_ path: String, _ ancestor: String) -> Bool {
    path == ancestor || ancestor == "/" || path.hasPrefix(ancestor + "/")
}
