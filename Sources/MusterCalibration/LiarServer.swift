import Glibc
import MusterCore
import MusterSystem

/// Real sockets on many ports, served by one thread on one epoll set. Everything but what says otherwise belongs to
/// that thread, which makes it safe.
public final class LiarServer: @unchecked Sendable {
    private final class Port {
        let listener: Int32
        let liar: any Liar
        var isClosed = false
        var waiting: [(at: Instant, connection: Int32, number: Int, reply: (Int, String))] = []
        init(listener: Int32, liar: any Liar) {
            self.listener = listener
            self.liar = liar
        }
    }
    private final class Connection {
        let port: Int
        /// Tells it from an earlier one with the same descriptor.
        let number: Int
        var bytes: [UInt8] = []
        init(port: Int, number: Int) {
            self.port = port
            self.number = number
        }
    }

    private let epoll: Epoll
    private let bell: (read: Descriptor, write: Descriptor)
    private let condition = Condition()
    private var jobs: [() -> Void] = []
    private var isStopped = false
    private var hasEnded = false
    private var ports: [Port] = []
    private var connections: [Int32: Connection] = [:]
    private var held: [(connection: Int32, number: Int, request: LiarRequest)] = []
    private var accepted = 0
    /// When it last had looked at everything that was there.
    private var caughtUp = SystemTimekeeper().monotonic()
    private var stalls: [Bracket] = []
    private let time = SystemTimekeeper()

    public let address: String
    public let portNumbers: [UInt16]

    /// While nothing happens it looks at the clock as often as this, so that it knows when it was kept from it.
    private static let tick = Duration.milliseconds(5)
    private static let shortestStall = Duration.milliseconds(10)

    /// - Throws: `SystemError` when it cannot listen on `address`.
    init(address: String, liars: [any Liar]) throws {
        self.address = address
        epoll = try Epoll()
        bell = try Descriptor.pipe()
        try bell.read.setNonblocking()
        try epoll.set(bell.read.number, reading: true, key: UInt64(bell.read.number))
        var numbers: [UInt16] = []
        for liar in liars {
            let (listener, number) = try LiarSocket.listen(on: address)
            numbers.append(number)
            ports.append(Port(listener: listener, liar: liar))
            try epoll.set(listener, reading: true, key: Self.listenerKey(ports.count - 1))
        }
        portNumbers = numbers
        try startThread(name: "muster-liar") { [self] in work() }
    }

    private static func listenerKey(_ port: Int) -> UInt64 { 1 << 40 | UInt64(port) }

    // MARK: From any thread

    /// Does something on the server's thread, and waits for it; nil once the server has ended.
    func perform<Result: Sendable>(_ job: @escaping @Sendable () -> Result) -> Result? {
        let box = Box<Result>()
        condition.withLock {
            if !hasEnded {
                jobs.append { [condition] in
                    let result = job()
                    condition.withLock {
                        box.value = result
                        condition.signal()
                    }
                }
            }
        }
        try? bell.write.write([1])
        return condition.withLock {
            while box.value == nil, !hasEnded { _ = condition.wait() }
            return box.value
        }
    }

    private final class Box<Value>: @unchecked Sendable { var value: Value? }

    /// Requests that are held.
    func heldCount() -> Int { perform { [self] in held.count } ?? 0 }

    /// Asks the liars again for everything that is held.
    func release() {
        _ = perform { [self] in
            let all = held
            held = []
            for entry in all where connections[entry.connection]?.number == entry.number {
                var request = entry.request
                request.at = time.monotonic()
                carryOut(request, on: entry.connection)
            }
            return true
        }
    }

    /// Times in which the server did not get to look, or had more to look at than it could: what it owed then was late
    /// by no fault of the instrument.
    func stallsSoFar(forgetting: Bool = false) -> [Bracket] {
        perform { [self] in
            defer { if forgetting { stalls = [] } }
            return stalls
        } ?? []
    }

    /// Ends it, and waits for that.
    public func stop() {
        condition.withLock { isStopped = true }
        try? bell.write.write([1])
        condition.withLock { while !hasEnded { _ = condition.wait() } }
    }

    // MARK: On the server's thread

    private func work() {
        var sawAll = true
        while !condition.withLock({ isStopped }) {
            let now = time.monotonic()
            // Turns are short each while hundreds wait: who is looked at last waits for all of them.
            if sawAll {
                if now - caughtUp > Self.tick + Self.shortestStall { stalls.append(Bracket(caughtUp, now)) }
                caughtUp = now
            }
            turn(now)
            guard let ready = try? epoll.wait(atMost: rest(after: now)) else { break }
            sawAll = ready.count < Epoll.most
            for event in ready { handle(event) }
            runJobs()
        }
        for connection in connections.keys { close(connection) }
        for port in ports { close(port.listener) }
        condition.withLock {
            hasEnded = true
            jobs = []
            condition.signal()
        }
    }

    private func runJobs() {
        let waiting = condition.withLock {
            defer { jobs = [] }
            return jobs
        }
        for job in waiting { job() }
    }

    /// How long nothing is due.
    private func rest(after now: Instant) -> Duration {
        var next = now + Self.tick
        for port in ports {
            if let due = port.waiting.first?.at { next = min(next, due) }
            if let change = port.liar.nextChange(after: now) { next = min(next, change) }
        }
        return max(.zero, next - time.monotonic())
    }

    private func turn(_ now: Instant) {
        for (index, port) in ports.enumerated() {
            let shallClose = port.liar.isClosed(at: now)
            if shallClose != port.isClosed { change(port, index, isClosed: shallClose) }
            while let due = port.waiting.first, due.at <= now {
                port.waiting.removeFirst()
                guard connections[due.connection]?.number == due.number else { continue }
                answer(due.connection, due.reply.0, due.reply.1)
            }
        }
    }

    /// A listening socket that is shut down refuses connections and keeps its port, so that nobody else takes it;
    /// listen(2) opens it again.
    private func change(_ port: Port, _ index: Int, isClosed: Bool) {
        port.isClosed = isClosed
        if isClosed { epoll.remove(port.listener) }
        let before = time.monotonic()
        if isClosed { shutdown(port.listener, Int32(SHUT_RDWR)) } else { Glibc.listen(port.listener, 1024) }
        port.liar.changed(isClosed: isClosed, Bracket(before, time.monotonic()))
        if !isClosed { try? epoll.set(port.listener, reading: true, key: Self.listenerKey(index)) }
    }

    private func handle(_ event: Epoll.Ready) {
        if event.key >= 1 << 40 { return acceptAll(Int(event.key & 0xFFFF_FFFF)) }
        let descriptor = Int32(truncatingIfNeeded: event.key)
        if descriptor == bell.read.number {
            _ = try? bell.read.read(upTo: 4096)
        } else {
            receive(descriptor)
        }
    }

    private func acceptAll(_ index: Int) {
        while true {
            let descriptor = LiarSocket.accept(ports[index].listener)
            guard descriptor >= 0 else { return }
            accepted += 1
            connections[descriptor] = Connection(port: index, number: accepted)
            do {
                try epoll.set(descriptor, reading: true, key: UInt64(descriptor))
            } catch {
                drop(descriptor)
            }
        }
    }

    private func receive(_ descriptor: Int32) {
        guard let connection = connections[descriptor] else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0, connection.bytes.count < 1 << 20 else { return drop(descriptor) }
        connection.bytes += buffer[..<count]
        while connections[descriptor] === connection, let request = LiarRequest(taking: &connection.bytes) {
            carryOut(request, on: descriptor)
        }
    }

    private func carryOut(_ request: LiarRequest, on descriptor: Int32) {
        guard let connection = connections[descriptor] else { return }
        let port = ports[connection.port]
        switch port.liar.reply(to: request) {
        case .answer(let status, let body): answer(descriptor, status, body)
        case .answerAt(let at, let status, let body):
            let index = port.waiting.lastIndex { $0.at <= at }.map { $0 + 1 } ?? 0
            port.waiting.insert((at, descriptor, connection.number, (status, body)), at: index)
        case .hold: held.append((descriptor, connection.number, request))
        case .reset:
            LiarSocket.endWithReset(descriptor)
            drop(descriptor)
        case .silence: break
        }
    }

    private func answer(_ descriptor: Int32, _ status: Int, _ body: String) {
        let text = "HTTP/1.1 \(status) Liar\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(text.utf8)
        // Answers are far smaller than a socket's buffer; a client that takes none gets no more.
        if send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) != bytes.count { drop(descriptor) }
    }

    private func drop(_ descriptor: Int32) {
        connections[descriptor] = nil
        epoll.remove(descriptor)
        close(descriptor)
    }
}
