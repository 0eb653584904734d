/// Faults of TLS: the proxy answers clients with certificates of its own, in which something is wrong, or does not
/// answer.
///
/// Between them the bytes are what both sides said. Connections that are open already go on; of several such toxics,
/// the first that is drawn works on a connection. With a certificate, the server is asked first, so that the client is
/// offered the protocol (ALPN) that the server chose.
public struct TLSFaultToxic: TransportToxic {
    public static let type = "tls_fault"
    public static let summary =
        "TLS clients are shown a certificate in which something is wrong, or are not answered."
    public static let attributes = [
        Attribute(
            "fault", .text, .text(Fault.expired.rawValue),
            "`expired`, `not_yet_valid`, `wrong_name` or `unknown_issuer`: what is wrong with the certificate; "
                + "`handshake_stall`: the client's first message is not answered; `abrupt_close`: the connection ends "
                + "after it; `none`: a good certificate of the proxy's authority (`GET /ca.pem`)"),
        Attribute(
            "server_name", .text, .text(""),
            "name or IP address that the certificate is for; empty: the name that the client asked for, else the "
                + "server's host and the address that the client came to"),
        Attribute(
            "upstream_tls", .flag, .flag(true),
            "the server speaks TLS too; its certificate is not verified. false: it gets what is inside"),
        Attribute(
            "ending", .text, .text(HTTPFault.Ending.close.rawValue),
            "how `abrupt_close` ends it: `close` (FIN) or `reset` (RST)"),
        Attribute(
            "handshake_timeout", .integer, .integer(30_000),
            "milliseconds for the client's first message, for the server's handshake and for the client's"),
    ]

    enum Fault: String, Sendable, CaseIterable {
        case expired
        case notYetValid = "not_yet_valid"
        case wrongName = "wrong_name"
        case unknownIssuer = "unknown_issuer"
        case handshakeStall = "handshake_stall"
        case abruptClose = "abrupt_close"
        case none
    }

    public let values: AttributeValues
    let fault: Fault
    let serverName: ServerName?
    let upstreamTLS: Bool
    let ending: HTTPFault.Ending
    /// In milliseconds.
    let handshakeTimeout: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        self.values = values
        fault = try values.word("fault")
        ending = try values.word("ending")
        upstreamTLS = values["upstream_tls"] != .flag(false)
        handshakeTimeout = try values.integer("handshake_timeout", in: 1...3_600_000)
        let name = values.text("server_name")
        serverName = ServerName(name)
        guard name.isEmpty || serverName != nil else {
            throw AttributeProblem("server_name", expected: "a host name or an IP address")
        }
    }

    public func handlers(_ link: TransportLink) throws -> TransportHandlers {
        let session = TLSSession(self, link)
        let door = TLSDoor(session)
        session.door = door
        return TransportHandlers(
            client: [door, TLSGate(session, .client)], server: session.serverHandlers, waits: true,
            changed: door.goOn)
    }
}
