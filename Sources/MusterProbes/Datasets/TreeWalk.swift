import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// Reads a tree without changing anything of it, in the order of its paths. Names are bytes, as they are to the kernel, and
/// everything is opened by way of its directory: a path may be longer than PATH_MAX (path_resolution(7)).
final class TreeWalk {
    private let pass: DatasetPass
    private let excluded: [String]
    private let hasTimes: Bool
    private let reader = FileReader()
    private var device: UInt64 = 0
    private var root = ""
    /// In the order in which they were entered, to be looked at again at the end.
    private var directories: [Entered] = []
    private static let mostDirectories = 200_000
    /// open(2) of deeper ones could run out of descriptors.
    static let deepest = 200

    private struct Entered {
        /// Empty for the tree's own.
        var name: [UInt8]
        var depth: Int
        /// When it was changed last.
        var changed: timespec
    }

    init(_ pass: DatasetPass, excluding excluded: [String], withTimes hasTimes: Bool) {
        self.pass = pass
        self.hasTimes = hasTimes
        self.excluded = excluded
    }

    func run(_ path: String) throws(DatasetFailure) {
        root = path
        let top: Descriptor
        let status: stat
        do throws(SystemError) {
            top = try FileReader.open(Array(path.utf8), O_RDONLY, in: nil)
            status = try top.status()
        } catch {
            throw DatasetFailure("\(path): \(error.reason)", isGone: [ENOENT, ENOTDIR].contains(error.code))
        }
        device = UInt64(status.st_dev)
        do throws(FileTrouble) { try tell(top, status, path: []) } catch { return try doubt([], error) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return }
        try list(top, status, name: [], path: [], depth: 0)
        try lookAgain(top)
    }

    // MARK: Directories

    private func list(
        _ directory: Descriptor, _ status: stat, name: [UInt8], path: [UInt8], depth: Int
    ) throws(DatasetFailure) {
        if directories.count < Self.mostDirectories {
            directories.append(Entered(name: name, depth: depth, changed: status.st_ctim))
        } else if directories.count == Self.mostDirectories {
            pass.note("there are more directories than are looked at again at the end")
        }
        let names: [[UInt8]]
        do throws(SystemError) { names = try FileReader.names(in: directory) } catch {
            return try doubt(path, .unreadable(error))
        }
        for name in names {
            try pass.look()
            let below = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            let text = String(decoding: name, as: UTF8.self)
            if isExcluded(text, String(decoding: below, as: UTF8.self)) || isOwn(text) {
                try countOwn(text, in: directory)
                continue
            }
            try visit(name, below, in: directory, depth)
        }
    }

    private func isExcluded(_ name: String, _ path: String) -> Bool {
        excluded.contains { fnmatch($0, name, 0) == 0 || fnmatch($0, path, FNM_PATHNAME) == 0 }
    }

    /// Whether the run has made it: its directory of entries, or the file to which it appends.
    private func isOwn(_ name: String) -> Bool {
        let own = String(pass.names.prefix.dropLast())
        return name == own || name == own + ".log"
    }

    private func countOwn(_ name: String, in directory: Descriptor) throws(DatasetFailure) {
        let flags = O_RDONLY | O_NOFOLLOW
        guard isOwn(name),
            let own = try? FileReader.open(Array(name.utf8), flags | O_DIRECTORY, in: directory)
        else { return }
        let entries: [[UInt8]]
        do throws(SystemError) { entries = try FileReader.names(in: own) } catch {
            return pass.problem("the run's own \(name) cannot be read: \(error.reason)")
        }
        for entry in entries {
            try pass.look()
            // What stands under another name was being written, and is nobody's entry yet.
            _ = pass.isOwn(
                String(decoding: entry, as: UTF8.self),
                holding: (try? FileReader.open(entry, flags, in: own).readAll()).map {
                    String(decoding: $0, as: UTF8.self)
                })
        }
    }

    // MARK: What is in them

    private func visit(
        _ name: [UInt8], _ path: [UInt8], in directory: Descriptor, _ depth: Int
    ) throws(DatasetFailure) {
        let opened: Descriptor?
        let status: stat
        do throws(FileTrouble) {
            (opened, status) = try FileReader.find(name, in: directory)
            switch status.st_mode & S_IFMT {
            case S_IFREG, S_IFDIR: if let opened { try tell(opened, status, path: path) }
            case S_IFLNK:
                let target = try FileReader.target(of: name, in: directory)
                try add(FileFacts(status: status, contents: SHA256(of: target)), path)
            default:
                let word = FileReader.word(status.st_mode)
                pass.note("\(shown(path)) is \(word): only that it is there was looked at")
                try add(FileFacts(status: status, contents: nil), path)
            }
        } catch {
            return try doubt(path, error)
        }
        guard status.st_mode & S_IFMT == S_IFDIR, let opened else { return }
        if UInt64(status.st_dev) != device {
            pass.note("\(shown(path)) is another file system, and was not entered")
            // Where it was none before, what was there then may be there still.
            return pass.doubt(nil) { $0.add(tree: DatasetKey.path(path)) }
        }
        guard depth + 1 < Self.deepest else {
            return pass.doubt("\(shown(path)) lies deeper than \(Self.deepest) directories") {
                $0.add(tree: DatasetKey.path(path))
            }
        }
        try list(opened, status, name: name, path: path, depth: depth + 1)
    }

    private func tell(_ opened: Descriptor, _ status: stat, path: [UInt8]) throws(FileTrouble) {
        var facts = FileFacts(status: status, contents: nil)
        do throws(SystemError) { facts.attributes = try opened.extendedAttributes() } catch {
            throw FileTrouble.unreadable(error)
        }
        if status.st_mode & S_IFMT == S_IFREG {
            let (read, hash) = try reader.contents(of: opened, status) { () throws(DatasetFailure) in
                try pass.look()
            }
            facts.status = read
            facts.contents = hash
            pass.bytes += Int64(read.st_size)
        }
        try add(facts, path)
    }

    private func add(_ facts: FileFacts, _ path: [UInt8]) throws(FileTrouble) {
        let key = DatasetKey.path(path)
        let (hash, contents) = facts.hash(key, withTimes: hasTimes)
        do throws(DatasetFailure) { try pass.add(key, hash, aspect: contents) } catch {
            throw FileTrouble.over(error)
        }
    }

    // MARK: What cannot be told

    /// Whether something is gone that could not be read, nobody knows: it counts as no difference.
    private func doubt(_ path: [UInt8], _ trouble: FileTrouble) throws(DatasetFailure) {
        let why: String
        switch trouble {
        case .over(let failure): throw failure
        case .changed: why = "changed while it was read"
        case .unreadable(let error): why = "cannot be read: \(error.reason)"
        }
        pass.doubt("\(shown(path)) \(why)") { $0.add(tree: DatasetKey.path(path)) }
    }

    /// Directories that changed while others were read: something may have moved from where it was still to be read to where
    /// nobody came any more.
    private func lookAgain(_ top: Descriptor) throws(DatasetFailure) {
        var open = [top]
        var path: [[UInt8]] = []
        for (place, entered) in directories.enumerated() {
            try pass.look()
            if entered.depth == 0 {
                if !isStill(top, entered) { changed([]) }
                continue
            }
            // Below one that is not what it was, which was told.
            if entered.depth > open.count { continue }
            open.removeLast(open.count - entered.depth)
            path.removeLast(path.count - (entered.depth - 1))
            path.append(entered.name)
            var status = stat()
            let found = entered.name.withZero {
                fstatat(open[entered.depth - 1].number, $0, &status, AT_SYMLINK_NOFOLLOW)
            }
            if found != 0 || !status.st_ctim.isSame(as: entered.changed) {
                changed(Array(path.joined(separator: [UInt8(ascii: "/")])))
            }
            guard place + 1 < directories.count, directories[place + 1].depth > entered.depth else {
                continue
            }
            do throws(SystemError) {
                let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                open.append(try FileReader.open(entered.name, flags, in: open[entered.depth - 1]))
            } catch {
                try doubt(Array(path.joined(separator: [UInt8(ascii: "/")])), .unreadable(error))
            }
        }
    }

    /// Whether the tree's own directory did not change, and has its name still.
    private func isStill(_ top: Descriptor, _ entered: Entered) -> Bool {
        var named = stat()
        guard let status = try? top.status(), stat(root, &named) == 0 else { return false }
        return status.st_ctim.isSame(as: entered.changed) && status.isSameFile(as: named)
    }

    private func changed(_ path: [UInt8]) {
        pass.doubt("\(shown(path)) changed while the tree was read") {
            $0.add(listing: DatasetKey.path(path))
        }
    }

    private func shown(_ path: [UInt8]) -> String {
        path.isEmpty ? root : root + "/" + String(decoding: path, as: UTF8.self)
    }
}
