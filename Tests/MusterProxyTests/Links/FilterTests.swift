import NIOCore
import Testing

@testable import MusterProxy

/// Answers lines of the client that begin with `!` itself, after a delay, and lets everything else through; `!!` closes.
private struct Answering: FilterToxic {
    static let type = "answering"
    static let attributes: [Attribute] = []
    static let summary = "Answers itself."

    init(_ values: AttributeValues) throws(AttributeProblem) {}
    init() {}
    var values: AttributeValues { [:] }
    func filter(_ random: LinkRandom, after watch: HTTPWatch) -> any ConnectionFilter { Filter() }

    struct Filter: ConnectionFilter {
        private var out: [MusterProxy.Stream: [Chunk]] = [:]
        private var finished: Set<MusterProxy.Stream> = []
        private var isClosing = false
        private var isOn = true
        private(set) var effects: UInt64 = 0

        mutating func receive(_ chunk: Chunk, from stream: MusterProxy.Stream) {
            let text = String(buffer: chunk.bytes)
            guard isOn, stream == .upstream, text.hasPrefix("!") else {
                out[stream, default: []].append(chunk)
                return
            }
            effects += 1
            if text.hasPrefix("!!") { isClosing = true }
            out[.downstream, default: []].append(
                Chunk(ByteBuffer(string: "no" + text), at: chunk.arrived + .milliseconds(20)))
        }

        mutating func finish(_ stream: MusterProxy.Stream) { finished.insert(stream) }

        mutating func next(_ stream: MusterProxy.Stream, at now: NIODeadline) -> StageOutput {
            if let first = out[stream]?.first {
                guard first.arrived <= now else { return .wait(until: first.arrived) }
                out[stream]?.removeFirst()
                return .chunk(first)
            }
            if isClosing, stream == .downstream { return .close }
            return finished.contains(stream) ? .finished : .wait(until: nil)
        }

        func held(_ stream: MusterProxy.Stream) -> Int {
            out[stream, default: []].reduce(0) { $0 + $1.bytes.readableBytes }
        }

        var isAtRest: Bool { out.values.allSatisfy(\.isEmpty) && !isClosing }

        mutating func change(to toxic: (any FilterToxic)?) { isOn = toxic != nil }
        mutating func takeNotices() -> [FilterNotice] { [] }
    }
}

/// Turns every byte around on its way through the client's socket.
private struct Inverting: TransportToxic {
    static let type = "inverting"
    static let attributes: [Attribute] = []
    static let summary = "Inverts."

    init(_ values: AttributeValues) throws(AttributeProblem) {}
    init() {}
    var values: AttributeValues { [:] }
    func handlers(_ link: TransportLink) throws -> TransportHandlers {
        .init(client: [Handler()], server: { [] })
    }

    final class Handler: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private func inverted(_ bytes: ByteBuffer) -> ByteBuffer {
            ByteBuffer(bytes: bytes.readableBytesView.map { ~$0 })
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.fireChannelRead(wrapInboundOut(inverted(unwrapInboundIn(data))))
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            context.write(wrapOutboundOut(inverted(unwrapOutboundIn(data))), promise: promise)
        }
    }
}

@Suite struct FilterTests {
    private let server: TestServer
    private let log = EventLog()
    private let engine: SocketEngine

    init() throws {
        server = try TestServer()
        engine = SocketEngine(group: testGroup, seed: 1, events: log)
    }

    private func open(_ toxics: [ActiveToxic]) async throws -> (
        any RunningProxy, client: Socket, server: Socket
    ) {
        let server = server
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
        return try await blocking { (proxy, try Socket(connecting: proxy.address), try server.accept()) }
    }

    private var answering: ActiveToxic {
        ActiveToxic(name: "answering", toxic: Answering(), stream: .upstream, toxicity: 1)
    }

    @Test func answersWhatTheServerNeverSees() async throws {
        let (proxy, client, server) = try await open([answering])
        try await blocking {
            try client.send(Array("hello".utf8))
            #expect(try server.receive(exactly: 5) == Array("hello".utf8))
            let began = NIODeadline.now()
            try client.send(Array("!you".utf8))
            #expect(try client.receive(exactly: 6) == Array("no!you".utf8))
            #expect(NIODeadline.now() - began >= .milliseconds(20))
            try server.send(Array("bye".utf8))
            #expect(try client.receive(exactly: 3) == Array("bye".utf8))
            try client.send(Array("!!".utf8))
            #expect(try client.receiveAll() == Array("no!!".utf8))
            #expect(try server.receiveAll() == [])
        }
        #expect(await eventually { log.closed.map(\.effects) == [["answering": 2]] })
        #expect(log.closed.map(\.cause) == [.toxic])
        await proxy.stop(draining: .zero)
    }

    @Test func comesAndGoesWhileAConnectionLives() async throws {
        let (proxy, client, server) = try await open([])
        await proxy.add(answering)
        try await blocking {
            try client.send(Array("!".utf8))
            #expect(try client.receive(exactly: 3) == Array("no!".utf8))
        }
        await proxy.remove("answering")
        try await blocking {
            try client.send(Array("!".utf8))
            client.finish()
            #expect(try server.receiveAll() == Array("!".utf8))
            server.finish()
            #expect(try client.receiveAll() == [])
        }
        // What it did is told of it, though it is gone.
        #expect(await eventually { log.closed.map(\.effects) == [["answering": 1]] })
        await proxy.stop(draining: .zero)
    }

    @Test func handlersStandInFrontOfTheLink() async throws {
        let (proxy, client, server) = try await open([
            ActiveToxic(name: "inverting", toxic: Inverting(), stream: .upstream, toxicity: 1),
            try toxic(LimitData.self, ["bytes": .integer(2)]),
        ])
        try await blocking {
            try client.send([0, 1])
            #expect(try server.receive(exactly: 2) == [255, 254])
            try server.send([1, 2, 3])
            #expect(try client.receiveAll() == [254, 253])
        }
        await proxy.stop(draining: .zero)
    }
}
