import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// A small HTTP server on loopback, made of sockets and threads. What it answers is a function of the request
/// and of CLOCK_MONOTONIC at that moment, so the truth has no scheduling error.
final class TestServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        var body: String
        var at: Instant
    }
    enum Reply: Sendable {
        case status(Int, String)
        /// Ends the connection with RST.
        case reset
        /// Never answers.
        case hang
        /// Answers after a while.
        case late(Duration, Int, String)

        /// Whether a probe must find it bad.
        var isFailure: Bool {
            switch self {
            case .status(let status, _), .late(_, let status, _): !(200...399).contains(status)
            case .reset, .hang: true
            }
        }
    }
    /// What was done for a request.
    struct Handled: Sendable {
        var at: Instant
        var reply: Reply
        /// When the answer was with the kernel; nil while it is not, or when there was none.
        var written: Instant?
    }

    let port: UInt16
    private let listener: Int32
    private let answer: @Sendable (Request) -> Reply
    private let open = Mutex<Set<Int32>>([])
    private let log = Mutex<[String: Handled]>([:])
    private let isStopped = Atomic<Bool>(false)

    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
        self.answer = answer
        (listener, port) = try listenOnLoopback()
        let listener = self.listener
        try startThread(name: "test-accept") { [weak self] in
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
                try? startThread(name: "test-serve", stackSize: 1 << 18) { self.serve(connection) }
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        // listen(2) ends with it, so that connections are refused from now on.
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    /// By path, the last request of each.
    func handled() -> [String: Handled] { log.withLock { $0 } }

    /// Forgets what was handled, which takes memory for each path.
    func forget() { log.withLock { $0 = [:] } }

    private func serve(_ connection: Int32) {
        var shallReset = false
        while let request = Self.read(connection) {
            let reply = answer(request)
            log.withLock { $0[request.path] = Handled(at: request.at, reply: reply) }
            switch reply {
            case .status(let status, let body): respond(connection, request, status, body)
            case .late(let delay, let status, let body):
                SystemTimekeeper().sleep(for: delay)
                respond(connection, request, status, body)
            case .hang:
                var byte: UInt8 = 0
                while recv(connection, &byte, 1, 0) > 0 {}
            case .reset: shallReset = true
            }
            if shallReset { break }
        }
        if shallReset {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        open.withLock {
            $0.remove(connection)
            close(connection)
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.ranges(of: "\r\n\r\n").first {
                let head = text[..<end.lowerBound].split(separator: "\r\n")
                let length =
                    head.first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
                let body = text[end.upperBound...]
                if body.utf8.count >= length {
                    let words = head[0].split(separator: " ")
                    return Request(
                        method: String(words[0]), path: String(words[1]), body: String(body),
                        at: SystemTimekeeper().monotonic())
                }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    private func respond(_ connection: Int32, _ request: Request, _ status: Int, _ body: String) {
        let text =
            "HTTP/1.1 \(status) Test\r\nX-Role: primary\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(text.utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        log.withLock { $0[request.path]?.written = SystemTimekeeper().monotonic() }
    }
}

struct NoSocket: Error {}

func listenOnLoopback() throws -> (descriptor: Int32, port: UInt16) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let done = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 1024) == 0
                && getsockname(descriptor, $0, &length) == 0
        }
    }
    guard done else { throw NoSocket() }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// A port of loopback that nobody listens on.
func closedPort() throws -> UInt16 {
    let (descriptor, port) = try listenOnLoopback()
    close(descriptor)
    return port
}
