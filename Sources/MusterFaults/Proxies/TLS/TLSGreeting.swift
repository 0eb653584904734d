import MusterCore

/// What a TLS client says first, and what it may be told before anything is encrypted.
enum TLSGreeting {
    /// A ClientHello of TLS 1.2 with the usual suites (RFC 5246, section 7.4.1.2), and nothing newer: in TLS 1.2 a
    /// server shows its certificate in the clear. Servers answer it with a greeting or an alert, and forget it.
    /// - Parameter name: of the server that is meant (RFC 6066, section 3); left out where it is an address, or nil.
    static func client(askingFor name: String? = nil) -> [UInt8] {
        let suites: [UInt8] = [
            0xC0, 0x2F, 0xC0, 0x30, 0xC0, 0x2B, 0xC0, 0x2C, 0xCC, 0xA8, 0xCC, 0xA9, 0x00, 0x9C, 0x00, 0x2F,
        ]
        let groups: [UInt8] = [0, 29, 0, 23, 0, 24]
        let signatures: [UInt8] = [4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1, 2, 1]
        var extensions: [UInt8] = [0, 10]
        extensions += vector(vector(groups, 2), 2)
        extensions += [0, 11] as [UInt8]
        extensions += vector(vector([0], 1), 2)
        extensions += [0, 13] as [UInt8]
        extensions += vector(vector(signatures, 2), 2)
        if let name, !isAddress(name) {
            extensions += [0, 0] as [UInt8]
            extensions += vector(vector([0] + vector(Array(name.utf8), 2), 2), 2)
        }
        var body: [UInt8] = [3, 3]
        body += (0..<32).map { UInt8($0) }
        body.append(0)
        body += vector(suites, 2)
        body += [1, 0] as [UInt8]
        body += vector(extensions, 2)
        return [22, 3, 1] + vector([1] + vector(body, 3), 2)
    }

    /// That greeting, answered when its server has shown a certificate, or said that it will not. A server that speaks
    /// something else first, as those with STARTTLS do, has not answered it.
    static func exchange(askingFor name: String?) -> Exchange {
        Exchange(says: client(askingFor: name), expected: nil, least: 7) {
            switch reply(in: $0) {
            case .certificate, .alert: true
            case .incomplete, .none: false
            }
        }
    }

    enum Reply: Equatable {
        /// So far nothing is known.
        case incomplete
        /// The server's own certificate (DER), of those that it showed.
        case certificate([UInt8])
        /// It will not shake hands (RFC 5246, section 7.2).
        case alert(UInt8)
        /// It shows none, or speaks something else.
        case none
    }

    /// A certificate with all that signed it takes some thousand bytes.
    private static let most = 1 << 16

    /// Reads the records that a server begins with (RFC 5246, section 6.2.1).
    static func reply(in bytes: [UInt8]) -> Reply {
        var rest = bytes[...]
        var messages: [UInt8] = []
        while let type = rest.first {
            guard type == 21 || type == 22, rest.dropFirst().first ?? 3 == 3 else { return .none }
            guard rest.count >= 5 else { return .incomplete }
            let length = number(rest.dropFirst(3).prefix(2))
            guard (1...16_384).contains(length) else { return .none }
            let content = rest.dropFirst(5).prefix(length)
            if type == 21 { return content.count < 2 ? .incomplete : .alert(content[content.startIndex + 1]) }
            messages += content
            switch certificate(in: messages[...]) {
            case .incomplete: break
            case let reply: return reply
            }
            guard content.count == length else { return .incomplete }
            rest = rest.dropFirst(5 + length)
        }
        return .incomplete
    }

    /// Looks for the message that holds certificates (RFC 5246, section 7.4.2), behind the server's greeting.
    private static func certificate(in messages: ArraySlice<UInt8>) -> Reply {
        var rest = messages
        while rest.count >= 4 {
            let length = number(rest.dropFirst().prefix(3))
            guard length <= most else { return .none }
            let kind = rest[rest.startIndex]
            guard kind == 2 || kind == 11 else { return .none }
            let body = rest.dropFirst(4).prefix(length)
            guard body.count == length else { return .incomplete }
            if kind == 11 {
                guard body.count >= 6 else { return .none }
                let first = number(body.dropFirst(3).prefix(3))
                let certificate = body.dropFirst(6).prefix(first)
                return first > 0 && certificate.count == first ? .certificate(Array(certificate)) : .none
            }
            rest = rest.dropFirst(4 + length)
        }
        return .incomplete
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// Bytes behind their number (RFC 5246, section 4.3).
    /// - Parameter width: the bytes of the number.
    private static func vector(_ bytes: [UInt8], _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes
    }

    static func isAddress(_ name: String) -> Bool {
        name.contains(":") || StreamAddress("\(name):1") != nil && name != "localhost"
    }
}
