internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// Signs certificates for servers. It lives in memory only.
struct Authority: Sendable {
    private let name: DistinguishedName
    private let key: P256.Signing.PrivateKey
    private let certificate: Certificate

    /// - Parameter name: by which clients see who signed.
    init(_ name: String, at now: Date) throws {
        self.name = try DistinguishedName { CommonName(name) }
        key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        // Long before and after what it signs, whatever a drill does to the clock.
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: now - 3650 * .day,
            notValidAfter: now + 3650 * .day, issuer: self.name, subject: self.name,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            }, issuerPrivateKey: .init(key))
    }

    /// What clients need to trust it.
    func pem() throws -> String { try certificate.serializeAsPEM().pemString + "\n" }

    /// - Returns: a certificate in DER.
    func sign(
        _ publicKey: P256.Signing.PublicKey, for names: [ServerName], from: Date, until: Date
    ) throws -> [UInt8] {
        let publicKey = Certificate.PublicKey(publicKey)
        let own = SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth])
            SubjectKeyIdentifier(hash: publicKey)
            AuthorityKeyIdentifier(keyIdentifier: own.keyIdentifier)
            SubjectAlternativeNames(names.map(\.general))
        }
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: from,
            notValidAfter: until, issuer: name,
            subject: try DistinguishedName { CommonName("a server behind Muster's fault proxy") },
            extensions: extensions, issuerPrivateKey: .init(key))
        return try leaf.serializeAsPEM().derBytes
    }
}

extension TimeInterval {
    /// In seconds.
    static let day: TimeInterval = 86_400
}

extension ServerName {
    fileprivate var general: GeneralName {
        switch self {
        case .host(let name): .dnsName(name)
        case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
    }
}
