import MusterCore

/// Why the bytes of a zone could not be used.
public struct ZoneFileError: Error, Hashable, CustomStringConvertible, Sendable {
    /// What is wrong, a sentence without a full stop.
    public var description: String
    init(_ description: String) { self.description = description }
}

/// Reads TZif, the format in which zones lie under /usr/share/zoneinfo (RFC 9636, before it RFC 8536), of
/// version 2 and later: 64-bit times, and behind them the rule for all later years.
public enum ZoneFile {
    /// The most that is read, in bytes; the largest zone of IANA has under 4 KiB.
    public static let largest = 1 << 18

    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - name: of the zone, for messages.
    /// - Throws: `ZoneFileError` for what is no TZif file of version 2 or later, is damaged, or counts leap seconds.
    public static func read(_ bytes: [UInt8], name: String) throws -> ZoneRules {
        guard bytes.count <= largest else { throw ZoneFileError("it has more than \(largest) bytes") }
        var reader = Reader(bytes: bytes)
        let old = try Header(&reader)
        guard old.version >= UInt8(ascii: "2") else {
            throw ZoneFileError(
                "it is a file of version 1, which ends in 2038 and has no rule for later years")
        }
        try reader.skip(old.length(ofTime: 4))
        let header = try Header(&reader)
        guard header.leaps == 0 else { throw ZoneFileError("it counts leap seconds, which no schedule does") }
        guard header.types > 0 else { throw ZoneFileError("it has no offset at all") }

        let times = try (0..<header.times).map { _ in try reader.integer(8) }
        let indices = try (0..<header.times).map { _ in Int(try reader.byte()) }
        let offsets = try (0..<header.types).map { _ in
            let offset = try reader.integer(4)
            try reader.skip(2)
            guard (-25 * 3600...26 * 3600).contains(offset) else {
                throw ZoneFileError("it has an offset of \(offset) seconds")
            }
            return Int32(offset)
        }
        try reader.skip(header.characters + header.standards + header.universals)
        guard indices.allSatisfy({ $0 < offsets.count }) else {
            throw ZoneFileError("it names an offset that it has not")
        }
        guard zip(times, times.dropFirst()).allSatisfy(<) else {
            throw ZoneFileError("its changes are not in order")
        }
        let changes = zip(times, indices).map { (at: $0, offset: offsets[$1]) }
        return try rules(name, offsets[0], changes, try reader.footer())
    }

    private static func rules(
        _ name: String, _ first: Int32, _ changes: [(at: Int64, offset: Int32)], _ footer: String
    ) throws -> ZoneRules {
        let known = changes.reduce(into: [(at: Int64, offset: Int32)]()) { kept, change in
            // A change of the name alone, or of what is called summer time, moves no clock.
            if change.offset != kept.last?.offset ?? first { kept.append(change) }
        }
        if footer.isEmpty { return ZoneRules(name: name, first: first, changes: known, repeats: false) }
        guard let rule = PosixZone(footer) else {
            throw ZoneFileError("it ends with '\(footer)', which is no rule")
        }
        let later = rule.changes(after: changes.last?.at)
        guard !later.isEmpty else {
            // No summer time any more; where nothing ever changed, the rule is all that there is.
            let isFirst = changes.isEmpty
            return ZoneRules(
                name: name, first: isFirst ? rule.standard : first, changes: known, repeats: false)
        }
        return ZoneRules(
            name: name, first: changes.isEmpty ? rule.standard : first, changes: known + later, repeats: true)
    }

    private struct Header {
        var version: UInt8
        var universals: Int
        var standards: Int
        var leaps: Int
        var times: Int
        var types: Int
        var characters: Int

        init(_ reader: inout Reader) throws {
            guard try reader.bytes(4).elementsEqual("TZif".utf8) else {
                throw ZoneFileError("it is no zone file (TZif)")
            }
            version = try reader.byte()
            try reader.skip(15)
            universals = Int(try reader.integer(4))
            standards = Int(try reader.integer(4))
            leaps = Int(try reader.integer(4))
            times = Int(try reader.integer(4))
            types = Int(try reader.integer(4))
            characters = Int(try reader.integer(4))
            let counts = [universals, standards, leaps, times, types, characters]
            // Nothing is made room for that cannot be in the file.
            guard counts.allSatisfy({ $0 >= 0 && $0 <= ZoneFile.largest }) else {
                throw ZoneFileError("it claims to hold more than it has")
            }
        }

        func length(ofTime size: Int) -> Int {
            times * (size + 1) + types * 6 + characters + leaps * (size + 4) + standards + universals
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
            guard count <= bytes.count - position else { throw ZoneFileError("it ends in the middle") }
            defer { position += count }
            return bytes[position..<position + count]
        }

        mutating func skip(_ count: Int) throws { _ = try bytes(count) }
        mutating func byte() throws -> UInt8 { try bytes(1).reduce(0) { $1 + $0 } }

        /// Big-endian, two's complement.
        mutating func integer(_ size: Int) throws -> Int64 {
            let value = try bytes(size).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }

        /// The rule between two newlines at the end.
        mutating func footer() throws -> String {
            guard try byte() == UInt8(ascii: "\n"),
                let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
            else { throw ZoneFileError("it ends without a rule for later years") }
            return String(decoding: bytes[position..<end], as: UTF8.self)
        }
    }
}
