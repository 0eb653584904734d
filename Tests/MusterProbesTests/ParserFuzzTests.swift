import FoundationEssentials
import MusterCore
import MusterDrills
import Testing

@testable import MusterProbes

/// What servers send, cut, doubled and bent at random: parsers must neither trap nor loop nor believe it. The
/// seeds are fixed, so a failure comes again.
@Suite struct ParserFuzzTests {
    /// Some bytes of `original` changed, removed or repeated.
    static func mutated(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, place + Int.random(in: 1...8, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }

    static let documents = [
        #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]}]}}"#,
        #"[0,-1,12.5e-3,1E+2,true,false,null,"a\"\\\/\b\f\n\r\té😀",{},[]," ü "]"#,
        #" { "a" : [ 9223372036854775807 , 9223372036854775808 , -0 ] , "b" : { "" : "x" } } "#,
    ]

    @Test func jsonIsReadAsFoundationReadsIt() throws {
        var generator = SplitMix64(seed: 11)
        var accepted = 0
        for round in 0..<6000 {
            let bytes = Self.mutated(Array(Self.documents[round % 3].utf8), &generator)
            let own = try? JSONText.value(bytes)
            // Foundation takes other encodings, which RFC 8259 does not, and finds them by their zero bytes.
            guard !bytes.contains(0), bytes.first != 0xEF else { continue }
            // And a comma before the end of a list, which no other reader does.
            let packed = String(decoding: bytes.filter { $0 != 0x20 }, as: UTF8.self)
            if packed.contains(",]") || packed.contains(",}") {
                if own == nil { continue }
            }
            let other = try? JSONDecoder().decode(Value.self, from: Data(bytes))
            if own != nil { accepted += 1 }
            #expect(own == other, "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(accepted > 1000)
    }

    @Test func nestingIsBounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            func nested(_ depth: Int) -> [UInt8] {
                Array(
                    (String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth))
                        .utf8)
            }
            #expect((try? JSONText.value(nested(60))) != nil)
            #expect(throws: JSONText.Malformed.self) { try JSONText.value(nested(66)) }
            #expect(throws: JSONText.Malformed.self) { try JSONText.value(nested(100_000)) }
        }
    }

    /// The document and the pointers of RFC 6901, section 5.
    @Test func pointersLeadWhereTheStandardSays() throws {
        let text =
            #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#
        let document = try JSONText.value(Array(text.utf8))
        let expected: [(String, Value?)] = [
            ("", document), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1),
            ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
            ("/foo/2", nil), ("/foo/00", nil), ("/foo/-", nil), ("/foo/+1", nil), ("/none", nil),
            ("/foo/0/x", nil),
        ]
        for (pointer, value) in expected {
            #expect(try #require(JSONPointer(pointer)).find(in: document) == value, "\(pointer)")
        }
        #expect(JSONPointer("foo") == nil && JSONPointer("/a~2") == nil && JSONPointer("/a~") == nil)
        var generator = SplitMix64(seed: 3)
        for _ in 0..<3000 {
            let bytes = Self.mutated(Array("/foo/0/a~1b/~0".utf8), &generator)
            _ = JSONPointer(String(decoding: bytes, as: UTF8.self))?.find(in: document)
        }
    }

    @Test(arguments: [
        ("5", "5", true), ("5", "5.0", true), ("5.0", "5", true), ("5", "6", false), ("\"5\"", "5", true),
        ("true", "true", true), ("true", "1", false), ("null", "null", true),
        ("[1,{\"a\":2.0}]", "[1, {\"a\": 2}]", true),
        ("[1]", "1", false), ("\"up\"", "up", true), ("\"up\"", "\"up\"", false),
    ])
    func valuesReadAsAPersonWritesThem(_ json: String, _ text: String, _ isSame: Bool) throws {
        #expect(try JSONText.value(Array(json.utf8)).reads(as: text) == isSame)
    }

    static let replies =
        "+OK\r\n-ERR no\r\n:-12\r\n$5\r\nab\r\nc\r\n$-1\r\n*2\r\n*1\r\n$1\r\nx\r\n:7\r\n*0\r\n*-1\r\n"

    /// All replies in `bytes`, which come in pieces of random length.
    private func replies(_ bytes: [UInt8], limit: Int, _ generator: inout SplitMix64) throws -> [RedisReply] {
        var parser = RedisParser(limit: limit)
        var found: [RedisReply] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(12, rest.count), using: &generator)
            parser.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
            while let reply = try parser.next() { found.append(reply) }
        }
        return found
    }

    @Test func redisRepliesAreTheSameHoweverTheyAreCut() throws {
        var generator = SplitMix64(seed: 21)
        let expected: [RedisReply] = [
            .simple("OK"), .error("ERR no"), .integer(-12), .bulk("ab\r\nc"), .bulk(nil),
            .array([.array([.bulk("x")]), .integer(7)]), .array([]), .bulk(nil),
        ]
        for _ in 0..<500 {
            #expect(try replies(Array(Self.replies.utf8), limit: 4096, &generator) == expected)
        }
        for _ in 0..<6000 {
            let bytes = Self.mutated(Array(Self.replies.utf8), &generator)
            _ = try? replies(bytes, limit: 4096, &generator)
        }
    }

    @Test func redisLengthsAreBoundedBeforeTheyAreWaitedFor() {
        func failure(_ text: String) -> RedisParser.Failure? {
            var parser = RedisParser(limit: 65_536)
            parser.append(Array(text.utf8))
            do throws(RedisParser.Failure) {
                while try parser.next() != nil {}
                return nil
            } catch {
                return error
            }
        }
        #expect(failure("$1073741824\r\n") == .tooLong && failure("*1073741824\r\n") == .tooLong)
        #expect(failure("$9223372036854775807\r\n") == .tooLong)
        #expect(
            failure(
                "*3\r\n"
                    + String(repeating: "$30000\r\n\(String(repeating: "x", count: 30_000))\r\n", count: 3))
                == .tooLong)
        #expect(failure("*60000\r\n" + String(repeating: ":1\r\n", count: 60_000)) == .tooLong)
        #expect(failure(String(repeating: "*1\r\n", count: 1000)) == .malformed)
        #expect(failure("+" + String(repeating: "x", count: 70_000)) == .malformed)
        #expect(failure("$2\r\nabc\r\n") == .malformed && failure("$99999999999999999999\r\n") == .malformed)
        // The limit is for one reply, not for a connection.
        #expect(
            failure(String(repeating: "$30000\r\n\(String(repeating: "x", count: 30_000))\r\n", count: 10))
                == nil)
    }

    @Test func programLinesAreTheSameHoweverTheyAreCut() {
        let text = "{\"id\":1}\n\nnonsense\n{\"id\":2,\"a\":[1]}\r\n"
        let expected: [Value?] = [["id": 1], nil, nil, ["id": 2, "a": [1]]]
        var generator = SplitMix64(seed: 31)
        for _ in 0..<500 {
            var lines = JSONLines()
            var found: [Value?] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(9, rest.count), using: &generator)
                found += lines.add(Array(rest.prefix(count))) ?? []
                rest = rest.dropFirst(count)
            }
            #expect(found == expected)
        }
        var lines = JSONLines()
        let pieces = (0..<17).map { _ in lines.add([UInt8](repeating: 0x20, count: 65_536)) }
        #expect(pieces.prefix(16).allSatisfy { $0 != nil } && pieces[16] == nil)
        #expect(lines.add([UInt8](repeating: 0x0A, count: 3)) == nil)
        var empty = JSONLines()
        #expect(empty.add([UInt8](repeating: 0x0A, count: 200_000))?.count == 200_000)
    }

    // MARK: DNS

    static let name = DNSName(labels: ["Db", "Example", "org"].map { Array($0.utf8) })

    /// An answer with an alias and two addresses, names compressed as servers do.
    static func answer(_ id: UInt16, flags: [UInt8] = [0x81, 0x80], answers: UInt8 = 3) -> [UInt8] {
        var bytes = [UInt8(id >> 8), UInt8(id & 0xFF)] + flags + [0, 1, 0, answers, 0, 0, 0, 0]
        bytes +=
            [2] + Array("db".utf8) + [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0, 0, 1, 0, 1]
        bytes += [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 5, 2] + Array("n1".utf8) + [0xC0, 15]
        for last in [7, 8] as [UInt8] { bytes += [0xC0, 44, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, last] }
        return bytes
    }

    @Test func namesAreReadAndAnswersFollowed() throws {
        let query = DNSQuery(id: 513, name: Self.name, type: .a)
        #expect(
            query.bytes == [2, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2] + Array("db".utf8) + [7]
                + Array("example".utf8) + [3] + Array("org".utf8) + [0, 0, 1, 0, 1])
        #expect(
            try query.answer(in: Self.answer(513))
                == .addresses([[10, 0, 0, 7], [10, 0, 0, 8]], isTruncated: false))
        #expect(try query.answer(in: Self.answer(513, flags: [0x81, 0x83])) == .refused(3))
        #expect(throws: DNSQuery.Failure.notOurs) { try query.answer(in: Self.answer(514)) }
        #expect(throws: DNSQuery.Failure.notOurs) { try query.answer(in: query.bytes) }
        let other = DNSQuery(id: 513, name: Self.name, type: .aaaa)
        #expect(throws: DNSQuery.Failure.notOurs) { try other.answer(in: Self.answer(513)) }
        // More records announced than there are.
        #expect(throws: DNSQuery.Failure.malformed) { try query.answer(in: Self.answer(513, answers: 200)) }
        #expect(DNSName("a..b") == nil && DNSName("") == nil && DNSName("ä.org") == nil)
        #expect(DNSName(String(repeating: "a", count: 64)) == nil && DNSName("db.example.org.") == Self.name)
    }

    @Test func compressionThatGoesRoundInACircleEnds() throws {
        let query = DNSQuery(id: 1, name: Self.name, type: .a)
        // An owner that points at itself, one that points forward, and two that point at each other.
        for owner in [[0xC0, 32], [0xC0, 40], [1, 0x61, 0xC0, 32]] as [[UInt8]] {
            let head = Self.answer(1).prefix(32)
            let message = Array(head) + owner + [0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0]
            #expect(throws: DNSQuery.Failure.malformed) { try query.answer(in: message) }
        }
        // An alias of itself.
        var message = Array(Self.answer(1, answers: 1).prefix(32))
        message += [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12]
        #expect(try query.answer(in: message) == .addresses([], isTruncated: false))
    }

    @Test func bentDNSAnswersAreNeverBelievedAndNeverTrap() {
        var generator = SplitMix64(seed: 41)
        let query = DNSQuery(id: 513, name: Self.name, type: .a)
        var read = 0
        for _ in 0..<20_000 {
            let bytes = Self.mutated(Self.answer(513), &generator)
            if case .addresses(let found, _)? = try? query.answer(in: bytes) {
                read += 1
                #expect(found.allSatisfy { $0.count == 4 } && found.count <= 3)
            }
        }
        #expect(read > 1000)
        for length in 0..<300 {
            let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(throws: (any Error).self) { try query.answer(in: noise) }
        }
    }
}
