import CCurl
import Glibc
import MusterCore

/// One non-blocking connection, TCP or UNIX, on an event loop. Belongs to the loop's thread.
final class StreamConnection {
    private let loop: EventLoop
    private var descriptor: Int32 = -1
    private var outgoing: [UInt8] = []
    private var isConnected = false
    private var isOpening = false
    private var attempt = 0
    /// Other addresses of the same name, which are tried in their order, as clients do.
    private var others: ArraySlice<SocketAddress> = []
    /// Bytes that the kernel took on this connection.
    private(set) var bytesSent = 0
    /// Hears of every step.
    weak var patience: Patience?
    /// Called once per `open`: 0, or why there is no connection.
    private var opened: ((Int32) -> Void)?
    var received: (([UInt8]) -> Void)?
    /// The connection has ended by the other side: 0 for an orderly end, else an errno. It is closed already.
    var ended: ((Int32) -> Void)?

    init(loop: EventLoop) { self.loop = loop }
    deinit { close() }

    var isOpen: Bool { isConnected }

    func open(_ endpoint: Endpoint, done: @escaping (Int32) -> Void) {
        close()
        isOpening = true
        opened = done
        attempt += 1
        Resolver.resolve(endpoint, on: loop) { [weak self, attempt] addresses in
            guard let self, self.attempt == attempt, isOpening else { return }
            guard let first = addresses.first else { return failOpening(SampleCode.nameNotFound) }
            others = addresses.dropFirst()
            connect(first)
        }
    }

    func open(_ address: SocketAddress, done: @escaping (Int32) -> Void) {
        close()
        isOpening = true
        opened = done
        attempt += 1
        others = []
        connect(address)
    }

    private func connect(_ address: SocketAddress) {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { return failOpening(errno) }
        if address.family != AF_UNIX {
            var on: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        }
        if address.connect(descriptor) != 0 && errno != EINPROGRESS {
            // unix(7): no waiting for room in the queue, and nothing that would tell when there is.
            let isFull = errno == EAGAIN && address.family == AF_UNIX
            return failOpening(isFull ? SampleCode.queueFull : errno)
        }
        loop.watch(descriptor, [.write]) { [weak self] ready in self?.becameReady(ready) }
        patience?.advance()
    }

    private func failOpening(_ code: Int32) {
        if let next = others.popFirst() {
            closeDescriptor()
            return connect(next)
        }
        let opened = self.opened
        close()
        opened?(code)
    }

    func send(_ bytes: [UInt8]) {
        outgoing += bytes
        if isConnected { flush() }
    }

    func close() {
        isOpening = false
        isConnected = false
        opened = nil
        outgoing.removeAll(keepingCapacity: true)
        bytesSent = 0
        closeDescriptor()
    }

    private func closeDescriptor() {
        guard descriptor >= 0 else { return }
        loop.unwatch(descriptor)
        Glibc.close(descriptor)
        descriptor = -1
    }

    private func becameReady(_ ready: EventLoop.Readiness) {
        patience?.advance()
        if isOpening {
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            if code != 0 { return failOpening(code) }
            isOpening = false
            isConnected = true
            loop.watch(descriptor, [.read]) { [weak self] ready in self?.becameReady(ready) }
            let opened = self.opened
            self.opened = nil
            opened?(0)
            return
        }
        if ready.contains(.write) { flush() }
        if isConnected, ready.contains(.read) || !ready.isDisjoint(with: .broken) { readAll() }
    }

    private func flush() {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                bytesSent += count
                outgoing.removeFirst(count)
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                // The read side tells why, once, below.
                outgoing.removeAll()
                break
            }
        }
        patience?.advance()
        loop.watch(descriptor, outgoing.isEmpty ? [.read] : [.read, .write]) { [weak self] ready in
            self?.becameReady(ready)
        }
    }

    private func readAll() {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        // Others on the loop have their turn before a server that never stops sending is read on.
        for _ in 0..<16 where descriptor >= 0 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received?(Array(buffer[..<count]))
                if count < buffer.count { return }
            } else if count < 0 && errno == EINTR {
                continue
            } else if count < 0 && errno == EAGAIN {
                return
            } else {
                let code = count == 0 ? 0 : errno
                let sent = bytesSent
                close()
                bytesSent = sent
                ended?(code)
                return
            }
        }
    }
}
