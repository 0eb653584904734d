internal import CCertificates
internal import Glibc

/// Signs certificates for servers. It lives in memory only.
struct Authority: Sendable {
    /// Something could not be made: no memory, or no random numbers.
    struct Problem: Error {}

    /// A key pair on P-256.
    final class Key: @unchecked Sendable {
        fileprivate let pointer: UnsafeMutableRawPointer

        init() throws(Problem) {
            guard let pointer = certificates_make_key() else { throw Problem() }
            self.pointer = pointer
        }

        deinit { certificates_free_key(pointer) }

        /// The private key.
        func pem() throws -> [UInt8] { try written { certificates_write_key(pointer, $0, $1) } }
    }

    private let name: String
    private let key: Key
    /// What clients need to trust it, as PEM.
    let certificate: [UInt8]

    /// - Parameters:
    ///   - name: by which clients see who signed.
    ///   - now: seconds since 1970.
    init(_ name: String, at now: Int64) throws {
        self.name = name
        let key = try Key()
        self.key = key
        // Long before and after what it signs, whatever a drill does to the clock.
        certificate = try written {
            certificates_sign(
                key.pointer, key.pointer, name, name, now - 3650 * .day, now + 3650 * .day, nil, $0, $1)
        }
    }

    /// - Parameters:
    ///   - from: seconds since 1970, as `until`.
    /// - Returns: a certificate, as PEM.
    func sign(_ key: Key, for names: [ServerName], from: Int64, until: Int64) throws -> [UInt8] {
        let names = names.map(\.alternative).joined(separator: ",")
        return try written {
            certificates_sign(
                key.pointer, self.key.pointer, name, "a server behind Muster's fault proxy", from, until,
                names, $0, $1)
        }
    }
}

/// What a function wrote that answers with its length, or -1.
private func written(_ write: (UnsafeMutablePointer<CChar>, Int32) -> Int32) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: 8192) { bytes, count in
        let length = bytes.withMemoryRebound(to: CChar.self) { text in
            text.baseAddress.map { write($0, Int32(text.count)) } ?? -1
        }
        guard length >= 0 else { throw Authority.Problem() }
        count = Int(length)
    }
}

extension Int64 {
    /// In seconds.
    static let day: Int64 = 86_400
}

extension ServerName {
    /// As x509v3_config(5) has it. Neither form can have a comma in it.
    fileprivate var alternative: String {
        switch self {
        case .host: "DNS:" + text
        case .address: "IP:" + text
        }
    }
}
