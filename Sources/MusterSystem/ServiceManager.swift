import Glibc

/// Tells the service manager how we are (sd_notify(3)): datagrams of `NAME=value` lines to the socket that NOTIFY_SOCKET
/// names. Without one it says nothing. Nothing here waits: a message that cannot be sent is lost.
public final class ServiceManager: Sendable {
    private let socket: Descriptor?
    private let address: [UInt8]
    /// How often it wants to hear `WATCHDOG=1`, or it ends us (sd_watchdog_enabled(3)); nil: it does not watch.
    public let watchdog: Duration?

    /// - Parameters:
    ///   - environment: of this process.
    ///   - pid: of this process; a watchdog that is meant for another is none of ours.
    public init(environment: [String: String], pid: Int32) {
        let name = environment["NOTIFY_SOCKET"] ?? ""
        // A path, or the name of an abstract socket behind an @ (unix(7)).
        let bytes = Array(name.utf8)
        let isUsable = (name.hasPrefix("/") || name.hasPrefix("@")) && (2...107).contains(bytes.count)
        if isUsable {
            let flags = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let made = Glibc.socket(AF_UNIX, flags, 0)
            socket = made < 0 ? nil : Descriptor(adopting: made)
        } else {
            socket = nil
        }
        address = name.hasPrefix("@") ? [0] + bytes.dropFirst() : bytes
        let isOurs = environment["WATCHDOG_PID"].map { Int32($0) == pid } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isOurs && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Variables that are meant for us and for no child of ours.
    public static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    /// - Parameter lines: such as `READY=1`; a line's end within one becomes a blank.
    /// - Returns: whether it was sent.
    @discardableResult
    public func tell(_ lines: String...) -> Bool {
        guard let socket else { return false }
        let message = Array(
            lines.map { $0.replacing("\n", with: " ") }.joined(separator: "\n").utf8)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: address) }
        // Of an abstract name every byte counts, so the length ends where it does.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.count)
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket.number, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        } == message.count
    }
}
