/// The types of records that are asked for (RFC 1035, 3.2.2; RFC 3596).
public enum DNSType: UInt16, Sendable {
    case a = 1
    case aaaa = 28
}

/// A name as DNS compares it: labels in lower case.
struct DNSName: Hashable, Sendable {
    let labels: [[UInt8]]

    init(labels: [[UInt8]]) { self.labels = labels.map { $0.map(Self.lower) } }

    /// - Returns: nil when the text is not a name of at most 253 characters with labels of at most 63.
    init?(_ text: String) {
        let text = text.hasSuffix(".") ? text.dropLast() : text[...]
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253,
            parts.allSatisfy({ part in
                (1...63).contains(part.utf8.count)
                    && part.allSatisfy {
                        $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
                    }
            })
        else { return nil }
        self.init(labels: parts.map { Array($0.utf8) })
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

/// A query of one question, and the reading of what a name server, or somebody else, sends back (RFC 1035, 4).
struct DNSQuery {
    /// What an answer says.
    enum Answer: Hashable {
        /// The addresses under the name, aliases followed, in network byte order.
        case addresses([[UInt8]], isTruncated: Bool)
        /// What stands there instead of records, its RCODE.
        case refused(UInt8)
    }
    enum Failure: Error {
        /// An answer to something else: late, astray or forged (RFC 5452).
        case notOurs
        case malformed
    }

    let id: UInt16
    let name: DNSName
    let type: DNSType

    var bytes: [UInt8] {
        // Recursion desired, one question.
        var bytes = Self.two(id) + [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.labels { bytes += [UInt8(label.count)] + label }
        return bytes + [0] + Self.two(type.rawValue) + Self.two(1)
    }

    private static func two(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    func answer(in message: [UInt8]) throws(Failure) -> Answer {
        var reader = DNSReader(message)
        guard message.count >= 12, try reader.two() == id else { throw .notOurs }
        let flags = try reader.two()
        // A response, to a standard query.
        guard flags & 0x8000 != 0, flags & 0x7800 == 0 else { throw .notOurs }
        let questions = try reader.two()
        let records = try reader.two()
        reader.place += 4
        let code = UInt8(flags & 0x0F)
        // RFC 1035 does not say that a server which could not read the question has to repeat it.
        if questions == 0, code != 0 { return .refused(code) }
        guard questions == 1, try reader.name() == name, try reader.two() == type.rawValue,
            try reader.two() == 1
        else { throw .notOurs }
        if code != 0 { return .refused(code) }
        return .addresses(try addresses(&reader, records), isTruncated: flags & 0x0200 != 0)
    }

    private func addresses(_ reader: inout DNSReader, _ count: UInt16) throws(Failure) -> [[UInt8]] {
        var aliases: [DNSName: DNSName] = [:]
        var found: [DNSName: [[UInt8]]] = [:]
        for _ in 0..<count {
            let owner = try reader.name()
            let (kind, group) = (try reader.two(), try reader.two())
            reader.place += 4
            let length = Int(try reader.two())
            let end = reader.place + length
            guard end <= reader.bytes.count else { throw .malformed }
            if group == 1, kind == type.rawValue {
                guard length == (type == .a ? 4 : 16) else { throw .malformed }
                found[owner, default: []].append(Array(reader.bytes[reader.place..<end]))
            } else if group == 1, kind == 5 {
                aliases[owner] = try reader.name()
                guard reader.place == end else { throw .malformed }
            }
            reader.place = end
        }
        // Aliases that lead round in a circle end when each has been followed once.
        var current = name
        for _ in 0...aliases.count {
            if let addresses = found[current] { return addresses }
            guard let next = aliases[current] else { return [] }
            current = next
        }
        return []
    }
}

/// A place in a message.
private struct DNSReader {
    let bytes: [UInt8]
    var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func two() throws(DNSQuery.Failure) -> UInt16 {
        guard place >= 0, place + 2 <= bytes.count else { throw .malformed }
        defer { place += 2 }
        return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }

    /// A name, which may go on at an earlier place of the message (RFC 1035, 4.1.4). Each jump must lead further
    /// back than the one before it, so that none can go round in a circle.
    mutating func name() throws(DNSQuery.Failure) -> DNSName {
        var labels: [[UInt8]] = []
        var length = 0
        var reading = place
        var afterFirstJump: Int?
        var lowest = place
        while true {
            guard reading < bytes.count else { throw .malformed }
            let count = Int(bytes[reading])
            if count == 0 {
                place = afterFirstJump ?? reading + 1
                return DNSName(labels: labels)
            }
            if count & 0xC0 == 0xC0 {
                guard reading + 1 < bytes.count else { throw .malformed }
                let target = (count & 0x3F) << 8 | Int(bytes[reading + 1])
                guard target < lowest else { throw .malformed }
                if afterFirstJump == nil { afterFirstJump = reading + 2 }
                lowest = target
                reading = target
                continue
            }
            // 253 characters and a dot, as they are sent.
            length += count + 1
            guard count & 0xC0 == 0, reading + 1 + count <= bytes.count, length <= 254 else {
                throw .malformed
            }
            labels.append(Array(bytes[reading + 1..<reading + 1 + count]))
            reading += 1 + count
        }
    }
}
