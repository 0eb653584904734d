/// Universally unique, lexicographically sortable identifiers (github.com/ulid/spec): 48 bits of
/// milliseconds and 80 random bits in 26 letters of Crockford's base 32.
public enum ULID {
    private static let letters = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// - Parameters:
    ///   - utcMilliseconds: since 1970 UTC; what does not fit into 48 bits is clamped.
    ///   - random: gives the 80 random bits; `SystemRandomNumberGenerator` outside tests.
    public static func make(utcMilliseconds: Int64, random: inout some RandomNumberGenerator) -> String {
        var time = UInt64(min(max(utcMilliseconds, 0), 1 << 48 - 1))
        var text = [UInt8](repeating: 0, count: 26)
        for index in stride(from: 9, through: 0, by: -1) {
            text[index] = letters[Int(time & 31)]
            time >>= 5
        }
        for half in 0..<2 {
            var bits: UInt64 = random.next()
            for index in 0..<8 {
                text[10 + half * 8 + index] = letters[Int(bits & 31)]
                bits >>= 5
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether `text` has the form of one: 26 letters of the alphabet, and a time of at most 48 bits.
    public static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 26 && bytes[0] <= 55 && bytes.allSatisfy(letters.contains)
    }
}
