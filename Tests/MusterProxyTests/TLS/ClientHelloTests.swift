import NIOCore
import Testing

@testable import MusterProxy

/// The bytes of a ClientHello, written after RFC 8446, 4.1.2, with nothing that a server could agree to.
func clientHello(
    name: String? = nil, protocols: [[UInt8]] = [], padding: Int = 0, recordsOf size: Int = 16_384
) -> [UInt8] {
    func vector(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
    }
    var extensions: [UInt8] = [0, 43] + vector(2, vector(1, [3, 4]))
    if let name { extensions += [0, 0] + vector(2, vector(2, [0] + vector(2, Array(name.utf8)))) }
    if !protocols.isEmpty {
        extensions += [0, 16] + vector(2, vector(2, protocols.flatMap { vector(1, $0) }))
    }
    if padding > 0 { extensions += [0, 21] + vector(2, [UInt8](repeating: 0, count: padding)) }
    let body =
        [3, 3] + [UInt8](repeating: 7, count: 32) + vector(1, [UInt8](repeating: 9, count: 32))
        + vector(2, [0x13, 1]) + vector(1, [0]) + vector(2, extensions)
    let message = [1] + vector(3, body)
    return stride(from: 0, to: message.count, by: size).flatMap { start in
        [22, 3, 1] + vector(2, Array(message[start..<min(start + size, message.count)]))
    }
}

@Suite struct ClientHelloTests {
    private func read(_ bytes: some Sequence<UInt8>) -> ClientHello.Reading {
        ClientHello.read(ByteBuffer(bytes: bytes))
    }

    private let protocols = [[0x0a, 0x0a], Array("h2".utf8), Array("http/1.1".utf8), [0xfa, 0xfa]]

    @Test(arguments: [16_384, 100, 7, 3, 1])
    func readsItHoweverItIsCutIntoRecords(_ size: Int) {
        let bytes = clientHello(name: "Orders.Example", protocols: protocols, recordsOf: size)
        var expected = ClientHello()
        expected.serverName = "orders.example"
        expected.protocols = ["h2", "http/1.1"]
        #expect(read(bytes) == .whole(expected))
        #expect(read(bytes + [22, 3, 3, 0, 1, 2]) == .whole(expected))
        for end in 0..<bytes.count { #expect(read(bytes[..<end]) == .incomplete, "\(end) bytes") }
    }

    @Test func takesNoNameThatIsNone() {
        for name in [nil, "", "a b", "127.0.0.1", "x..y", String(repeating: "a", count: 64)] {
            #expect(read(clientHello(name: name)) == .whole(ClientHello()))
        }
    }

    @Test func seesWhatIsNoTLS() {
        #expect(read("GET / HTTP/1.1\r\n".utf8) == .none("it begins with 47 45 54 20"))
        #expect(read([22, 2]) == .none("it begins with 16 02"))
        #expect(read([22, 3, 1, 0, 0]) == .none("a TLS record of 0 bytes"))
        #expect(read([22, 3, 1, 255, 255]) == .none("a TLS record of 65535 bytes"))
        #expect(read([22, 3, 1, 0, 9, 2]) == .none("a TLS message of type 2"))
        #expect(read([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3]) == .none("a malformed ClientHello"))
        let large = clientHello(padding: 40_000)
        #expect(read(large.prefix(ClientHello.most - 1)) == .incomplete)
        #expect(read(large.prefix(ClientHello.most)) == .none("a ClientHello of more than 32768 bytes"))
    }

    /// Bytes of a good one are changed at random: whatever comes out, nothing traps, and a prefix of what is whole is
    /// never something else before its message is complete.
    @Test func standsWhateverComes() {
        var random = LinkRandom(seed: 11)
        let good = clientHello(name: "orders.example", protocols: protocols, recordsOf: 50)
        var kinds: Set<String> = []
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int(random.share() * Double(bytes.count))] = UInt8(random.share() * 255)
            }
            bytes.removeLast(Int(random.share() * Double(bytes.count)))
            switch read(bytes) {
            case .incomplete: kinds.insert("incomplete")
            case .none(let why): kinds.insert(why.hasPrefix("it begins") ? "none" : why)
            case .whole(let hello):
                kinds.insert("whole")
                #expect(hello.protocols.count <= 16)
            }
        }
        #expect(kinds.isSuperset(of: ["incomplete", "none", "whole", "a malformed ClientHello"]))
    }
}
