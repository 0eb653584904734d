import Glibc

/// An exclusive lock on a file (flock(2)), held until released or until the process ends, however it ends.
public final class FileLock: Sendable {
    public let descriptor: Descriptor
    public let path: String

    private init(_ descriptor: Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens the lock file, creates it with mode 0666 for all users when it is not there, and never follows a
    /// link. Opened without O_CREAT first: in a sticky directory the kernel refuses O_CREAT on a file of somebody
    /// else even for root (proc(5), fs.protected_regular).
    /// - Returns: nil when somebody else holds it.
    public static func tryAcquire(_ path: String) throws(SystemError) -> FileLock? {
        let descriptor = try open(path)
        do throws(SystemError) {
            try call("lock \(path)") { flock(descriptor.number, LOCK_EX | LOCK_NB) }
            return FileLock(descriptor, path: path)
        } catch  where error.code == EWOULDBLOCK {
            return nil
        }
    }

    private static func open(_ path: String) throws(SystemError) -> Descriptor {
        for _ in 0..<16 {
            do throws(SystemError) {
                return try Descriptor(opening: path, O_RDWR | O_NOFOLLOW)
            } catch  where error.code == EROFS {
                // A disk that the kernel set read-only: flock(2) needs no right to write, and what stands in the
                // journal there must still be mended.
                return try Descriptor(opening: path, O_RDONLY | O_NOFOLLOW)
            } catch  where error.code == ENOENT {}
            do throws(SystemError) {
                let made = try Descriptor(opening: path, O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL, mode: 0o666)
                try call("set the mode of \(path)") { fchmod(made.number, 0o666) }
                return made
            } catch  where error.code == EEXIST {}
        }
        throw SystemError("open \(path)", code: EBUSY)
    }

    /// Replaces what stands in the file, such as who holds the lock.
    public func write(_ text: String) throws(SystemError) {
        try call("truncate \(path)") { ftruncate(descriptor.number, 0) }
        try descriptor.write(Array(text.utf8), at: 0)
    }

    /// What stands in a lock file; nil when there is none.
    public static func read(_ path: String) throws(SystemError) -> String? {
        try readSmallFile(path, limit: 65536)
    }

    /// Lets go of the lock now; the file stays.
    public func release() { flock(descriptor.number, LOCK_UN) }
}
