import CLinux
import Glibc
import MusterCore

/// A set of descriptors of which one thread waits for the ready ones (epoll(7), level-triggered).
public final class Epoll: Sendable {
    public struct Ready: Sendable {
        /// As given to `set`.
        public var key: UInt64
        public var isReadable: Bool
        public var isWritable: Bool
        /// The other end is gone, or there is an error. Reported whether it was asked for or not.
        public var isBroken: Bool
    }

    private let descriptor: Descriptor

    public init() throws(SystemError) {
        descriptor = Descriptor(adopting: try call("make an epoll set") { csystem_epoll_new() })
    }

    /// Adds a descriptor, or changes what is waited for.
    public func set(_ number: Int32, reading: Bool, writing: Bool = false, key: UInt64) throws(SystemError) {
        let events = (reading ? UInt32(CSYSTEM_READ) : 0) | (writing ? UInt32(CSYSTEM_WRITE) : 0)
        try call("add to an epoll set") { csystem_epoll_set(descriptor.number, number, events, key) }
    }

    /// Must come before the descriptor is closed.
    public func remove(_ number: Int32) { _ = csystem_epoll_remove(descriptor.number, number) }

    /// What one `wait` tells of at most: where it tells of fewer, there were no more.
    public static let most = 64

    /// Waits until something is ready, or for `duration`.
    /// - Returns: at most `most`.
    public func wait(atMost duration: Duration) throws(SystemError) -> [Ready] {
        var events = [csystem_event](repeating: csystem_event(), count: Self.most)
        let count = try call("wait for an epoll set") {
            csystem_epoll_wait(
                descriptor.number, &events, Int32(Self.most), max(0, duration.nanoseconds))
        }
        return events[..<Int(count)].map { event in
            Ready(
                key: event.key, isReadable: event.events & UInt32(CSYSTEM_READ) != 0,
                isWritable: event.events & UInt32(CSYSTEM_WRITE) != 0,
                isBroken: event.events & ~UInt32(CSYSTEM_READ | CSYSTEM_WRITE) != 0)
        }
    }
}

/// Limits on what a process may use (prlimit(2)).
public enum ResourceLimit {
    /// From now on no file that the process writes may grow beyond `bytes`: write(2) fails with EFBIG where SIGXFSZ
    /// is ignored.
    public static func fileSize(of pid: Int32, to bytes: Int64) throws(SystemError) {
        try call("limit the file size of process \(pid)") {
            csystem_limit_file_size(pid, UInt64(max(0, bytes)))
        }
    }
}
