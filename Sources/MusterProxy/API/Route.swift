/// What a request's path means, by the rules of the router that Toxiproxy uses (gorilla/mux): the path is decoded
/// first, so that a name with a slash can never be addressed, and a path that is not clean is redirected.
enum Route: Hashable, Sendable {
    case proxies
    case proxy(String)
    case toxics(String)
    case toxic(String, of: String)
    case populate
    case reset
    case version
    case metrics
    /// Beyond Toxiproxy.
    case muster
    case events
    /// To the same path without empty and dotted parts.
    case redirect(String)
    case unknown
    /// The target is not a path in percent-encoding.
    case malformed

    init(_ target: String) {
        guard let path = Self.path(of: target) else {
            self = .malformed
            return
        }
        let clean = Self.clean(path)
        guard clean == path else {
            let query = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(target[$0...]) } ?? ""
            self = .redirect(Self.escape(clean) + query)
            return
        }
        let parts = String(decoding: path, as: UTF8.self)
            .split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch parts.count {
        case 1: self = Self.single[parts[0]] ?? .unknown
        case 2...4 where parts[0] == "proxies" && !parts.contains(""):
            switch (parts.count, parts.dropFirst(2).first) {
            case (2, _): self = .proxy(parts[1])
            case (3, "toxics"): self = .toxics(parts[1])
            case (4, "toxics"): self = .toxic(parts[3], of: parts[1])
            default: self = .unknown
            }
        default: self = .unknown
        }
    }

    private static let single: [String: Route] = [
        "proxies": .proxies, "populate": .populate, "reset": .reset, "version": .version,
        "metrics": .metrics, "muster": .muster, "events": .events,
    ]

    /// The decoded path of a request's target; nil when it is malformed.
    private static func path(of target: String) -> [UInt8]? {
        var bytes = Array(target.utf8)[...]
        if let query = bytes.firstIndex(of: UInt8(ascii: "?")) { bytes = bytes[..<query] }
        // The absolute form, which is for proxies (RFC 9112, 3.2.2).
        let scheme = Array("http://".utf8)
        if bytes.starts(with: scheme) {
            bytes = bytes.dropFirst(scheme.count)
            bytes = bytes[(bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex)...]
            if bytes.isEmpty { return [UInt8(ascii: "/")] }
        }
        guard bytes.first == UInt8(ascii: "/") || bytes.elementsEqual("*".utf8) else { return nil }
        var path: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "%") else {
                path.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.endIndex, let high = hexValue(bytes[index + 1]),
                let low = hexValue(bytes[index + 2])
            else { return nil }
            path.append(UInt8(high << 4 | low))
            index += 3
        }
        return path
    }

    /// The router's `cleanPath`: no empty and no dotted parts, a slash at the end kept.
    private static func clean(_ path: [UInt8]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual("..".utf8) {
                _ = parts.popLast()
            } else if !part.elementsEqual(".".utf8) {
                parts.append(part)
            }
        }
        let slash = UInt8(ascii: "/")
        guard !parts.isEmpty else { return [slash] }
        return parts.flatMap { [slash] + $0 } + (path.last == slash ? [slash] : [])
    }

    /// Go's `URL.EscapedPath`.
    private static func escape(_ path: [UInt8]) -> String {
        let plain = Array("-_.~$&+,/:;=@".utf8)
        return path.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(Character(Unicode.Scalar(byte)))
            case _ where plain.contains(byte): String(Character(Unicode.Scalar(byte)))
            default: "%" + hexadecimal(byte).uppercased()
            }
        }.joined()
    }
}
