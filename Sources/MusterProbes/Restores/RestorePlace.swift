import Glibc
public import MusterDrills
import MusterSystem

/// Why a restore is not begun, in a sentence for people that says what to do.
public struct RestoreRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

/// The place that a backup is restored to.
public enum RestorePlace {
    /// - Throws: `RestoreRefusal` where something is there already, which would be mixed with what is restored, or lost;
    ///   where that cannot be told; and where the place lies in the backup or holds it, also by way of links, or of a
    ///   directory that is mounted twice. A backup that is not there yet is no hindrance: it is looked at again.
    public static func check(_ plan: RestorePlan) throws(RestoreRefusal) {
        try checkEmpty(plan.into)
        for source in plan.source { try check(plan.into, against: source) }
    }

    private static func refusal(_ path: String, _ why: String, _ advice: String) -> RestoreRefusal {
        RestoreRefusal(description: "refused to restore into \(path): \(why); \(advice)")
    }

    // MARK: Whether anything is there

    enum Found: Hashable {
        case missing
        /// Names, in order.
        case directory([String])
        case link
        case other
        case unreadable(String)
    }

    static func look(at path: String) -> Found {
        var status = stat()
        // Not through a link, which leads to somebody's data, or will.
        guard lstat(path, &status) == 0 else {
            return errno == ENOENT ? .missing : .unreadable(errorText(errno))
        }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: return .link
        case S_IFDIR: break
        default: return .other
        }
        do throws(SystemError) {
            return .directory(
                try Descriptor(opening: path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).names().sorted())
        } catch {
            return .unreadable(error.reason)
        }
    }

    private static func checkEmpty(_ path: String) throws(RestoreRefusal) {
        let elsewhere = "name a place that is not there yet"
        switch look(at: path) {
        case .missing, .directory([]): return
        case .directory(["lost+found"]):
            throw refusal(
                path, "it is not empty, but the top of a file system of its own (1 entry, 'lost+found')",
                "name a directory below it")
        case .directory(let names):
            throw refusal(
                path,
                "it is not empty (\(names.count) \(names.count == 1 ? "entry" : "entries"), such as '\(names[0])'), "
                    + "and a restore must never run into what is there",
                "\(elsewhere), or move aside what it holds")
        case .link: throw refusal(path, "a link is there, and leads to somebody's data or will", elsewhere)
        case .other: throw refusal(path, "something that is no directory is there", elsewhere)
        case .unreadable(let why):
            throw refusal(
                path, "whether it is empty cannot be told: \(why)", "name a place that can be looked at")
        }
    }

    /// Files below a place, directories not counted; counted no further than to a thousand.
    /// - Returns: nil where that cannot be told.
    static func files(in path: String) -> Int? {
        var count = 0
        var open = [path]
        while count < 1000, let directory = open.popLast() {
            switch look(at: directory) {
            case .directory(let names): open += names.map { directory + "/" + $0 }
            case .link, .other: if directory == path { return nil } else { count += 1 }
            case .missing: if directory == path { return 0 }
            case .unreadable: return nil
            }
        }
        return count
    }

    // MARK: Whether it is apart from the backup

    /// A file or a directory, by whatever path it is reached.
    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64

        /// - Returns: nil where nothing is there, or cannot be looked at.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    private static func check(_ into: String, against source: String) throws(RestoreRefusal) {
        let own = Identity(into)
        let around = try lineage(of: into, into)
        // Nothing can lie in what is not there, and what cannot be read is refused when it is to be.
        guard let backup = Identity(source) else { return }
        let advice = "name a place that neither holds the backup nor lies in it"
        if around.contains(backup) {
            throw refusal(
                into, "it lies in the backup \(source), which would be restored over itself", advice)
        }
        if let own, try lineage(of: source, into).contains(own) {
            throw refusal(into, "it holds the backup \(source), which would be restored over itself", advice)
        }
    }

    /// What is there of a path and of the directories in which it really lies, links resolved.
    private static func lineage(of path: String, _ into: String) throws(RestoreRefusal) -> [Identity] {
        var there = path
        while true {
            if let resolved = realpath(there, nil) {
                defer { free(resolved) }
                return prefixes(of: String(cString: resolved)).compactMap(Identity.init)
            }
            let code = errno
            var status = stat()
            let isAbsent = (code == ENOENT || code == ENOTDIR) && lstat(there, &status) != 0
            guard isAbsent, let slash = there.lastIndex(of: "/") else {
                throw refusal(
                    into, "where \(there) leads cannot be told: \(errorText(code))",
                    "name a place that can be looked at")
            }
            there = slash == there.startIndex ? "/" : String(there[..<slash])
        }
    }

    /// `/a/b`, `/a` and `/` of `/a/b`.
    private static func prefixes(of path: String) -> [String] {
        var all = [path]
        while let last = all.last, last != "/", let slash = last.lastIndex(of: "/") {
            all.append(slash == last.startIndex ? "/" : String(last[..<slash]))
        }
        return all
    }
}
