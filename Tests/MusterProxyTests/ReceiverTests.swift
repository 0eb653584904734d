import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MusterProxy

/// What senders of alerts, slow or hostile, can do to a receiver.
@Suite(.timeLimit(.minutes(3))) struct ReceiverTests {
    private static let token = "0123456789abcdef"

    private final class Heard: Sendable {
        let bodies = Mutex<[String]>([])
        let refusals = Mutex<[String]>([])
        let hasRoom = Atomic<Bool>(true)

        func take(_ event: ReceiverEvent) -> Bool {
            switch event {
            case .message(let lower, let upper, let body):
                guard hasRoom.load(ordering: .relaxed), lower <= upper else { return false }
                bodies.withLock { $0.append(String(decoding: body, as: UTF8.self)) }
            case .refused(let why): refusals.withLock { $0.append(why) }
            }
            return true
        }
    }

    private func with(
        _ limits: ReceiverLimits = ReceiverLimits(),
        _ body: @Sendable @escaping (AlertReceiver, Heard) throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let heard = Heard()
        let receiver = try await AlertReceiver.start(
            listen: "127.0.0.1:0", token: Self.token, limits: limits, on: group
        ) { heard.take($0) }
        do { try await blocking { try body(receiver, heard) } } catch {
            await receiver.stop()
            try await group.shutdownGracefully()
            throw error
        }
        await receiver.stop()
        try await group.shutdownGracefully()
    }

    private static func post(
        _ body: String, path: String = "/alerts", bearer: String? = token, method: String = "POST",
        more: String = ""
    ) -> [UInt8] {
        let authorization = bearer.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return Array(
            "\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(authorization)\(more)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                .utf8)
    }

    /// What one request on a connection of its own is answered with.
    private static func answer(_ receiver: AlertReceiver, _ bytes: [UInt8]) throws -> String {
        let socket = try Socket(connecting: receiver.address)
        // Who is refused early may not take all of it.
        try? socket.send(bytes)
        return String(decoding: try socket.receive(), as: UTF8.self)
    }

    @Test func theTokenIsTakenAsBearerOrAtTheEndOfThePath() async throws {
        try await with { receiver, heard in
            let rows: [([UInt8], String)] = [
                (Self.post("{}"), "200"),
                (Self.post("{\"a\": 1}", path: "/x/\(Self.token)?y=1", bearer: nil), "200"),
                (Self.post("[]", path: "/\(Self.token)", bearer: "wrong"), "200"),
                (Self.post("{}", bearer: nil), "401"), (Self.post("{}", bearer: "wrong"), "401"),
                (Self.post("{}", bearer: Self.token + "0"), "401"),
                (Self.post("{}", bearer: String(Self.token.dropLast())), "401"),
                (Self.post("{}", bearer: ""), "401"),
                (Self.post("{}", path: "/\(Self.token)/x", bearer: nil), "401"),
                (Self.post("", method: "GET"), "405"), (Self.post("{"), "400"), (Self.post(""), "400"),
                (Self.post("nothing"), "400"), (Array("what is this\r\n\r\n".utf8), "400"),
                (Self.post("[" + String(repeating: "[", count: 500)), "400"),
            ]
            for (bytes, status) in rows {
                let answer = try Self.answer(receiver, bytes)
                #expect(
                    answer.hasPrefix("HTTP/1.1 \(status) "),
                    "\(String(decoding: bytes.prefix(80), as: UTF8.self)): \(answer)")
                #expect(!answer.contains(Self.token))
            }
            #expect(heard.bodies.withLock { $0 } == ["{}", "{\"a\": 1}", "[]"])
            #expect(heard.refusals.withLock { $0.count { $0 == "the token is missing or wrong" } } == 6)
            #expect(!heard.refusals.withLock { $0.contains { $0.contains(Self.token) } })
        }
    }

    @Test func aHugeMessageIsRefusedWithoutBeingKept() async throws {
        var limits = ReceiverLimits()
        limits.body = 1000
        try await with(limits) { receiver, heard in
            let huge = "\"" + String(repeating: "x", count: 5_000_000) + "\""
            #expect(try Self.answer(receiver, Self.post(huge)).hasPrefix("HTTP/1.1 413 "))
            // Without saying how much will come.
            let socket = try Socket(connecting: receiver.address)
            try socket.send(
                Array("POST /\(Self.token) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
            for _ in 0..<10 {
                try? socket.send(Array("64\r\n\(String(repeating: "y", count: 100))\r\n".utf8))
            }
            try? socket.send(Array("64\r\n\(String(repeating: "y", count: 100))\r\n0\r\n\r\n".utf8))
            #expect(String(decoding: try socket.receive(), as: UTF8.self).hasPrefix("HTTP/1.1 413 "))
            #expect(heard.bodies.withLock { $0.isEmpty })
            #expect(try Self.answer(receiver, Self.post("{}")).hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// Slow senders, and those that go away in the midst of it, cost their connection and nobody else's time.
    @Test func slowAndHalfOpenConnectionsAreClosed() async throws {
        var limits = ReceiverLimits()
        limits.reading = .milliseconds(300)
        limits.connections = 8
        try await with(limits) { receiver, heard in
            let mute = try (0..<3).map { _ in try Socket(connecting: receiver.address) }
            let slow = try (0..<3).map { _ in try Socket(connecting: receiver.address) }
            for socket in slow {
                try socket.send(Array("POST /\(Self.token) HTTP/1.1\r\nHost: x\r\nContent-Le".utf8))
            }
            let half = try Socket(connecting: receiver.address)
            try half.send(Array(Self.post("{\"half\": true}").dropLast(3)))
            half.finish()
            #expect(try !String(decoding: half.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
            #expect(
                try Self.answer(receiver, Self.post("{}")).hasPrefix("HTTP/1.1 200 "),
                "others are served meanwhile")
            for socket in mute + slow { _ = try socket.receiveAll() }
            #expect(heard.bodies.withLock { $0 } == ["{}"])
            // A half-closed sender that has said everything gets its answer.
            let whole = try Socket(connecting: receiver.address)
            try whole.send(Self.post("[1]"))
            whole.finish()
            #expect(String(decoding: try whole.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func senderTooManyIsTurnedAway() async throws {
        var limits = ReceiverLimits()
        limits.connections = 2
        try await with(limits) { receiver, _ in
            var held = try (0..<2).map { _ in try Socket(connecting: receiver.address) }
            // Each is let in before the next one comes.
            for socket in held { try socket.send(Self.post("{}")) }
            for socket in held {
                #expect(String(decoding: try socket.receive(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
            }
            let third = try Socket(connecting: receiver.address)
            #expect(String(decoding: try third.receiveAll(), as: UTF8.self).hasPrefix("HTTP/1.1 503 "))
            held.removeAll()
            var last = ""
            for _ in 0..<500 where !last.hasPrefix("HTTP/1.1 200 ") {
                last = (try? Self.answer(receiver, Self.post("{}"))) ?? ""
                usleep(10_000)
            }
            #expect(last.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func manyMessagesOnOneConnectionAndNoRoom() async throws {
        try await with { receiver, heard in
            let socket = try Socket(connecting: receiver.address)
            for number in 0..<1000 {
                try socket.send(Self.post("{\"n\": \(number)}"))
                let answer = String(decoding: try socket.receive(), as: UTF8.self)
                guard answer.hasPrefix("HTTP/1.1 200 ") else {
                    Issue.record("\(number): \(answer)")
                    return
                }
            }
            #expect(heard.bodies.withLock { $0.count } == 1000)
            heard.hasRoom.store(false, ordering: .relaxed)
            // The sender is to try again later.
            #expect(try Self.answer(receiver, Self.post("{}")).hasPrefix("HTTP/1.1 503 "))
        }
    }

    // MARK: The program

    @Test func theProgramEndsWithItsInputAndNeverShowsTheToken() async throws {
        try await blocking {
            let process = Process()
            let (input, output) = (Pipe(), Pipe())
            process.executableURL = ProgramTests.binary
            process.arguments = ["receive"]
            process.standardInput = input
            process.standardOutput = output
            process.standardError = output
            try process.run()
            defer { if process.isRunning { process.terminate() } }
            try input.fileHandleForWriting.write(
                contentsOf: Data("listen 127.0.0.1:0\ntoken \(Self.token)\n".utf8))
            var said = ""
            while !said.contains("\n"), let more = try output.fileHandleForReading.read(upToCount: 1),
                !more.isEmpty
            {
                said += String(decoding: more, as: UTF8.self)
            }
            let address = try #require(said.firstMatch(of: /^ready (127\.0\.0\.1:\d+)\n$/))
            let socket = try Socket(connecting: String(address.1))
            try socket.send(Self.post("{\"an\": \"alert\"}") + Self.post("no json"))
            #expect(String(decoding: try socket.receive(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
            for file in ["cmdline", "environ"] {
                let text = try String(
                    contentsOfFile: "/proc/\(process.processIdentifier)/\(file)", encoding: .utf8)
                #expect(!text.contains(Self.token))
            }
            try input.fileHandleForWriting.close()
            said += String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(said.contains("{\"an\": \"alert\"}"), "\(said)")
            #expect(said.firstMatch(of: /\nlook \d+\n/) != nil)
            #expect(!said.contains(Self.token))
        }
    }

    @Test func theProgramSaysWhyItCannotListen() async throws {
        try await blocking {
            for (lines, says) in [
                ("listen 192.0.2.1:9\ntoken x\n", "failed "), ("", "expected 'listen ADDRESS:PORT'"),
            ] {
                let process = Process()
                let (input, output) = (Pipe(), Pipe())
                process.executableURL = ProgramTests.binary
                process.arguments = ["receive"]
                process.standardInput = input
                process.standardOutput = output
                process.standardError = output
                try process.run()
                try input.fileHandleForWriting.write(contentsOf: Data(lines.utf8))
                try input.fileHandleForWriting.close()
                let said = String(
                    decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
                process.waitUntilExit()
                #expect(said.contains(says), "\(said)")
            }
        }
    }
}
