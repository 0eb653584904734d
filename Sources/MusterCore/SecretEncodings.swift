/// How a secret looks when a program has encoded it.
enum SecretEncodings {
    private static let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Percent encoding (RFC 3986, section 2.1), and with the escapes of JSON.
    static func escaped(_ secret: String) -> [String] {
        [percent(Array(secret.utf8)), String(Value.text(secret).canonicalJSON.dropFirst().dropLast())]
    }

    /// Of one with several lines, such as a key in PEM (RFC 7468): each line, because programs print, indent and log them
    /// one by one, and all of them in one line, as an `echo` without quotes prints them.
    static func lines(_ secret: String) -> [String] {
        let lines = secret.utf8.split { $0 == 0x0A || $0 == 0x0D }
        guard lines.count > 1 else { return [] }
        let trimmed = lines.map { line -> String in
            let rest = line.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }
            return String(decoding: rest.reversed(), as: UTF8.self)
        }
        // A shorter one, such as a brace, would hide more than it keeps secret.
        return [trimmed.joined(separator: " ")] + trimmed.filter { $0.utf8.count >= 6 }
    }

    /// Base64 (RFC 4648, sections 4 and 5), also as a part of something longer, as in `user:secret`.
    static func base64(_ secret: String) -> [[UInt8]] {
        let bytes = Array(secret.utf8)
        return [plain, urlSafe].flatMap { alphabet in
            (0..<3).map { base64(bytes, after: $0, alphabet) }
        }
    }

    /// The letters that depend on nothing but the secret, when `offset` other bytes (modulo 3) stand before it.
    private static func base64(_ bytes: [UInt8], after offset: Int, _ alphabet: [UInt8]) -> [UInt8] {
        let padded = [UInt8](repeating: 0, count: offset) + bytes
        let first = (offset * 8 + 5) / 6
        let end = padded.count * 8 / 6
        return (first..<end).map { letter -> UInt8 in
            let bit = letter * 6
            let high = UInt16(padded[bit / 8]) << 8
            let low = bit / 8 + 1 < padded.count ? UInt16(padded[bit / 8 + 1]) : 0
            return alphabet[Int((high | low) >> UInt16(10 - bit % 8)) & 63]
        }
    }

    private static func percent(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let text = bytes.flatMap { byte -> [UInt8] in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            return isPlain ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
