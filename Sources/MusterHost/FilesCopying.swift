import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func copyFile(_ path: String, to copy: String) throws {
        try port { () throws(SystemError) in
            let source = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
            let status = try source.status()
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw SystemError("copy \(path), which is not a regular file", code: EINVAL)
            }
            let target = try Descriptor(
                opening: copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try removing(
                copy,
                unless: { () throws(SystemError) in
                    do throws(SystemError) {
                        try source.copyContents(to: target)
                    } catch {
                        throw SystemError("copy \(path) to \(copy)", code: error.code)
                    }
                    try keep(status, on: target, copy)
                    // Programs that compare times must not take a restored file for a changed one.
                    try check(
                        "set the times of \(copy)", futimens(target.number, [status.st_atim, status.st_mtim]))
                    try target.synchronize()
                    try synchronizeDirectory(parentDirectory(of: copy))
                })
        }
    }

    public func allocate(_ path: String, size: Int64, deadline: Duration) throws -> Int64 {
        let end = monotonic() + deadline
        return try port { () throws(SystemError) in
            let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600)
            var offset: Int64 = 0
            var step: Int64 = 64 << 20
            while offset < size, monotonic() < end {
                let count = min(step, size - offset)
                switch Filling.fill(file, at: offset, count: count) {
                case 0: offset += count
                case EINTR: continue
                case ENOSPC, EDQUOT:
                    // Smaller steps take what is left between here and full.
                    if step <= 4096 { return try file.length() }
                    step = max(4096, step / 8)
                case let code:
                    throw SystemError("allocate \(count) bytes at \(offset) of \(path)", code: code)
                }
            }
            return try file.length()
        }
    }
}

/// Takes space in a file.
enum Filling {
    /// Gives a range of a file real blocks (fallocate(2)), by writing where the file system cannot.
    /// - Returns: 0 or errno.
    static func fill(_ file: Descriptor, at offset: Int64, count: Int64) -> Int32 {
        let code = file.allocateBlocks(at: offset, count: count)
        guard code == EOPNOTSUPP || code == ENOSYS else { return code }
        // Not zeros: a file system that compresses or leaves holes would not take the space.
        let piece = [UInt8](repeating: 0xA5, count: Int(min(count, 1 << 20)))
        var done: Int64 = 0
        do throws(SystemError) {
            while done < count {
                let bytes = count - done >= piece.count ? piece : Array(piece.prefix(Int(count - done)))
                try file.write(bytes, at: offset + done)
                done += Int64(bytes.count)
            }
            return 0
        } catch {
            return error.code
        }
    }
}

extension Descriptor {
    func length() throws(SystemError) -> Int64 { Int64(try status().st_size) }
}
