import CLinux
public import Glibc

/// An open file descriptor that closes when the last owner lets go of it. Close-on-exec, unless it was adopted.
public final class Descriptor: Sendable {
    public let number: Int32

    /// Takes over a descriptor that is open already.
    public init(adopting number: Int32) { self.number = number }
    deinit { close(number) }

    /// Opens a file (open(2)), always with O_CLOEXEC.
    /// - Parameter directory: what a relative path starts from (openat(2)).
    /// - Throws: `SystemError`.
    public convenience init(
        opening path: String, _ flags: Int32, mode: UInt32 = 0o600, in directory: Descriptor? = nil
    ) throws(SystemError) {
        self.init(
            adopting: try call("open \(path)") {
                csystem_open_at(directory?.number ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
            })
    }

    /// A pipe, both ends close-on-exec (pipe2(2)).
    public static func pipe() throws(SystemError) -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        try call("make a pipe") { csystem_pipe(&ends) }
        return (Descriptor(adopting: ends[0]), Descriptor(adopting: ends[1]))
    }

    /// A copy at a number of at least `lowest`, close-on-exec: out of the way of children and of 0, 1 and 2.
    public static func duplicate(_ number: Int32, lowest: Int32 = 100) throws(SystemError) -> Descriptor {
        Descriptor(
            adopting: try call("duplicate descriptor \(number)") { csystem_duplicate_high(number, lowest) })
    }

    public func setNonblocking(_ on: Bool = true) throws(SystemError) {
        try call("set O_NONBLOCK") { csystem_set_nonblocking(number, on ? 1 : 0) }
    }

    public func setCloseOnExec(_ on: Bool) throws(SystemError) {
        try call("set FD_CLOEXEC") { csystem_set_close_on_exec(number, on ? 1 : 0) }
    }

    /// What happened to a read that did not fail.
    public enum Read: Hashable, Sendable {
        case bytes([UInt8])
        case end
        /// Nothing there now; only from a non-blocking descriptor.
        case wouldBlock
    }

    /// One read(2).
    public func read(upTo count: Int) throws(SystemError) -> Read {
        var bytes = [UInt8](repeating: 0, count: count)
        do throws(SystemError) {
            let got = try call("read") { Glibc.read(number, &bytes, count) }
            return got == 0 ? .end : .bytes(Array(bytes[..<got]))
        } catch  where error.code == EAGAIN {
            return .wouldBlock
        }
    }

    /// Reads until the end or until there are `limit` bytes.
    public func readAll(limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < limit, case .bytes(let bytes) = try read(upTo: min(65536, limit - all.count)) {
            all += bytes
        }
        return all
    }

    /// One read at a place (pread(2)); fewer bytes than `count` only at the end of the file.
    public func read(at offset: Int64, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try call("read") {
                bytes.withUnsafeMutableBytes {
                    pread(number, $0.baseAddress! + filled, count - filled, off_t(offset) + filled)
                }
            }
            if got == 0 { break }
            filled += got
        }
        if filled < count { bytes.removeLast(count - filled) }
        return bytes
    }

    /// One write(2). SIGPIPE should be ignored by whoever writes to pipes.
    /// - Returns: how many bytes were taken; nil when a non-blocking descriptor takes none now.
    public func write(some bytes: ArraySlice<UInt8>) throws(SystemError) -> Int? {
        do throws(SystemError) {
            return try call("write") {
                bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            }
        } catch  where error.code == EAGAIN {
            return nil
        }
    }

    /// Writes all of it, waiting as long as it takes, also on a non-blocking descriptor.
    public func write(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if let taken = try write(some: rest) {
                rest = rest.dropFirst(taken)
            } else {
                try waitFor([.init(number, .writable)], until: nil)
            }
        }
    }

    /// Sends all of it to a socket; a closed other end is EPIPE and no signal (send(2), MSG_NOSIGNAL).
    public func send(_ bytes: [UInt8]) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            done += try call("send") {
                bytes.withUnsafeBytes {
                    Glibc.send(
                        number, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// One send(2); a closed other end is EPIPE and no signal.
    /// - Returns: how many bytes were taken; nil when a socket that does not block takes none now.
    public func sendSome(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int? {
        do throws(SystemError) {
            return try call("send") {
                bytes.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
        } catch  where error.code == EAGAIN {
            return nil
        }
    }

    /// Writes all of it at a place (pwrite(2)).
    public func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            done += try call("write") {
                bytes.withUnsafeBytes {
                    pwrite(number, $0.baseAddress! + done, bytes.count - done, off_t(offset) + done)
                }
            }
        }
    }

    /// Makes contents and metadata durable (fsync(2)).
    public func synchronize() throws(SystemError) { try call("fsync") { fsync(number) } }

    /// What it is (fstat(2)).
    public func status() throws(SystemError) -> stat {
        var status = stat()
        try call("fstat") { fstat(number, &status) }
        return status
    }
}

/// Makes the entries of a directory durable: a created, renamed or removed name survives a power cut only after
/// this (fsync(2)).
public func synchronizeDirectory(_ path: String) throws(SystemError) {
    try Descriptor(opening: path, O_RDONLY | O_DIRECTORY).synchronize()
}
