import Foundation
import MusterCore

/// Certificates of a world without cryptography: what a client looks at is there, signatures are not.
enum WorldCertificates {
    enum Kind: String {
        /// The server's.
        case own
        /// By the proxy's authority.
        case good, expired
        case notYetValid = "not_yet_valid"
        case wrongName = "wrong_name"
        case unknownIssuer = "unknown_issuer"
    }

    /// What the clock of this world says, in seconds since 1970.
    static let now: Int64 = 1_800_000_000
    static let host = "cache.example.org"

    static var authority: String {
        let der = certificate(issuer: "proxy", subject: "proxy", host: nil, from: -3650, until: 3650)
        return "-----BEGIN CERTIFICATE-----\n\(Data(der).base64EncodedString())\n-----END CERTIFICATE-----\n"
    }

    /// What a server says first in TLS 1.2: its greeting, its certificate, and that it is done.
    static func greeting(_ kind: Kind) -> [UInt8] {
        let der = certificate(
            issuer: kind == .own ? "somebody" : kind == .unknownIssuer ? "nobody" : "proxy",
            subject: "server",
            host: kind == .wrongName ? "wrong-name.invalid" : host,
            from: kind == .notYetValid ? 1 : -30, until: kind == .expired ? -1 : 30)
        let hello: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0xC0, 0x2B, 0]
        let messages =
            message(2, hello) + message(11, counted(counted(der, 3), 3)) + message(14, [])
        return [22, 3, 3] + counted(messages, 2)
    }

    /// - Parameters:
    ///   - from: days from now, as `until`.
    private static func certificate(
        issuer: String, subject: String, host: String?, from: Int64, until: Int64
    ) -> [UInt8] {
        let algorithm = der(0x30, der(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]))
        var fields = der(0xA0, der(0x02, [2])) + der(0x02, [1]) + algorithm
        fields += name(issuer)
        fields += der(0x30, time(from) + time(until))
        fields += name(subject)
        fields += der(0x30, algorithm + der(0x03, [0, 4]))
        if let host {
            let names = der(0x30, der(0x82, Array(host.utf8)))
            let one = der(0x30, der(0x06, [0x55, 0x1D, 0x11]) + der(0x04, names))
            fields += der(0xA3, der(0x30, one))
        }
        return der(0x30, der(0x30, fields) + algorithm + der(0x03, [0, 0]))
    }

    private static func name(_ text: String) -> [UInt8] {
        let part = der(0x06, [0x55, 4, 3]) + der(0x0C, Array(text.utf8))
        return der(0x30, der(0x31, der(0x30, part)))
    }

    private static func time(_ days: Int64) -> [UInt8] {
        let text = utcText(nanoseconds: (now + days * 86_400) * 1_000_000_000)
        return der(0x18, Array((text.filter(\.isNumber).prefix(14) + "Z").utf8))
    }

    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count < 128 ? [UInt8(content.count)] : [0x82] + bytes(content.count, 2)
        return [tag] + length + content
    }

    private static func message(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] { [kind] + counted(body, 3) }
    private static func counted(_ content: [UInt8], _ width: Int) -> [UInt8] {
        bytes(content.count, width) + content
    }
    private static func bytes(_ number: Int, _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
