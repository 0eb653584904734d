public import MusterCore

/// A socket on which somebody listens, as the kernel's tables show it.
public struct ListeningSocket: Hashable, Sendable {
    public var address: StreamAddress
    public var inode: UInt64
    /// Who made it; UNIX sockets do not tell.
    public var userID: UInt32?

    public init(_ address: StreamAddress, inode: UInt64, userID: UInt32? = nil) {
        self.address = address
        self.inode = inode
        self.userID = userID
    }
}

/// Reads `/proc/net/tcp`, `tcp6` and `unix` (proc(5)).
public enum SocketTables {
    /// Those of a table of TCP sockets that listen: state 0A.
    public static func tcp(_ table: String) -> [ListeningSocket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[3] == "0A", let inode = UInt64(fields[9]),
                let colon = fields[1].lastIndex(of: ":"),
                let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16),
                let host = host(fields[1][..<colon])
            else { return nil }
            return ListeningSocket(.tcp(host: host, port: port), inode: inode, userID: UInt32(fields[7]))
        }
    }

    /// Those of a table of UNIX sockets that listen (flag 00010000, __SO_ACCEPTCON) at a path. Names in the abstract
    /// namespace, which begin with `@`, are left out: no probe can be aimed at them.
    public static func unix(_ table: String) -> [ListeningSocket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
            guard fields.count == 8, let flags = UInt32(fields[3], radix: 16), flags & 0x10000 != 0,
                let inode = UInt64(fields[6]), fields[7].hasPrefix("/")
            else { return nil }
            return ListeningSocket(.unix(String(fields[7])), inode: inode)
        }
    }

    /// Words of 32 bits in the byte order of the machine, which is little-endian on all that Muster runs on.
    private static func host(_ text: Substring) -> String? {
        let digits = Array(text)
        guard digits.count == 8 || digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 8) {
            guard let word = UInt32(String(digits[start..<start + 8]), radix: 16) else { return nil }
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
        }
        if bytes.count == 4 { return dotted(bytes[...]) }
        return v6(bytes)
    }

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map(String.init).joined(separator: ".")
    }

    /// As RFC 5952 writes it: the longest run of zeros is left out.
    private static func v6(_ bytes: [UInt8]) -> String {
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return dotted(bytes[12...])
        }
        let groups = (0..<8).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, longest.count) { longest = start..<end }
            start = max(end, start + 1)
        }
        let text = { (range: Range<Int>) in range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        return longest.isEmpty
            ? text(0..<8) : text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
    }
}
