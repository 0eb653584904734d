import Dispatch
import Glibc
import NIOCore
import NIOPosix

@testable import MusterProxy

/// A socket of a test, closed when nobody holds it any more.
final class Socket: @unchecked Sendable {
    private(set) var descriptor: Int32

    struct Problem: Error, Equatable {
        var code = errno
    }

    init(_ descriptor: Int32) throws {
        guard descriptor >= 0 else { throw Problem() }
        self.descriptor = descriptor
        // Tests poll with deadlines; a call that blocks longer is a failure.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    static func kind(_ family: Int32) -> Int32 {
        socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    }

    convenience init(connecting address: SocketAddress) throws {
        try self.init(
            Self.kind(address.protocol == .unix ? AF_UNIX : address.protocol == .inet ? AF_INET : AF_INET6))
        let answer = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
        guard answer == 0 else { throw Problem() }
    }

    /// As `RunningProxy.address` gives it.
    convenience init(connecting text: String) throws {
        guard let address = Resolver.literal(try Endpoint(text)) else { throw Problem(code: EINVAL) }
        try self.init(connecting: address)
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Problem() }
            sent += count
        }
    }

    /// - Returns: nothing at the end of the stream.
    func receive(upTo limit: Int = 65_536) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &bytes, limit, 0)
        guard count >= 0 else { throw Problem() }
        return Array(bytes.prefix(count))
    }

    func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let more = try receive()
            if more.isEmpty { return all }
            all += more
        }
    }

    func receive(exactly count: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let more = try receive(upTo: count - all.count)
            guard !more.isEmpty else { throw Problem(code: EPIPE) }
            all += more
        }
        return all
    }

    func finish() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Closes with RST.
    func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}

/// A server of a test on loopback, without a program of its own: the test accepts.
final class TestServer: Sendable {
    let socket: Socket
    let address: String

    convenience init(reusing text: String) throws {
        try self.init(Resolver.literal(try Endpoint(text)), reuse: true)
    }

    init(_ address: SocketAddress? = nil, reuse: Bool = false) throws {
        let address = try address ?? SocketAddress(ipAddress: "127.0.0.1", port: 0)
        socket = try Socket(
            Socket.kind(address.protocol == .unix ? AF_UNIX : address.protocol == .inet ? AF_INET : AF_INET6))
        let descriptor = socket.descriptor
        var on: CInt = reuse ? 1 : 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0,
            listen(descriptor, 4096) == 0
        else {
            throw Socket.Problem()
        }
        if let path = address.pathname {
            self.address = "unix:" + path
            return
        }
        var name = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(name.count)
        name.withUnsafeMutableBytes {
            _ = getsockname(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        // The port is at the same place in both families (ip(7), ipv6(7)).
        let port = Int(name[2]) << 8 | Int(name[3])
        self.address = address.protocol == .inet ? "127.0.0.1:\(port)" : "[::1]:\(port)"
    }

    func accept() throws -> Socket { try Socket(Glibc.accept(socket.descriptor, nil, nil)) }
}

/// Runs what blocks on a thread of its own, so that tests do not starve each other.
func blocking<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        let thread = DispatchQueue(label: "blocking")
        thread.async { continuation.resume(with: Result { try body() }) }
    }
}

/// The engine that tests share, so that each does not pay for threads of its own.
let testGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

func toxic(
    _ type: any Toxic.Type, _ values: AttributeValues = [:], name: String? = nil,
    stream: MusterProxy.Stream = .downstream,
    toxicity: Double = 1
) throws -> ActiveToxic {
    let toxic = try type.init(type.initialValues.merging(values) { $1 })
    return ActiveToxic(name: name ?? type.type, toxic: toxic, stream: stream, toxicity: toxicity)
}

/// Asks until it is true; false after the deadline.
func eventually(within seconds: Int = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return false
}
