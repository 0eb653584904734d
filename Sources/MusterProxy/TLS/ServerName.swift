internal import Glibc

/// What a certificate is for.
enum ServerName: Hashable, Sendable {
    /// In lower case.
    case host(String)
    /// 4 or 16 bytes.
    case address([UInt8])

    /// - Returns: nil when it is neither a host name (RFC 1123, 2.1, and underscores) nor an IP address.
    init?(_ text: String) {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 {
                self = .address(bytes)
                return
            }
        }
        let name = text.lowercased()
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard isPlain, name.utf8.count <= 253, labels.allSatisfy({ (1...63).contains($0.utf8.count) }) else {
            return nil
        }
        self = .host(name)
    }

    var text: String {
        switch self {
        case .host(let name): return name
        case .address(let bytes):
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
            return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        }
    }
}
