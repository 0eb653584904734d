internal import Glibc
internal import NIOSSL
internal import Synchronization

/// The certificates of this process, ready for use: made when they are needed first, and kept, though not more than a
/// client who asks for a new name each time can do harm with.
final class TLSContexts: Sendable {
    private static let made = Result { try TLSContexts() }

    /// Those of this process.
    /// - Throws: what kept them from being made.
    static func shared() throws -> TLSContexts { try made.get() }

    private struct Key: Hashable {
        var fault: TLSFaultToxic.Fault
        var names: [ServerName]
        var protocols: [String]
    }

    private struct Entry {
        var context: NIOSSLContext
        var made: Int64
    }

    static let most = 256
    /// The name in a certificate that has the wrong one (RFC 6761, 6.4: no real name ends like this).
    static let wrongName = ServerName.host("wrong-name.invalid")

    private let known: Authority
    private let unknown: Authority
    private let key: Authority.Key
    private let servers = Mutex<[Key: Entry]>([:])
    private let clients = Mutex<[[String]: NIOSSLContext]>([:])

    /// - Parameter now: seconds since 1970.
    init(at now: Int64 = Int64(time(nil))) throws {
        key = try Authority.Key()
        known = try Authority("Muster fault proxy", at: now)
        unknown = try Authority("Muster fault proxy, an authority that nobody knows", at: now)
    }

    /// The certificate of the authority that clients may be told to trust, as PEM.
    var authority: [UInt8] { known.certificate }

    /// How many contexts for clients to meet are kept.
    var kept: Int { servers.withLock { $0.count } }

    /// What a client meets.
    /// - Parameters:
    ///   - names: what its certificate is for, where that is not the fault.
    ///   - protocols: what it agrees to speak inside (ALPN).
    func server(
        _ fault: TLSFaultToxic.Fault, for names: [ServerName], protocols: [String],
        at now: Int64 = Int64(time(nil))
    ) throws -> NIOSSLContext {
        let key = Key(fault: fault, names: names, protocols: protocols)
        return try servers.withLock { servers in
            // Made anew twice a day, and when the clock was moved: the dates in it must still mean the same.
            if let entry = servers[key], abs(now - entry.made) < .day / 2 {
                return entry.context
            }
            if servers.count >= Self.most { servers = [:] }
            let context = try make(key, at: now)
            servers[key] = Entry(context: context, made: now)
            return context
        }
    }

    private func make(_ wanted: Key, at now: Int64) throws -> NIOSSLContext {
        let (from, until): (Int64, Int64) =
            switch wanted.fault {
            case .expired: (now - 30 * .day, now - .day)
            case .notYetValid: (now + .day, now + 30 * .day)
            default: (now - .day, now + 365 * .day)
            }
        let leaf = try (wanted.fault == .unknownIssuer ? unknown : known).sign(
            key, for: wanted.fault == .wrongName ? [Self.wrongName] : wanted.names, from: from,
            until: until)
        // The authority is not sent along: clients have it or do not know it.
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: leaf, format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key.pem(), format: .pem)))
        configuration.minimumTLSVersion = .tlsv1
        configuration.applicationProtocols = wanted.protocols
        return try NIOSSLContext(configuration: configuration)
    }

    /// What speaks to servers, and believes every one.
    /// - Parameter protocols: what the client would speak inside.
    func client(protocols: [String]) throws -> NIOSSLContext {
        try clients.withLock { clients in
            if let context = clients[protocols] { return context }
            if clients.count >= Self.most { clients = [:] }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.trustRoots = .certificates([])
            configuration.minimumTLSVersion = .tlsv1
            configuration.applicationProtocols = protocols
            let context = try NIOSSLContext(configuration: configuration)
            clients[protocols] = context
            return context
        }
    }
}
