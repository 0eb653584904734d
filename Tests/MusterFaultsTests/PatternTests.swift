import MusterCore
import Testing

@testable import MusterFaults

@Suite struct PatternTests {
    @Test func everyByteChangesAndTheSameSeedDoesTheSame() {
        let pattern = CorruptionPattern(ranges: [0..<256], seed: 3)
        let before = [UInt8](repeating: 0, count: 256)
        let during = pattern.corrupted(before, from: 0)
        #expect(zip(before, during).allSatisfy { $0 != $1 })
        #expect(during == CorruptionPattern(ranges: [], seed: 3).corrupted(before, from: 0))
        #expect(during != CorruptionPattern(ranges: [], seed: 4).corrupted(before, from: 0))
        #expect(pattern.corrupted(during, from: 0) == before)
    }

    @Test func aHalfWrittenRangeIsRecognisedAndAnythingElseIsNot() {
        let pattern = CorruptionPattern(ranges: [10..<20], seed: 1)
        let before: [UInt8] = Array(1...10)
        let during = pattern.corrupted(before, from: 10)
        #expect(pattern.explains(Array(during.prefix(4) + before.dropFirst(4)), before: before, from: 10))
        var other = during
        other[3] ^= pattern.mask(at: 13) ^ 0xFF
        #expect(other[3] == before[3] || !pattern.explains(other, before: before, from: 10))
        #expect(!pattern.explains(Array(during.dropLast()), before: before, from: 10))
    }

    @Test(arguments: [(1, 1, 1), (64, 4, 100), (100, 7, 100), (16, 1024, 5), (3, 8, 4096)])
    func drawnRangesLieWithinTheFileAndDoNotOverlap(count: Int, pieces: Int, size: Int) {
        let ranges = CorruptionPattern.draw(
            count: Int64(count), pieces: pieces, size: Int64(size), seed: 9)
        #expect(!ranges.isEmpty)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        #expect(ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= Int64(size) && !$0.isEmpty })
        #expect(ranges.reduce(0) { $0 + $1.count } <= min(count, size))
    }

    @Test func coresAreReadAsTheKernelWritesThem() {
        #expect(CPUBurn.cores(in: "0-2,5\n") == [0, 1, 2, 5])
        #expect(CPUBurn.cores(in: "0\n") == [0])
        #expect(CPUBurn.cores(in: "") == [])
    }

    @Test(arguments: ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]) func peersThatAreAddresses(text: String) {
        #expect(PeerAddress.isValid(text))
    }

    @Test(arguments: ["", "10.0.0", "10.0.0.256", "10.0.0.1/33", "host", "10.0.0.1; flush", "::g", "/8"])
    func peersThatAreNot(text: String) { #expect(!PeerAddress.isValid(text)) }

    @Test func onePartitionIsOneTableThatExpires() {
        let table = PartitionTable(
            name: "muster_t", match: "", peers: ["10.0.0.2"], ports: [80], direction: .inbound,
            expires: .seconds(60))
        #expect(
            table.text == """
                add table inet muster_t {
                 set peers4 { type ipv4_addr; flags interval, timeout; elements = { 10.0.0.2 timeout 60s } }
                 chain input {
                  type filter hook input priority -5; policy accept;
                  ip saddr @peers4 meta l4proto { tcp, udp } th sport { 80 } counter drop
                  ip saddr @peers4 meta l4proto { tcp, udp } th dport { 80 } counter drop
                 }
                }
                """)
    }
}
