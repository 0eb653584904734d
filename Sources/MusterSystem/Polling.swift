import CLinux
import Glibc
public import MusterCore

/// What to wait for on a descriptor (poll(2)).
public struct Interest: Hashable, Sendable {
    public struct Events: OptionSet, Hashable, Sendable {
        public let rawValue: Int16
        public init(rawValue: Int16) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: Int16(POLLIN))
        public static let writable = Events(rawValue: Int16(POLLOUT))
        /// The other end is gone. Always reported, asked for or not.
        public static let hungUp = Events(rawValue: Int16(POLLHUP))
        /// An error, or not an open descriptor. Always reported.
        public static let failed = Events(rawValue: Int16(POLLERR | POLLNVAL))
    }
    public var descriptor: Int32
    public var events: Events

    public init(_ descriptor: Int32, _ events: Events) {
        self.descriptor = descriptor
        self.events = events
    }
}

/// Waits until one of the descriptors is ready or CLOCK_MONOTONIC reaches `deadline` (ppoll(2)).
/// - Parameter deadline: nil waits for ever.
/// - Returns: what happened, in the order of `interests`; all empty when the time passed. A signal does not end
///   the wait.
@discardableResult
public func waitFor(_ interests: [Interest], until deadline: Instant?) throws(SystemError) -> [Interest
    .Events]
{
    var entries = interests.map { pollfd(fd: $0.descriptor, events: $0.events.rawValue, revents: 0) }
    try call("poll") { () -> Int32 in
        let left = deadline.map { max(0, ($0 - SystemTimekeeper().monotonic()).nanoseconds) }
        return csystem_poll(&entries, entries.count, left ?? -1)
    }
    return entries.map { Interest.Events(rawValue: $0.revents) }
}
