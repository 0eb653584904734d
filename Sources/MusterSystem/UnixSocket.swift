import CLinux
import Glibc

/// Stream sockets in the file system (unix(7)). An address holds 107 bytes; longer paths are reached through a
/// descriptor of their directory.
public enum UnixSocket {
    /// Listens at `path`, replacing a socket that lies there. Only the owner may connect.
    public static func listen(at path: String, backlog: Int32 = 16) throws(SystemError) -> Descriptor {
        let (directory, short) = try shorten(path)
        defer { withExtendedLifetime(directory) {} }
        if unlink(short) != 0, errno != ENOENT { throw SystemError.last("remove \(path)") }
        let socket = try make()
        try withAddress(short) { address, size throws(SystemError) in
            try call("bind \(path)") { bind(socket.number, address, size) }
        }
        try call("set the mode of \(path)") { chmod(short, 0o600) }
        try call("listen at \(path)") { Glibc.listen(socket.number, backlog) }
        return socket
    }

    /// Connects to whoever listens at `path`.
    /// - Parameter socket: a stream socket of this family to connect with; one of its own when left out. With one
    ///   that does not block, EAGAIN says that as many as the listener takes are waiting already.
    /// - Throws: `SystemError` ENOENT or ECONNREFUSED when nobody does.
    @discardableResult
    public static func connect(
        to path: String, with socket: Descriptor? = nil
    ) throws(SystemError) -> Descriptor {
        let (directory, short) = try shorten(path)
        defer { withExtendedLifetime(directory) {} }
        let socket = if let socket { socket } else { try make() }
        try withAddress(short) { address, size throws(SystemError) in
            try call("connect to \(path)") { Glibc.connect(socket.number, address, size) }
        }
        return socket
    }

    /// Takes the next connection of a listening socket; nil when a non-blocking one has none.
    public static func accept(from listener: Descriptor) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(
                adopting: try call("accept") {
                    csystem_accept(listener.number)
                })
        } catch  where error.code == EAGAIN || error.code == ECONNABORTED {
            return nil
        }
    }

    private static func make() throws(SystemError) -> Descriptor {
        Descriptor(
            adopting: try call("make a socket") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
    }

    private static func shorten(_ path: String) throws(SystemError) -> (Descriptor?, String) {
        guard path.utf8.count > 107, let slash = path.lastIndex(of: "/") else { return (nil, path) }
        let directory = Descriptor(
            adopting: try call("open the directory of \(path)") {
                csystem_open_path_only(String(path[..<slash]))
            })
        return (directory, "/proc/self/fd/\(directory.number)\(path[slash...])")
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("use socket path \(path)", code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result: Result<Void, SystemError> = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                do throws(SystemError) {
                    try body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
        }
        try result.get()
    }
}
