import Glibc
import MusterCore
import MusterSystem

/// The few calls that a liar's sockets need.
enum LiarSocket {
    /// Listens on a free port of an IPv4 address, without blocking.
    static func listen(on address: String) throws -> (descriptor: Int32, port: UInt16) {
        // A port that was asked for by its number stays bound while the socket does not listen (bind(2)); therefore a
        // first socket finds one that is free.
        let finder = try make()
        defer { close(finder) }
        let number = try bind(finder, address, port: 0)
        let listener = try make()
        do {
            _ = try bind(listener, address, port: number)
            guard Glibc.listen(listener, 1024) == 0 else { throw SystemError.last("listen on \(address)") }
        } catch {
            close(listener)
            throw error
        }
        return (listener, number)
    }

    private static func make() throws -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemError.last("make a socket") }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    private static func bind(_ descriptor: Int32, _ address: String, port: UInt16) throws -> UInt16 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else {
            throw SystemError("use the address \(address)", code: EINVAL)
        }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemError.last("listen on \(address)") }
        return UInt16(bigEndian: name.sin_port)
    }

    /// The next connection, not blocking; below 0 when there is none.
    static func accept(_ listener: Int32) -> Int32 {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return -1 }
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    /// The close(2) that follows sends RST instead of FIN (socket(7), SO_LINGER).
    static func endWithReset(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}

extension LiarRequest {
    /// Takes the first whole request off `bytes`; nil while there is none.
    init?(taking bytes: inout [UInt8]) {
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4,
            let head = (0...bytes.count - 4).first(where: { bytes[$0..<$0 + 4].elementsEqual(end) })
        else { return nil }
        let lines = String(decoding: bytes[..<head], as: UTF8.self).split(separator: "\r\n")
        let length =
            lines.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
        guard let words = lines.first?.split(separator: " "), words.count >= 2,
            bytes.count >= head + 4 + length
        else { return nil }
        method = String(words[0])
        path = String(words[1])
        body = String(decoding: bytes[(head + 4)..<(head + 4 + length)], as: UTF8.self)
        at = SystemTimekeeper().monotonic()
        bytes.removeFirst(head + 4 + length)
    }
}
