import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func createDirectory(_ path: String, mode: UInt32) throws {
        try port { () throws(SystemError) in
            try check("create directory \(path)", mkdir(path, mode))
            // Exactly the mode asked for, whatever the umask.
            try check("set the mode of \(path)", chmod(path, mode))
            try synchronizeDirectory(parentDirectory(of: path))
        }
    }

    public func createFile(_ path: String, contents: [UInt8], mode: UInt32) throws {
        try port { () throws(SystemError) in
            let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
            try removing(
                path,
                unless: { () throws(SystemError) in
                    try check("set the mode of \(path)", fchmod(file.number, mode))
                    try write(contents, to: file, path)
                    try file.synchronize()
                    try synchronizeDirectory(parentDirectory(of: path))
                })
        }
    }

    public func replaceFile(_ path: String, contents: [UInt8]) throws {
        guard let real = try resolve(path) else {
            throw HostError(.notFound, "replace \(path)", SystemError.text(of: ENOENT))
        }
        try port { () throws(SystemError) in
            let status = try Descriptor(opening: real, O_RDONLY | O_NONBLOCK).status()
            // The same name each time, so that what a crash left is taken over and not accumulated.
            let fresh = parentDirectory(of: real) + "/." + lastComponent(of: real) + ".muster-new"
            if unlink(fresh) != 0 && errno != ENOENT { throw .last("remove \(fresh)") }
            let file = try Descriptor(opening: fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
            try removing(
                fresh,
                unless: { () throws(SystemError) in
                    try keep(status, on: file, fresh)
                    try write(contents, to: file, fresh)
                    try file.synchronize()
                    try check("rename \(fresh) to \(real)", Glibc.rename(fresh, real))
                })
            try synchronizeDirectory(parentDirectory(of: real))
        }
    }

    public func overwrite(_ path: String, at offset: Int64, with bytes: [UInt8]) throws {
        try port { () throws(SystemError) in
            let file = try Descriptor(opening: path, O_WRONLY | O_NONBLOCK)
            do throws(SystemError) {
                try file.write(bytes, at: offset)
                try file.synchronize()
            } catch {
                throw SystemError("overwrite \(path)", code: error.code)
            }
        }
    }

    public func rename(_ path: String, to other: String) throws {
        try port { () throws(SystemError) in
            try check("rename \(path) to \(other)", Glibc.rename(path, other))
            try synchronizeDirectory(parentDirectory(of: other))
            if parentDirectory(of: path) != parentDirectory(of: other) {
                try synchronizeDirectory(parentDirectory(of: path))
            }
        }
    }

    public func remove(_ path: String) throws {
        try port { () throws(SystemError) in
            if unlink(path) != 0 {
                // unlink(2) refuses a directory with EISDIR on Linux, EPERM by POSIX.
                if errno == EISDIR || errno == EPERM, rmdir(path) == 0 {
                } else {
                    let error = SystemError.last("remove \(path)")
                    if error.isAbsence { return }
                    throw error
                }
            }
            try synchronizeDirectory(parentDirectory(of: path))
        }
    }

    public func writeControl(_ path: String, _ text: String) throws {
        try port { () throws(SystemError) in
            let file = try Descriptor(opening: path, O_WRONLY)
            do throws(SystemError) {
                // One write: the kernel takes each write as one command.
                let bytes = Array(text.utf8)
                guard try file.write(some: bytes[...]) == bytes.count else {
                    throw SystemError("", code: EIO)
                }
            } catch {
                throw SystemError("write '\(text)' to \(path)", code: error.code)
            }
        }
    }

    /// Gives a new file the owner and mode of an old one; the owner first, because changing it clears set-id bits.
    func keep(_ status: stat, on file: Descriptor, _ path: String) throws(SystemError) {
        try check(
            "set the owner of \(path) to \(status.st_uid):\(status.st_gid)",
            fchown(file.number, status.st_uid, status.st_gid))
        try check("set the mode of \(path)", fchmod(file.number, status.st_mode & 0o7777))
    }

    /// Runs `body`; when it throws, removes the file that was begun.
    func removing(_ path: String, unless body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            unlink(path)
            throw error
        }
    }

    private func write(_ bytes: [UInt8], to file: Descriptor, _ path: String) throws(SystemError) {
        do throws(SystemError) { try file.write(bytes) } catch {
            throw SystemError("write \(path)", code: error.code)
        }
    }
}

/// Throws errno when a call returned -1.
func check(_ operation: @autoclosure () -> String, _ result: Int32) throws(SystemError) {
    if result == -1 {
        let code = errno
        throw SystemError(operation(), code: code)
    }
}
