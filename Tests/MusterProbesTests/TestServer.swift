import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// A small HTTP server on loopback. What it answers is a function of the request
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

    private typealias Log = [String: Handled]
    private let server: RawServer
    private let log = Shared(Log())

    var port: UInt16 { server.port }
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
        server = try RawServer { [log] in Self.serve($0, answer, log) }
    }

    func stop() { server.stop() }

    /// By path, the last request of each.
    func handled() -> [String: Handled] { log.withLock { $0 } }

    /// Forgets what was handled, which takes memory for each path.
    func forget() { log.withLock { $0 = [:] } }

    private static func serve(
        _ connection: RawServer.Connection, _ answer: (Request) -> Reply, _ log: Shared<Log>
    ) {
        while let request = read(connection) {
            let reply = answer(request)
            log.withLock { $0[request.path] = Handled(at: request.at, reply: reply) }
            switch reply {
            case .status(let status, let body): respond(connection, status, body)
            case .late(let delay, let status, let body):
                SystemTimekeeper().sleep(for: delay)
                respond(connection, status, body)
            case .hang:
                connection.hang()
                continue
            case .reset: return connection.reset()
            }
            log.withLock { $0[request.path]?.written = SystemTimekeeper().monotonic() }
        }
    }

    private static func read(_ connection: RawServer.Connection) -> Request? {
        var bytes: [UInt8] = []
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
            guard let more = connection.receive() else { return nil }
            bytes += more
        }
    }

    private static func respond(_ connection: RawServer.Connection, _ status: Int, _ body: String) {
        connection.send(
            "HTTP/1.1 \(status) Test\r\nX-Role: primary\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

/// A value that several threads change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
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
