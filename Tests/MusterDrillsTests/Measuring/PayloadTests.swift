import MusterCore
import MusterDrills
import Testing

/// Entries and checksums are made for every write, so they are made fast; they must be what they always were,
/// because a run's entries are compared with what they should be.
@Suite struct PayloadTests {
    /// Bit by bit, as the polynomial says.
    private func slowSum(_ bytes: [UInt8]) -> UInt32 {
        var sum = ~UInt32(0)
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }

    @Test func theChecksumIsThatOfZlib() {
        // The check value of CRC-32 (Williams, "A painless guide to CRC error detection algorithms").
        #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
        #expect(CRC32.of([]) == 0)
        var random = SplitMix64(seed: 4)
        for length in 0..<100 {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(CRC32.of(bytes) == slowSum(bytes), "\(length) bytes")
            #expect(CRC32.of(bytes.dropFirst(3)) == slowSum(Array(bytes.dropFirst(3))))
            #expect(CRC32.of(AnySequence(bytes)) == slowSum(bytes))
        }
    }

    /// The definition, in the plainest words.
    private func slowEntry(_ key: EntryKey, seed: UInt64, bytes: Int) -> String {
        var random = SplitMix64(
            seed: seed ^ UInt64(bitPattern: key.sequence) &* 0x9E37_79B9_7F4A_7C15
                ^ UInt64(UInt32(bitPattern: key.stream)) << 40)
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var body = Array("\(key.stream).\(key.sequence).".utf8)
        while body.count < bytes - 9 { body.append(letters[Int(random.next() >> 59)]) }
        let sum = String(slowSum(body), radix: 16)
        return String(decoding: body, as: UTF8.self) + "." + String(repeating: "0", count: 8 - sum.count)
            + sum
    }

    @Test func entriesAreWhatTheyAlwaysWere() {
        for stream: Int32 in [0, 7, 63, 999, .max, -3] {
            for sequence: Int64 in [1, 9, 10, 12_345, .max, -12] {
                for bytes in [0, 1, 32, 33, 64, 100, 1024] {
                    let key = EntryKey(stream: stream, sequence: sequence)
                    let made = EntryPayload.make(key, seed: 0x1234_5678_9ABC_DEF0, bytes: bytes)
                    #expect(made == slowEntry(key, seed: 0x1234_5678_9ABC_DEF0, bytes: bytes))
                    #expect(EntryPayload.isIntact(made, key, seed: 0x1234_5678_9ABC_DEF0, bytes: bytes))
                }
            }
        }
    }
}
