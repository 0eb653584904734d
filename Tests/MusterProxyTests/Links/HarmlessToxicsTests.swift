import Glibc
import NIOCore
import Synchronization
import Testing

@testable import MusterProxy

/// One direction of a connection as both peers see it: bytes that follow from a seed, in parts of random sizes.
private struct Flow {
    let writer: Int32
    let reader: Int32
    let length: Int
    let bytes: [UInt8]
    var sent = 0
    var received = 0
    var isFinished = false
    var isEnded = false

    init(writer: Int32, reader: Int32, random: inout LinkRandom) {
        self.writer = writer
        self.reader = reader
        length =
            [0, 1, 1000, 70_000, 900_000].randomElement(using: &random).map {
                Int.random(in: 0...$0, using: &random)
            } ?? 0
        var content = random.derived("content")
        bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: content.next()) }
    }

    /// Writes a part, or ends the stream.
    mutating func write(_ random: inout LinkRandom) throws {
        if sent == length {
            if !isFinished { shutdown(writer, CInt(SHUT_WR)) }
            isFinished = true
            return
        }
        let part = min(length - sent, Int.random(in: 1...40_000, using: &random))
        let count = bytes[sent..<sent + part].withUnsafeBytes {
            send(writer, $0.baseAddress, part, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
        }
        if count < 0, errno != EAGAIN { throw Socket.Problem() }
        sent += max(0, count)
    }

    /// Reads a part, which must be what was sent at that place.
    mutating func read(_ random: inout LinkRandom) throws {
        let limit = Int.random(in: 1...60_000, using: &random)
        var part = [UInt8](repeating: 0, count: limit)
        let count = recv(reader, &part, limit, CInt(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN { return }
        guard count >= 0 else { throw Socket.Problem() }
        if count == 0 {
            isEnded = true
            guard received == length else { throw Harm(what: "ended after \(received) of \(length)") }
            return
        }
        guard received + count <= length, part.prefix(count) == bytes[received..<received + count] else {
            throw Harm(what: "other bytes at \(received)")
        }
        received += count
    }
}

private struct Harm: Error {
    var what: String
}

/// Random toxics that must not harm bytes, on random streams with random half-closes, changed in flight: every byte
/// arrives once, in order, in both directions. `MUSTER_LINK_SEED=…` repeats what failed, `MUSTER_LINK_ROUNDS=…` runs
/// more.
@Suite struct HarmlessToxicsTests {
    @Test func everyByteArrivesOnceAndInOrder() async throws {
        let environment = { (name: String) in getenv(name).flatMap { UInt64(String(cString: $0)) } }
        let first = environment("MUSTER_LINK_SEED") ?? UInt64.random(in: 0...1_000_000_000)
        let rounds = environment("MUSTER_LINK_ROUNDS") ?? 30
        for seed in first..<first + rounds {
            do {
                try await round(seed)
            } catch {
                Issue.record("MUSTER_LINK_SEED=\(seed) MUSTER_LINK_ROUNDS=1: \(error)")
                return
            }
        }
    }

    private func round(_ seed: UInt64) async throws {
        var random = LinkRandom(seed: seed)
        let server = try TestServer()
        let engine = SocketEngine(group: testGroup, seed: seed)
        var names: [String: any Toxic.Type] = [:]
        var toxics: [ActiveToxic] = []
        for index in 0..<Int.random(in: 0...3, using: &random) {
            let toxic = try harmless("t\(index)", &random)
            toxics.append(toxic)
            names[toxic.name] = Swift.type(of: toxic.toxic)
        }
        let proxy = try await engine.start(
            "p", listen: "127.0.0.1:0", upstream: server.address, toxics: toxics)
        let isDone = Mutex(false)
        let traffic = random.derived("traffic")
        async let flowing: Void = blocking {
            defer { isDone.withLock { $0 = true } }
            let pairs = try (0..<3).map { _ in (try Socket(connecting: proxy.address), try server.accept()) }
            var random = traffic
            try Self.exchange(pairs, &random)
        }
        for change in 0..<40 where !isDone.withLock({ $0 }) {
            try await self.change(proxy, &names, "c\(change)", &random)
            try await Task.sleep(for: .milliseconds(Int64.random(in: 0...6, using: &random)))
        }
        // What stalls is lifted; everything else lets the bytes through.
        for name in names.keys { await proxy.remove(name) }
        try await flowing
        await proxy.stop(draining: .zero)
        for direction in proxy.traffic where direction.received != direction.sent {
            throw Harm(what: "\(direction)")
        }
    }

    private func change(
        _ proxy: any RunningProxy, _ names: inout [String: any Toxic.Type], _ name: String,
        _ random: inout LinkRandom
    ) async throws {
        let known = names.keys.sorted().randomElement(using: &random)
        switch (Int.random(in: 0..<3, using: &random), known) {
        case (0, let known?):
            await proxy.remove(known)
            names[known] = nil
        case (1, let known?):
            guard let type = names[known] else { return }
            await proxy.update(try harmless(known, &random, type))
        default:
            let toxic = try harmless(name, &random)
            await proxy.add(toxic)
            names[name] = type(of: toxic.toxic)
        }
    }

    private func harmless(_ name: String, _ random: inout LinkRandom, _ type: (any Toxic.Type)? = nil) throws
        -> ActiveToxic
    {
        func some(_ range: ClosedRange<Int64>) -> AttributeValue {
            .integer(Int64.random(in: range, using: &random))
        }
        let types: [any Toxic.Type] = [
            Latency.self, Bandwidth.self, SlowClose.self, Slicer.self, Stall.self, Noop.self, LimitData.self,
            Corrupt.self, Drop.self, Duplicate.self,
        ]
        let type = type ?? types[Int.random(in: 0..<types.count, using: &random)]
        let values: AttributeValues =
            switch type.type {
            case "latency": ["latency": some(0...8), "jitter": some(0...8)]
            case "bandwidth": ["rate": some(3000...50_000)]
            case "slow_close": ["delay": some(0...8)]
            case "slicer":
                ["average_size": some(200...9000), "size_variation": some(0...199), "delay": some(0...50)]
            case "limit_data": ["bytes": some(1_000_000...2_000_000)]
            case "corrupt": ["rate": .number(0)]
            case "drop", "duplicate":
                [
                    "rate": .number(0),
                    "framing": .text(
                        ["line", "length8", "length16"].randomElement(using: &random) ?? "line"),
                ]
            default: [:]
            }
        // The same direction for ever: an update does not change it.
        let stream: MusterProxy.Stream =
            name.utf8.reduce(0, { $0 + Int($1) }).isMultiple(of: 2) ? .upstream : .downstream
        return try toxic(
            type, values, name: name, stream: stream,
            toxicity: [0, 0.5, 1, 1].randomElement(using: &random) ?? 1)
    }

    /// Until every flow of every connection has ended.
    private static func exchange(_ pairs: [(client: Socket, server: Socket)], _ random: inout LinkRandom)
        throws
    {
        var flows = pairs.flatMap {
            [
                Flow(writer: $0.client.descriptor, reader: $0.server.descriptor, random: &random),
                Flow(writer: $0.server.descriptor, reader: $0.client.descriptor, random: &random),
            ]
        }
        let deadline = NIODeadline.now() + .seconds(60)
        while !flows.allSatisfy({ $0.isEnded && $0.isFinished }) {
            guard NIODeadline.now() < deadline else {
                throw Harm(
                    what: "stuck: "
                        + flows.map { "\($0.sent)/\($0.received)/\($0.length)\($0.isEnded ? "" : " open")" }
                        .joined(separator: " "))
            }
            let index = Int.random(in: 0..<flows.count, using: &random)
            if Bool.random(using: &random) {
                if !flows[index].isFinished { try flows[index].write(&random) }
            } else if !flows[index].isEnded {
                try flows[index].read(&random)
            }
            if UInt8.random(in: 0...15, using: &random) == 0 { usleep(200) }
        }
    }
}
