import CLinux
import Glibc

extension Descriptor {
    /// Gives a range of the file real blocks (fallocate(2), mode 0).
    /// - Returns: 0 or errno; after ENOSPC part of the range may have been taken.
    public func allocateBlocks(at offset: Int64, count: Int64) -> Int32 {
        csystem_allocate(number, offset, count)
    }

    /// Copies this file from its start into an empty one: as a reflink where the file system can (FICLONE), else
    /// inside the kernel (copy_file_range(2)), else through memory.
    public func copyContents(to target: Descriptor) throws(SystemError) {
        if csystem_clone_file(target.number, number) == 0 { return }
        var copied: Int64 = 0
        while true {
            let count = csystem_copy_file_range(number, target.number, 1 << 30)
            if count > 0 {
                copied += count
                continue
            }
            if count < 0, errno == EINTR { continue }
            // 0 is the end, or a file such as those of /proc that hides its size: read on to be sure.
            let code = errno
            if count < 0, ![EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM].contains(code) {
                throw SystemError("copy_file_range", code: code)
            }
            break
        }
        while true {
            let bytes = try read(at: copied, count: 1 << 20)
            if bytes.isEmpty { return }
            try target.write(bytes, at: copied)
            copied += Int64(bytes.count)
        }
    }

    /// A file in memory, without a name, whose writes can be sealed (memfd_create(2)).
    public static func inMemory(_ name: String) throws(SystemError) -> Descriptor {
        Descriptor(adopting: try call("make a file in memory") { csystem_memory_file(name) })
    }

    /// Makes every further write to a file in memory fail with EPERM, whoever has it open; unlike the closed end
    /// of a pipe that raises no signal.
    public func sealWrites() throws(SystemError) {
        try call("seal a file in memory") { csystem_seal_writes(number) }
    }
}
