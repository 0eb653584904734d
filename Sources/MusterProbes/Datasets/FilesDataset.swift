import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem

/// A tree of files: path, type, mode, owner, size, contents, where links lead, extended attributes. Not the times, which a
/// restore need not bring back; only where nothing may have touched it at all, when everything was written last.
public struct FilesDataset: Dataset, Hashable {
    public var files = ""
    public var exclude: [String] = []
    /// Whether something that was written last at another time is another one. No word of drill files.
    var comparesTimes = false
    public init() {}

    /// What must be afterwards as it was, and when it was: not even with the same contents written anew.
    init(untouched path: String) {
        files = path
        comparesTimes = true
    }

    public static let form = Form(
        "files",
        "A directory with everything below it: paths, types, modes, owners, contents, links and extended attributes.",
        example: "documents: { files: /srv/app/documents, exclude: [\"*.tmp\", cache] }",
        blank: FilesDataset(),
        fields: [
            Field(
                required: "files", \.files,
                "The directory, or one file. A link at its end is followed; those below are not.",
                in: absolutePath),
            Field(
                "exclude", \.exclude, default: [],
                "What is left out: names, or paths from the directory on, with * and ? (fnmatch(3))."),
        ])
}

extension FilesDataset: ReadableDataset {
    func read(into pass: DatasetPass) throws(DatasetFailure) {
        pass.begin("", shape: "files")
        let walk = TreeWalk(pass, excluding: exclude, withTimes: comparesTimes)
        try walk.run(files)
    }
}

/// Reads a tree without changing anything of it, in the order of its paths.
final class TreeWalk {
    private let pass: DatasetPass
    private let excluded: [String]
    private let hasTimes: Bool
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    private var device: UInt64 = 0
    /// Directories and when they were changed last, to be looked at again at the end.
    private var directories: [(path: String, changed: timespec)] = []
    private var root = ""
    private static let mostDirectories = 200_000
    /// open(2) of deeper ones could run out of descriptors.
    private static let deepest = 200

    init(_ pass: DatasetPass, excluding excluded: [String], withTimes hasTimes: Bool) {
        self.pass = pass
        self.hasTimes = hasTimes
        self.excluded = excluded
    }

    deinit { buffer.deallocate() }

    func run(_ path: String) throws(DatasetFailure) {
        root = path
        let descriptor: Descriptor
        let status: stat
        do throws(SystemError) {
            descriptor = try Self.open(path, O_RDONLY, in: nil)
            status = try descriptor.status()
        } catch {
            throw DatasetFailure("\(path): \(error.reason)")
        }
        device = UInt64(status.st_dev)
        try add(descriptor, status, path: [])
        if status.st_mode & S_IFMT == S_IFDIR { try list(descriptor, status, path: [], depth: 0) }
        try lookAgain()
    }

    /// Without leaving a trace on it where that is allowed (open(2), O_NOATIME).
    private static func open(_ path: String, _ flags: Int32, in directory: Descriptor?) throws(SystemError)
        -> Descriptor
    {
        let flags = flags | O_NONBLOCK | O_NOCTTY
        do throws(SystemError) {
            return try Descriptor(opening: path, flags | 0o1000000, in: directory)
        } catch  where error.code == EPERM {
            return try Descriptor(opening: path, flags, in: directory)
        }
    }

    // MARK: Directories

    private func list(
        _ directory: Descriptor, _ status: stat, path: [UInt8], depth: Int
    ) throws(DatasetFailure) {
        guard depth < Self.deepest else {
            throw DatasetFailure("\(shown(path)) lies deeper than \(Self.deepest) directories")
        }
        if directories.count < Self.mostDirectories {
            directories.append((shown(path), status.st_ctim))
        } else if directories.count == Self.mostDirectories {
            pass.note("there are more directories than are looked at again at the end")
        }
        for name in try names(in: directory, path) {
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

    private func names(in directory: Descriptor, _ path: [UInt8]) throws(DatasetFailure) -> [[UInt8]] {
        let copy = dup(directory.number)
        guard copy >= 0, let stream = fdopendir(copy) else {
            throw DatasetFailure("\(shown(path)): \(errorText(errno))")
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: Int(NAME_MAX) + 1) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
                }
            }
            if name != [46], name != [46, 46] { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw DatasetFailure("\(shown(path)): \(errorText(errno))") }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
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
        guard isOwn(name), let own = try? Self.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: directory)
        else { return }
        for entry in try names(in: own, Array(name.utf8)) {
            try pass.look()
            let text = String(decoding: entry, as: UTF8.self)
            // What stands under another name was being written, and is nobody's entry yet.
            _ = pass.isOwn(
                text,
                holding: (try? Self.open(text, O_RDONLY | O_NOFOLLOW, in: own).readAll()).map {
                    String(decoding: $0, as: UTF8.self)
                })
        }
    }

    // MARK: What is in them

    private func visit(
        _ name: [UInt8], _ path: [UInt8], in directory: Descriptor, _ depth: Int
    ) throws(DatasetFailure) {
        var status = stat()
        let found = name.withZero { fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard found == 0 else { return pass.problem("\(shown(path)) changed while it was read") }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFDIR:
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            let opened: Descriptor
            do throws(SystemError) {
                // Names that are no text are opened by way of the directory all the same.
                opened = try Self.open(
                    name: name, O_RDONLY | O_NOFOLLOW | (isDirectory ? O_DIRECTORY : 0), in: directory)
            } catch {
                return pass.problem(
                    error.code == ENOENT
                        ? "\(shown(path)) changed while it was read"
                        : "\(shown(path)) cannot be read: \(error.reason)")
            }
            try add(opened, status, path: path)
            guard isDirectory else { return }
            if UInt64(status.st_dev) != device {
                return pass.note("\(shown(path)) is another file system, and was not entered")
            }
            try list(opened, status, path: path, depth: depth + 1)
        case S_IFLNK:
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let length = name.withZero { start in
                target.withUnsafeMutableBytes {
                    readlinkat(directory.number, start, $0.bindMemory(to: CChar.self).baseAddress!, $0.count)
                }
            }
            guard length >= 0 else {
                return pass.problem("\(shown(path)) cannot be read: \(errorText(errno))")
            }
            try add(status, path: path, contents: SHA256(of: target[..<length]), attributes: [])
        default:
            pass.note("\(shown(path)) is \(Self.word(status.st_mode)): only that it is there was looked at")
            try add(status, path: path, contents: nil, attributes: [])
        }
    }

    private static func open(
        name: [UInt8], _ flags: Int32, in directory: Descriptor
    ) throws(SystemError) -> Descriptor {
        if let text = String(validating: name, as: UTF8.self) { return try open(text, flags, in: directory) }
        let number = name.withZero { openat(directory.number, $0, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        guard number >= 0 else { throw SystemError.last("open") }
        return Descriptor(adopting: number)
    }

    private static func word(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "of no known type"
        }
    }

    private func add(_ opened: Descriptor, _ status: stat, path: [UInt8]) throws(DatasetFailure) {
        do throws(SystemError) {
            let attributes = try opened.extendedAttributes()
            guard status.st_mode & S_IFMT == S_IFREG else {
                return try tell(status, path, nil, attributes)
            }
            let before = try opened.status()
            guard before.st_ino == status.st_ino else {
                return pass.problem("\(shown(path)) changed while it was read")
            }
            let (hash, length) = try contents(of: opened)
            let after = try opened.status()
            guard before.isUnchanged(in: after), length == after.st_size else {
                return pass.problem("\(shown(path)) changed while it was read")
            }
            pass.bytes += Int64(length)
            try tell(before, path, hash, attributes)
        } catch {
            if let ended { throw ended }
            pass.problem("\(shown(path)) cannot be read: \(error.reason)")
        }
    }

    /// Why the pass is over, found out in the midst of a file.
    private var ended: DatasetFailure?

    private func tell(
        _ status: stat, _ path: [UInt8], _ hash: SHA256?, _ attributes: [(name: String, value: [UInt8])]
    ) throws(SystemError) {
        do throws(DatasetFailure) {
            try add(status, path: path, contents: hash, attributes: attributes)
        } catch {
            ended = error
            throw SystemError("read", code: EINTR)
        }
    }

    private func contents(of file: Descriptor) throws(SystemError) -> (SHA256, Int) {
        var hash = SHA256()
        var length = 0
        while true {
            let count = Glibc.read(file.number, buffer.baseAddress, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError.last("read")
            }
            if count == 0 { return (hash, length) }
            length += count
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard length & (64 << 20 - 1) < count else { continue }
            do throws(DatasetFailure) { try pass.look() } catch {
                ended = error
                throw SystemError("read", code: EINTR)
            }
        }
    }

    private func add(
        _ status: stat, path: [UInt8], contents: SHA256?, attributes: [(name: String, value: [UInt8])]
    ) throws(DatasetFailure) {
        let key = DatasetKey.path(path)
        var hash = SHA256()
        func put(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { hash.update($0) } }
        func put(_ bytes: [UInt8]) {
            put(UInt64(bytes.count))
            hash.update(bytes)
        }
        let type = status.st_mode & S_IFMT
        put(key)
        put(UInt64(status.st_mode))
        put(UInt64(status.st_uid))
        put(UInt64(status.st_gid))
        // How large a directory is, is its file system's business.
        put(type == S_IFREG ? UInt64(status.st_size) : 0)
        put(type == S_IFCHR || type == S_IFBLK ? UInt64(status.st_rdev) : 0)
        if hasTimes {
            put(UInt64(bitPattern: Int64(status.st_mtim.tv_sec)))
            put(UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)))
        }
        let digest = contents?.digest() ?? []
        put(digest)
        for attribute in attributes {
            put(Array(attribute.name.utf8))
            put(attribute.value)
        }
        let aspect = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        try pass.add(key, hash.truncated(), aspect: aspect)
    }

    // MARK: Whether it stood still

    private func lookAgain() throws(DatasetFailure) {
        for (path, changed) in directories {
            try pass.look()
            var status = stat()
            guard stat(path, &status) == 0, status.st_ctim.isSame(as: changed) else {
                return pass.problem("\(path) changed while the tree was read")
            }
        }
    }

    private func shown(_ path: [UInt8]) -> String {
        path.isEmpty ? root : root + "/" + String(decoding: path, as: UTF8.self)
    }
}

extension SHA256 {
    fileprivate init(of bytes: ArraySlice<UInt8>) {
        self.init()
        update(bytes)
    }
}

extension timespec {
    fileprivate func isSame(as other: timespec) -> Bool {
        tv_sec == other.tv_sec && tv_nsec == other.tv_nsec
    }
}

extension stat {
    /// By size and times: what writes to a file changes them (inode(7)).
    fileprivate func isUnchanged(in later: stat) -> Bool {
        st_size == later.st_size && st_mtim.isSame(as: later.st_mtim) && st_ctim.isSame(as: later.st_ctim)
    }
}

extension [UInt8] {
    /// As a C string.
    fileprivate func withZero<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (self + [0]).withUnsafeBytes { body($0.bindMemory(to: CChar.self).baseAddress!) }
    }
}
