import CLinux
import Glibc
public import MusterCore

/// Connections of a client that waits for nothing longer than its deadline: TCP (tcp(7)) and UNIX sockets.
public enum StreamSocket {
    /// Connects.
    /// - Parameter namespace: the file of a network namespace to connect from, such as `/run/netns/lab`; nil: our own.
    /// - Returns: a socket that does not block and sends small pieces at once.
    /// - Throws: `SystemError`: ECONNREFUSED or ENOENT when nobody listens, ETIMEDOUT after the deadline, EINVAL when
    ///   the address is none.
    public static func connect(
        to address: StreamAddress, from namespace: String? = nil, until deadline: Instant
    ) throws(SystemError) -> Descriptor {
        switch address {
        case .unix(let path): return try connect(toPath: path, until: deadline)
        case .tcp(let host, let port):
            var (storage, length) = try numeric(host, port)
            let socket = try make(Int32(storage.ss_family), in: namespace)
            var on: Int32 = 1
            setsockopt(
                socket.number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            let begun = withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket.number, $0, length)
                }
            }
            let code = begun == 0 ? 0 : errno
            guard code == 0 || code == EINPROGRESS || code == EINTR else {
                throw SystemError("connect to \(address.text)", code: code)
            }
            if code != 0 { try finish(socket, address, until: deadline) }
            return socket
        }
    }

    /// Says that nothing more will be sent (shutdown(2), SHUT_WR).
    public static func endSending(_ socket: Descriptor) throws(SystemError) {
        try call("end sending") { shutdown(socket.number, Int32(SHUT_WR)) }
    }

    /// A socket that does not block.
    /// - Parameters:
    ///   - family: AF_INET, AF_INET6 or AF_UNIX.
    ///   - namespace: the file of the network namespace that it belongs to; nil: our own.
    public static func make(_ family: Int32, in namespace: String? = nil) throws(SystemError) -> Descriptor {
        Descriptor(adopting: try call("make a socket") { csystem_stream_socket(family, namespace) })
    }

    private static func connect(toPath path: String, until deadline: Instant) throws(SystemError)
        -> Descriptor
    {
        let socket = try make(AF_UNIX)
        while true {
            do throws(SystemError) {
                return try UnixSocket.connect(to: path, with: socket)
            } catch  where error.code == EAGAIN {
                // Its queue is full; there is nothing to wait on but time.
                let now = SystemTimekeeper().monotonic()
                guard now < deadline else { throw SystemError("connect to \(path)", code: ETIMEDOUT) }
                SystemTimekeeper().sleep(until: min(deadline, now + .milliseconds(5)))
            }
        }
    }

    private static func finish(
        _ socket: Descriptor, _ address: StreamAddress, until deadline: Instant
    ) throws(SystemError) {
        let ready = try waitFor([Interest(socket.number, .writable)], until: deadline)[0]
        guard !ready.isEmpty else { throw SystemError("connect to \(address.text)", code: ETIMEDOUT) }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try call("connect to \(address.text)") {
            getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &code, &size)
        }
        if code != 0 { throw SystemError("connect to \(address.text)", code: code) }
    }

    /// Reads a numeric address; never asks a name server (getaddrinfo(3), AI_NUMERICHOST).
    private static func numeric(_ host: String, _ port: Int) throws(SystemError) -> (
        sockaddr_storage, socklen_t
    ) {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
            throw SystemError("read the address \(host)", code: EINVAL)
        }
        defer { freeaddrinfo(found) }
        var storage = sockaddr_storage()
        let length = found.pointee.ai_addrlen
        withUnsafeMutableBytes(of: &storage) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: found.pointee.ai_addr, count: Int(length)))
        }
        return (storage, length)
    }
}
