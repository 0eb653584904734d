import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func status(of path: String) throws -> FileStatus? {
        var found = stat()
        if lstat(path, &found) == 0 { return FileStatus(found) }
        let error = SystemError.last("stat \(path)")
        if error.isAbsence { return nil }
        throw error.hostError
    }

    public func read(_ path: String, from offset: Int64, count: Int) throws -> [UInt8]? {
        try port { () throws(SystemError) in
            guard let file = try openToRead(path) else { return nil }
            do throws(SystemError) {
                return try file.read(at: offset, count: count)
            } catch {
                // A process that ended after its file in /proc was opened.
                if error.isAbsence { return nil }
                throw SystemError("read \(path)", code: error.code)
            }
        }
    }

    public func digest(of path: String, masking ranges: [Range<Int64>]) throws -> String? {
        try port { () throws(SystemError) in
            guard let file = try openToRead(path) else { return nil }
            var hash = SHA256()
            var offset: Int64 = 0
            while true {
                var bytes = try file.read(at: offset, count: 1 << 20)
                if bytes.isEmpty { return hash.hex }
                let here = offset..<(offset + Int64(bytes.count))
                for range in ranges where range.overlaps(here) {
                    for place in range.clamped(to: here) { bytes[Int(place - offset)] = 0 }
                }
                hash.update(bytes)
                offset = here.upperBound
            }
        }
    }

    public func list(_ directory: String) throws -> [String]? {
        try port { () throws(SystemError) in
            do throws(SystemError) {
                return try Descriptor(opening: directory, O_RDONLY | O_DIRECTORY).names().sorted()
            } catch {
                if error.isAbsence { return nil }
                throw SystemError("list \(directory)", code: error.code)
            }
        }
    }

    public func resolve(_ path: String) throws -> String? {
        if let resolved = realpath(path, nil) {
            defer { free(resolved) }
            return String(cString: resolved)
        }
        let error = SystemError.last("resolve \(path)")
        if error.isAbsence { return nil }
        throw error.hostError
    }

    public func fileSystem(holding path: String) throws -> FileSystem {
        var existing = path
        // What is about to be created belongs to the file system of its directory.
        while true {
            if let resolved = try resolve(existing) {
                existing = resolved
                break
            }
            guard existing.contains("/"), existing != "/" else { break }
            existing = parentDirectory(of: existing)
        }
        return try port { () throws(SystemError) in try Mounts.fileSystem(holding: existing) }
    }

    private func openToRead(_ path: String) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            // O_NONBLOCK: a FIFO must not hang the hands.
            return try Descriptor(opening: path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        } catch  where error.isAbsence {
            return nil
        }
    }
}

extension SystemError {
    /// There is no such file, directory or process.
    var isAbsence: Bool { code == ENOENT || code == ENOTDIR || code == ESRCH }
}

/// The directory in which a name stands.
func parentDirectory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last component of a path.
func lastComponent(of path: String) -> String {
    String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
}

extension FileStatus {
    init(_ found: stat) {
        let kind: Kind =
            switch found.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFBLK, S_IFCHR: .device
            default: .other
            }
        self.init(
            kind: kind, size: Int64(found.st_size), allocated: Int64(found.st_blocks) * 512,
            device: UInt64(found.st_dev), inode: UInt64(found.st_ino), mode: found.st_mode & 0o7777,
            userID: found.st_uid, groupID: found.st_gid)
    }
}
