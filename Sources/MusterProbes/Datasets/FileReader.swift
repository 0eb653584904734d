import Glibc
import MusterDrills
import MusterSystem

/// Why one file was not read to its end.
enum FileTrouble: Error {
    case changed
    case unreadable(SystemError)
    /// It is not this file's fault: the whole reading is over.
    case over(DatasetFailure)
}

/// Opens and reads what is in a directory, by names of any bytes. Used by one thread.
final class FileReader {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)

    deinit { buffer.deallocate() }

    /// Without leaving a trace on it where that is allowed (open(2), O_NOATIME), and without waiting for the other end of a pipe.
    static func open(
        _ name: [UInt8], _ flags: Int32, in directory: Descriptor?
    ) throws(SystemError) -> Descriptor {
        let (place, flags) = (directory?.number ?? AT_FDCWD, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        var number = name.withZero { openat(place, $0, flags | 0o1000000) }
        if number < 0, errno == EPERM { number = name.withZero { openat(place, $0, flags) } }
        guard number >= 0 else { throw SystemError.last("open") }
        return Descriptor(adopting: number)
    }

    /// What has this name, opened where it is a file or a directory.
    static func find(
        _ name: [UInt8], in directory: Descriptor
    ) throws(FileTrouble) -> (Descriptor?, stat) {
        var status = stat()
        let found = name.withZero { fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW) }
        guard found == 0 else { throw trouble(SystemError.last("look")) }
        let type = status.st_mode & S_IFMT
        guard type == S_IFREG || type == S_IFDIR else { return (nil, status) }
        let flags = O_RDONLY | O_NOFOLLOW | (type == S_IFDIR ? O_DIRECTORY : 0)
        do throws(SystemError) {
            return (try open(name, flags, in: directory), status)
        } catch {
            throw trouble(error)
        }
    }

    /// What was there a moment ago changes.
    private static func trouble(_ error: SystemError) -> FileTrouble {
        error.code == ENOENT ? .changed : .unreadable(error)
    }

    /// Where a link leads.
    static func target(of name: [UInt8], in directory: Descriptor) throws(FileTrouble) -> [UInt8] {
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = name.withZero { start in
            target.withUnsafeMutableBytes {
                readlinkat(directory.number, start, $0.bindMemory(to: CChar.self).baseAddress!, $0.count)
            }
        }
        guard length >= 0 else { throw trouble(SystemError.last("read a link")) }
        return Array(target[..<length])
    }

    /// The names in a directory, in the order of their bytes.
    static func names(in directory: Descriptor) throws(SystemError) -> [[UInt8]] {
        // closedir(3) closes what it was given.
        let copy = fcntl(directory.number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let stream = fdopendir(copy) else {
            let error = SystemError.last("list")
            if copy >= 0 { close(copy) }
            throw error
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
        guard errno == 0 else { throw SystemError.last("list") }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Reads a file to its end, unless it changes meanwhile.
    /// - Parameters:
    ///   - status: what it was before it was opened.
    ///   - look: called every 64 MiB.
    func contents(
        of file: Descriptor, _ status: stat, look: () throws(DatasetFailure) -> Void
    ) throws(FileTrouble) -> (stat, SHA256) {
        let before = try Self.status(of: file)
        guard before.isSameFile(as: status) else { throw FileTrouble.changed }
        let (hash, length) = try read(file, look)
        let after = try Self.status(of: file)
        guard before.isUnchanged(in: after), length == after.st_size else { throw FileTrouble.changed }
        return (before, hash)
    }

    private static func status(of file: Descriptor) throws(FileTrouble) -> stat {
        do throws(SystemError) { return try file.status() } catch { throw FileTrouble.unreadable(error) }
    }

    private func read(
        _ file: Descriptor, _ look: () throws(DatasetFailure) -> Void
    ) throws(FileTrouble) -> (SHA256, Int) {
        var hash = SHA256()
        var length = 0
        while true {
            let count = Glibc.read(file.number, buffer.baseAddress, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileTrouble.unreadable(SystemError.last("read"))
            }
            if count == 0 { return (hash, length) }
            length += count
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard length & (64 << 20 - 1) < count else { continue }
            do throws(DatasetFailure) { try look() } catch { throw FileTrouble.over(error) }
        }
    }

    /// What is neither file, directory nor link, for people.
    static func word(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "of no known type"
        }
    }
}

extension SHA256 {
    init(of bytes: [UInt8]) {
        self.init()
        update(bytes)
    }
}

extension timespec {
    func isSame(as other: timespec) -> Bool { tv_sec == other.tv_sec && tv_nsec == other.tv_nsec }
}

extension stat {
    func isSameFile(as other: stat) -> Bool { st_ino == other.st_ino && st_dev == other.st_dev }

    /// By size and times: what writes to a file changes them (inode(7)).
    fileprivate func isUnchanged(in later: stat) -> Bool {
        st_size == later.st_size && st_mtim.isSame(as: later.st_mtim) && st_ctim.isSame(as: later.st_ctim)
    }
}

extension [UInt8] {
    /// As a C string.
    func withZero<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (self + [0]).withUnsafeBytes { body($0.bindMemory(to: CChar.self).baseAddress!) }
    }
}
