import Glibc
import MusterCore
import MusterSystem
import Synchronization

@testable import MusterProbes

/// A server on loopback that does with each connection whatever a test wants, on a thread of its own.
final class RawServer: Sendable {
    /// One connection; ends with the function that was given it.
    struct Connection {
        let descriptor: Int32

        /// - Returns: false once the other side is gone.
        @discardableResult func send(_ bytes: some Collection<UInt8>) -> Bool {
            var rest = Array(bytes)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
        @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        /// Waits for some bytes; nil once the other side is gone.
        @discardableResult func receive() -> [UInt8]? {
            var buffer = [UInt8](repeating: 0, count: 8192)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return count > 0 ? Array(buffer[..<count]) : nil
        }

        /// Says nothing more until the other side goes away.
        func hang() { while receive() != nil {} }

        /// Ends with RST instead of FIN (socket(7), SO_LINGER).
        func reset() {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
    }

    let port: UInt16
    private let listener: Int32
    private let open = Mutex<Set<Int32>>([])
    private let isStopped = Atomic<Bool>(false)

    convenience init(_ serve: @escaping @Sendable (Connection) -> Void) throws {
        let (listener, port) = try listenOnLoopback()
        try self.init(listener: listener, port: port, serve)
    }

    /// - Parameter listener: is the server's from now on.
    init(listener: Int32, port: UInt16 = 0, _ serve: @escaping @Sendable (Connection) -> Void) throws {
        self.listener = listener
        self.port = port
        try startThread(name: "test-raw") { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 && errno == EINTR { continue }
                guard connection >= 0, let self, !isStopped.load(ordering: .relaxed) else {
                    // Closed here alone: nobody accepts from a number that has become another test's.
                    if connection >= 0 { close(connection) }
                    close(listener)
                    return
                }
                _ = open.withLock { $0.insert(connection) }
                try? startThread(name: "test-raw-one", stackSize: 1 << 18) {
                    serve(Connection(descriptor: connection))
                    self.open.withLock {
                        $0.remove(connection)
                        close(connection)
                    }
                }
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        // listen(2) ends with it, so that connections are refused from now on.
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } }
    }
}

/// Answers each datagram with as many others as a test wants.
final class RawNameServer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let isStopped = Atomic<Bool>(false)

    /// - Parameters:
    ///   - host: the last byte of an address of loopback.
    ///   - port: 0 for any that is free.
    init(
        host: UInt8 = 1, port: UInt16 = 0, _ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]
    ) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = (UInt32(0x7F00_0000) + UInt32(host)).bigEndian
        address.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw NoSocket() }
        self.port = UInt16(bigEndian: address.sin_port)
        // Looks up now and then, to see whether it shall end.
        var patience = timeval(tv_sec: 0, tv_usec: 50_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        try startThread(name: "test-dns") { [weak self] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while let self, !isStopped.load(ordering: .relaxed) {
                var peer = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                        let count = recvfrom(descriptor, &buffer, buffer.count, 0, peer, &length)
                        guard count > 0 else { return }
                        for bytes in answer(Array(buffer[..<count])) {
                            sendto(descriptor, bytes, bytes.count, 0, peer, length)
                        }
                    }
                }
            }
            close(descriptor)
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}
