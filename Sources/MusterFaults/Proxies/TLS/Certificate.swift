import MusterCore

/// What a certificate says, as far as a client looks at it (RFC 5280, section 4.1). Its signature is not checked: that
/// takes cryptography, and says nothing about whether the one that was asked for is shown.
struct Certificate: Equatable {
    /// The names as they are encoded.
    var issuer: [UInt8]
    var subject: [UInt8]
    /// In seconds since 1970.
    var from: Int64
    var until: Int64
    /// The names of hosts that it is for (RFC 5280, section 4.2.1.6).
    var hosts: [String] = []
    /// The addresses that it is for: of 4 or 16 bytes.
    var addresses: [[UInt8]] = []
    /// By which keys are told apart (RFC 5280, sections 4.2.1.1 and 4.2.1.2).
    var ownKey: [UInt8]?
    var issuerKey: [UInt8]?

    /// - Returns: nil when it is malformed.
    init?(der: [UInt8]) {
        var whole = DER(der[...])
        guard let certificate = whole.next(DER.sequence) else { return nil }
        var parts = DER(certificate)
        guard let signed = parts.next(DER.sequence) else { return nil }
        var fields = DER(signed)
        _ = fields.next(0xA0)
        // The serial number and the algorithm.
        guard fields.next(0x02) != nil, fields.next(DER.sequence) != nil,
            let issuer = fields.next(DER.sequence), let validity = fields.next(DER.sequence),
            let subject = fields.next(DER.sequence), fields.next(DER.sequence) != nil
        else { return nil }
        var times = DER(validity)
        guard let from = times.time(), let until = times.time() else { return nil }
        self.issuer = Array(issuer)
        self.subject = Array(subject)
        self.from = from
        self.until = until
        _ = (fields.next(0x81), fields.next(0x82))
        guard let rest = fields.next(0xA3) else { return }
        var extensions = DER(rest)
        guard let all = extensions.next(DER.sequence) else { return nil }
        var list = DER(all)
        while let one = list.next(DER.sequence) {
            var parts = DER(one)
            guard let kind = parts.next(0x06) else { return nil }
            _ = parts.next(0x01)
            guard let content = parts.next(0x04) else { return nil }
            take(Array(kind), DER(content))
        }
    }

    private mutating func take(_ kind: [UInt8], _ content: DER) {
        var content = content
        switch kind {
        case [0x55, 0x1D, 0x0E]: ownKey = content.next(0x04).map { Array($0) }
        case [0x55, 0x1D, 0x23]:
            guard let all = content.next(DER.sequence) else { return }
            var parts = DER(all)
            issuerKey = parts.next(0x80).map { Array($0) }
        case [0x55, 0x1D, 0x11]:
            guard let all = content.next(DER.sequence) else { return }
            var names = DER(all)
            while let (tag, name) = names.next() {
                if tag == 0x82 { hosts.append(String(decoding: name, as: UTF8.self).lowercased()) }
                if tag == 0x87 { addresses.append(Array(name)) }
            }
        default: break
        }
    }

    /// Whether a client that means `name` takes it (RFC 6125, section 6.4). An IPv6 address may be any that it has.
    func isFor(_ name: String) -> Bool {
        if name.contains(":") { return addresses.contains { $0.count == 16 } }
        let octets = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        if octets.count == 4, !octets.contains(nil) { return addresses.contains(octets.compactMap { $0 }) }
        let name = name.lowercased()
        return hosts.contains { host in
            host == name
                || host.hasPrefix("*.") && name.drop { $0 != "." } == host.dropFirst() && !name.hasPrefix(".")
        }
    }

    /// Whether it says that the key of that authority signed it.
    func isIssued(by authority: Certificate) -> Bool {
        guard issuer == authority.subject else { return false }
        guard let issuerKey, let key = authority.ownKey else { return true }
        return issuerKey == key
    }

    /// - Parameter pem: as RFC 7468 has it; the first one counts.
    init?(pem: String) {
        let lines = pem.split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(of: "-----BEGIN CERTIFICATE-----"),
            let end = lines[begin...].firstIndex(of: "-----END CERTIFICATE-----"),
            let der = Self.base64(lines[(begin + 1)..<end].joined())
        else { return nil }
        self.init(der: der)
    }

    /// RFC 4648, section 4.
    private static func base64(_ text: String) -> [UInt8]? {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let values = Dictionary(uniqueKeysWithValues: zip(alphabet.utf8, UInt32(0)...))
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            guard let value = values[byte] else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}

/// Reads what ASN.1 encodes as tag, length and content, one after the other (ITU-T X.690).
private struct DER {
    static let sequence: UInt8 = 0x30
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// - Returns: nil at the end, and when it is malformed.
    mutating func next() -> (tag: UInt8, content: ArraySlice<UInt8>)? {
        guard rest.count >= 2 else { return nil }
        let tag = rest[rest.startIndex]
        var length = Int(rest[rest.startIndex + 1])
        var head = 2
        if length >= 0x80 {
            let width = length - 0x80
            guard (1...3).contains(width), rest.count >= 2 + width else { return nil }
            length = rest.dropFirst(2).prefix(width).reduce(0) { $0 << 8 | Int($1) }
            head += width
        }
        let content = rest.dropFirst(head).prefix(length)
        guard content.count == length else { return nil }
        rest = rest.dropFirst(head + length)
        return (tag, content)
    }

    /// - Returns: nil, and nothing is read, when what comes next is something else.
    mutating func next(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard rest.first == tag else { return nil }
        return next()?.content
    }

    /// `YYMMDDHHMMSSZ`, or with four digits of the year (RFC 5280, section 4.1.2.5).
    /// - Returns: seconds since 1970.
    mutating func time() -> Int64? {
        guard let (tag, content) = next(), tag == 0x17 || tag == 0x18, content.last == UInt8(ascii: "Z"),
            content.dropLast().allSatisfy({ (48...57).contains($0) }),
            content.count == (tag == 0x17 ? 13 : 15)
        else { return nil }
        let digits = content.dropLast().map { Int64($0) - 48 }
        let pairs = stride(from: 0, to: digits.count, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
        let year = tag == 0x18 ? pairs[0] * 100 + pairs[1] : pairs[0] + (pairs[0] < 50 ? 2000 : 1900)
        let rest = pairs.suffix(5)
        let (month, day) = (rest[rest.startIndex], rest[rest.startIndex + 1])
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        return rest.suffix(3).reduce(0) { $0 * 60 + $1 } + days * 86_400
    }
}
