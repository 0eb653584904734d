internal import Glibc
internal import Synchronization

/// What `X-Toxiproxy-Request-Id` holds: 12 bytes (time, process, a counter that began somewhere) in the 20 letters
/// of the form that Toxiproxy uses (github.com/rs/xid).
struct RequestIDs: Sendable {
    private let middle: [UInt8]
    private let counter: Counter

    private final class Counter: Sendable {
        let next = Atomic<UInt32>(UInt32.random(in: 0...UInt32.max))
    }

    init() {
        let process = UInt16(truncatingIfNeeded: getpid())
        middle =
            (0..<3).map { _ in UInt8.random(in: 0...255) } + [UInt8(process >> 8), UInt8(process & 0xFF)]
        counter = Counter()
    }

    func next() -> String {
        let seconds = UInt32(truncatingIfNeeded: time(nil))
        let count = counter.next.wrappingAdd(1, ordering: .relaxed).newValue
        let bytes =
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: seconds >> $0) } + middle
            + [16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        return Self.encode(bytes)
    }

    /// Base 32 with the alphabet of "extended hex" (RFC 4648, 7), in lower case, without padding.
    static func encode(_ bytes: [UInt8]) -> String {
        let letters = Array("0123456789abcdefghijklmnopqrstuv".utf8)
        var result: [UInt8] = []
        var held: UInt32 = 0
        var bits = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                result.append(letters[Int(held >> bits & 31)])
            }
        }
        if bits > 0 { result.append(letters[Int(held << (5 - bits) & 31)]) }
        return String(decoding: result, as: UTF8.self)
    }
}
