import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MusterProxy

/// A server of the API with real links, in this process, and a clock that tests move.
final class APIUnderTest: Sendable {
    let server: APIServer
    let registry: ProxyRegistry
    let hub: EventHub
    let clock = ManualClock()
    let port: Int
    private let groups: [MultiThreadedEventLoopGroup]

    init(
        limits: APILimits = APILimits(), metrics: Bool = false, engine: (any LinkEngine)? = nil,
        mostWeight: Int = ProxyRegistry.mostWeight
    ) async throws {
        let links = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        groups = [links, group]
        hub = EventHub()
        registry = ProxyRegistry(
            engine: engine ?? SocketEngine(group: links, seed: 1, events: hub), events: hub,
            mostWeight: mostWeight, clock: { [clock] in clock.now })
        let page = metrics ? MetricsPage(proxies: true, process: true, version: "1.2.3") : nil
        server = try await APIServer.start(
            ProxyAPI(registry: registry, metrics: page, version: "1.2.3", seed: 7), events: hub,
            listen: "127.0.0.1:0", limits: limits, on: group)
        port = try #require(Int(server.address.split(separator: ":").last ?? ""))
    }

    func stop() async {
        await server.stop()
        await registry.shutDown(draining: .zero)
        for group in groups { try? await group.shutdownGracefully() }
    }

    /// One request on a connection of its own.
    func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> Reply {
        try await offThePool { [port] in
            let connection = try Wire(port)
            try connection.send(method, path, body)
            return try connection.reply(toHead: method == "HEAD")
        }
    }
}

/// Runs what blocks on a thread that is not the runtime's.
func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

final class ManualClock: Sendable {
    private let time = Mutex(Duration.seconds(1000))
    var now: Duration { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

struct Reply: Sendable {
    var status: Int
    /// With names in lower case.
    var headers: [String: String]
    var body: String
}

/// A connection to the API, as raw as a test needs it.
final class Wire {
    struct Trouble: Error, CustomStringConvertible { var description: String }

    private var descriptor: Int32
    private var held: [UInt8] = []

    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        // A server that hangs must end the test, not hold it up.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Trouble(description: "connect: \(String(cString: strerror(errno)))") }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Trouble(description: "send: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    func send(_ method: String, _ path: String, _ body: String?, headers: String = "") throws {
        let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        try send("\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(headers)\(length)\r\n\(body ?? "")")
    }

    /// Goes with RST.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close(descriptor)
        descriptor = -1
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// - Returns: false at the end of the stream, or when the other side has reset it.
    private func fill() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN { throw Trouble(description: "no answer within a minute") }
        guard count > 0 else { return false }
        held += buffer[..<count]
        return true
    }

    func line() throws -> String {
        while true {
            if let end = held.firstIndex(of: UInt8(ascii: "\n")) {
                defer { held.removeFirst(end + 1) }
                let line = held[..<end]
                return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            }
            guard try fill() else { throw Trouble(description: "the connection ended within a line") }
        }
    }

    func bytes(_ count: Int) throws -> String {
        while held.count < count {
            guard try fill() else { throw Trouble(description: "the connection ended within a body") }
        }
        defer { held.removeFirst(count) }
        return String(decoding: held[..<count], as: UTF8.self)
    }

    /// Everything up to the end of the stream.
    func rest() throws -> String {
        while try fill() {}
        return String(decoding: held, as: UTF8.self)
    }

    func reply(toHead: Bool = false) throws -> Reply {
        let words = try line().split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else {
            throw Trouble(description: "no status line")
        }
        var headers: [String: String] = [:]
        while case let header = try line(), !header.isEmpty {
            guard let colon = header.firstIndex(of: ":") else { throw Trouble(description: header) }
            headers[header[..<colon].lowercased()] = header[header.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        let length = toHead ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        return Reply(status: status, headers: headers, body: try bytes(length))
    }
}

/// Waits, with a deadline, until something is so.
func until(_ what: String, within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool)
    async throws
{
    let end = ContinuousClock.now + limit
    while try await !isSo() {
        guard ContinuousClock.now < end else { throw Wire.Trouble(description: "never: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
