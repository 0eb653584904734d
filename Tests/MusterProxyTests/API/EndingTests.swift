import Foundation
import Testing

@testable import MusterProxy

/// How the program ends, with connections that are open; and who must not keep it from working.
@Suite(.timeLimit(.minutes(3))) struct EndingTests {
    private let server: TestServer

    init() throws { server = try TestServer() }

    private func pair(_ listen: String) async throws -> (client: Socket, server: Socket) {
        let server = server
        return try await blocking { (try Socket(connecting: listen), try server.accept()) }
    }

    /// Toxics go first: what they held arrives. Then connections may end by themselves.
    @Test func removesToxicsThenDrains() async throws {
        let program = try await NetProgram.start(["--drain", "60s"])
        defer { program.stop() }
        let listen = try await program.proxy(
            to: server.address, toxics: #"[{"type":"stall","stream":"upstream"}]"#)
        let (client, behind) = try await pair(listen)
        try await blocking { try client.send([1, 2, 3]) }
        // It is held, as `GET /muster` tells.
        try await until("the toxic holds bytes") {
            try await program.ask("GET", "/muster").body.contains(#""held_bytes":0,"#) == false
        }
        program.signal(SIGTERM)
        let got = try await blocking { try behind.receive(exactly: 3) }
        #expect(got == [1, 2, 3])
        // Nobody is let in any more, and who is in goes on.
        try await until("it has stopped listening") {
            (try? await blocking { try Socket(connecting: listen) }) == nil
        }
        let answer = try await blocking {
            try behind.send([4])
            return try client.receive(exactly: 1)
        }
        #expect(answer == [4])
        #expect(program.isRunning)
        client.close()
        behind.close()
        #expect(try await program.end() == 0)
    }

    @Test func cutsWhatDoesNotEnd() async throws {
        let program = try await NetProgram.start(["--drain", "500ms"])
        defer { program.stop() }
        let (client, behind) = try await pair(try await program.proxy(to: server.address))
        program.signal(SIGTERM)
        #expect(try await program.end() == 0)
        let ends = try await blocking { (try client.receive(), try behind.receive()) }
        #expect(ends.0.isEmpty && ends.1.isEmpty)
    }

    @Test(arguments: [SIGTERM, SIGINT]) func aSecondSignalEndsItAtOnce(_ second: Int32) async throws {
        let program = try await NetProgram.start(["--drain", "10m"])
        defer { program.stop() }
        let listen = try await program.proxy(to: server.address)
        let (client, behind) = try await pair(listen)
        let first = ContinuousClock.now
        program.signal(SIGTERM)
        try await until("it has stopped listening") {
            (try? await blocking { try Socket(connecting: listen) }) == nil
        }
        // A supervisor's, to everybody and to each, come at the same moment: this one does not count.
        program.signal(SIGTERM)
        if ContinuousClock.now - first < .milliseconds(800) {
            try await blocking {
                for _ in 0..<20 {
                    usleep(5000)
                    try client.send([1])
                    #expect(try behind.receive(exactly: 1) == [1])
                }
            }
        }
        let ended = await eventually {
            program.signal(second)
            return !program.isRunning
        }
        #expect(ended)
        #expect(try await program.end() == 0)
        _ = (client, behind)
    }

    /// Standard error is a pipe that nobody reads: 64 KiB fit into it (pipe(7)).
    @Test func aReaderOfItsLinesWhoDoesNotReadHoldsUpNothing() async throws {
        let program = try await NetProgram.start(["--drain", "0s"], keepsErrors: true)
        defer { program.stop() }
        let listen = try await program.proxy(to: server.address)
        let port = program.port
        try await offThePool {
            let wire = try Wire(port)
            for number in 0..<3000 {
                try wire.send(
                    "POST", "/proxies/p/toxics", #"{"type":"noop","name":"\#(number)-with-a-long-name"}"#)
                #expect(try wire.reply().status == 200)
                try wire.send("DELETE", "/proxies/p/toxics/\(number)-with-a-long-name", nil)
                #expect(try wire.reply().status == 204)
            }
        }
        let (client, behind) = try await pair(listen)
        try await blocking {
            try client.send([1])
            #expect(try behind.receive(exactly: 1) == [1])
        }
        program.signal(SIGTERM)
        #expect(try await program.end() == 0)
        let said = try #require(program.errors?.fileHandleForReading.availableData)
        #expect(String(decoding: said, as: UTF8.self).hasPrefix("muster-net: proxy 'p' created"))
    }

    /// Clients take every descriptor that links may have: the API answers, the processor rests, and it goes on
    /// afterwards.
    @Test func theAPIAnswersWithoutDescriptors() async throws {
        let program = try await NetProgram.start(descriptors: 256)
        defer { program.stop() }
        let listen = try await program.proxy(to: server.address)
        var clients = try await blocking { try (0..<200).map { _ in try Socket(connecting: listen) } }
        try await until("there are none left for links") { try program.descriptors() > 220 }
        #expect(try await program.ask("GET", "/proxies").status == 200)
        let refused = try await program.ask(
            "POST", "/proxies", #"{"name":"q","listen":"127.0.0.1:0","upstream":"u:1"}"#)
        #expect(refused.status == 500)
        #expect(refused.body.contains("too many open files"))
        let before = try program.processorTicks()
        usleep(500_000)
        // Of fifty; spinning takes them all.
        #expect(try program.processorTicks() - before < 25)
        // Not by FIN: that would wait for the server, which accepts nobody.
        for client in clients { client.reset() }
        clients.removeAll()
        try await until("they are back") { try program.descriptors() < 60 }
        let server = server
        try await offThePool {
            let client = try Socket(connecting: listen)
            try client.send([7])
            // Behind those that are gone, some with RST.
            while (try? server.accept().receive()) != [7] {}
        }
    }
}
