import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// A server behind proxies: answers PING and ECHO as Redis does and HEAD as a web server does, and closes when its
/// client does.
final class EchoServer: Sendable {
    let address: StreamAddress
    private let listener: Descriptor
    private let isOver = Atomic(false)
    /// Connections that it accepted.
    let accepted = Atomic(0)

    /// - Parameters:
    ///   - host: a loopback address of either family.
    ///   - namespace: the named network namespace in which it listens; nil: our own.
    init(on host: String = "127.0.0.1", in namespace: String? = nil) throws {
        let isV6 = host.contains(":")
        let space = namespace.map { "/run/netns/\($0)" }
        listener = try StreamSocket.make(isV6 ? AF_INET6 : AF_INET, in: space)
        let made = listener.number
        var storage = sockaddr_storage()
        var length = try Self.fill(&storage, host, isV6)
        let bound = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(made, $0, length) == 0 && listen(made, 128) == 0 && getsockname(made, $0, &length) == 0
            }
        }
        guard bound else { throw SystemError.last("listen at \(host)") }
        // The port lies at the same place in both families.
        let number = withUnsafeBytes(of: storage) { Int($0[2]) << 8 | Int($0[3]) }
        address = .tcp(host: host, port: number)
        try startThread(name: "echo server", stackSize: 1 << 18) { [self] in
            while !isOver.load(ordering: .relaxed) {
                guard let connection = try? UnixSocket.accept(from: listener) else {
                    usleep(500)
                    continue
                }
                accepted.add(1, ordering: .relaxed)
                try? startThread(name: "echo", stackSize: 1 << 18) { Self.serve(connection) }
            }
        }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    private static func fill(
        _ storage: inout sockaddr_storage, _ host: String, _ isV6: Bool
    ) throws -> socklen_t {
        if isV6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            inet_pton(AF_INET6, host, &address.sin6_addr)
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in6.self) }
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, host, &address.sin_addr)
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in.self) }
        return socklen_t(MemoryLayout<sockaddr_in>.size)
    }

    private static func serve(_ connection: Descriptor) {
        var unread: [UInt8] = []
        while case .bytes(let bytes)? = try? connection.read(upTo: 65536) {
            unread += bytes
            while let (answer, length) = answer(unread) {
                unread.removeFirst(length)
                let isLast = unread.isEmpty && answer.starts(with: Array("HTTP/1.1 200 Fine".utf8))
                guard (try? connection.send(answer)) != nil, !isLast else { return }
            }
        }
    }

    /// - Returns: the answer to the first request, and how long that was; nil while it is not whole.
    private static func answer(_ bytes: [UInt8]) -> ([UInt8], Int)? {
        let ping = Array("*1\r\n$4\r\nPING\r\n".utf8)
        let echo = Array("*2\r\n$4\r\nECHO\r\n".utf8)
        if bytes.starts(with: ping) { return (Array("+PONG\r\n".utf8), ping.count) }
        if bytes.starts(with: echo) {
            let reply = bytes[echo.count...]
            guard let end = reply.firstIndex(of: 10),
                let count = Int(String(decoding: reply.dropFirst().prefix { $0 != 13 }, as: UTF8.self))
            else { return nil }
            let whole = end + 1 + count + 2
            return bytes.count >= whole ? (Array(bytes[echo.count..<whole]), whole) : nil
        }
        guard let first = bytes.first, [UInt8(ascii: "H"), UInt8(ascii: "G")].contains(first) else {
            // What was damaged on the way is told so, as Redis does.
            return bytes.suffix(2).elementsEqual([13, 10])
                ? (Array("-ERR Protocol error\r\n".utf8), bytes.count) : nil
        }
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4,
            let end = (0...(bytes.count - 4)).first(where: { bytes[$0..<($0 + 4)].elementsEqual(mark) })
        else { return nil }
        if first == UInt8(ascii: "G") {
            let body = String(repeating: "x", count: 100)
            let head = "HTTP/1.1 200 Fine\r\nContent-Length: 100\r\nConnection: close\r\n\r\n"
            return (Array((head + body).utf8), end + 4)
        }
        return (Array("HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Length: 0\r\n\r\n".utf8), end + 4)
    }
}
