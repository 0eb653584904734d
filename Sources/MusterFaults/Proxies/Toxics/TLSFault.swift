public import MusterCore

/// Has TLS clients of a proxy meet a certificate in which something is wrong, or a handshake that does not go on.
public struct TLSFault: ToxicFault {
    /// What is wrong.
    public enum Kind: String, FormWord {
        case expired, notYetValid, wrongName, unknownIssuer, handshakeStall, abruptClose

        /// As the proxy's interface has it.
        var attribute: String {
            switch self {
            case .expired: "expired"
            case .notYetValid: "not_yet_valid"
            case .wrongName: "wrong_name"
            case .unknownIssuer: "unknown_issuer"
            case .handshakeStall: "handshake_stall"
            case .abruptClose: "abrupt_close"
            }
        }

        fileprivate var inWords: String {
            switch self {
            case .expired: "shows TLS clients an expired certificate"
            case .notYetValid: "shows TLS clients a certificate that is not valid yet"
            case .wrongName: "shows TLS clients a certificate for another name"
            case .unknownIssuer: "shows TLS clients a certificate by an authority that nobody knows"
            case .handshakeStall: "leaves TLS handshakes unanswered"
            case .abruptClose: "ends connections when their TLS handshake begins"
            }
        }
    }

    public var setting = ToxicSetting()
    public var kind = Kind.expired
    public var name: String?
    public var serverSpeaksTLS = true
    public var reset = false

    public init() {}

    public static var form: Form<Self> {
        Form(
            "tls-fault",
            "Shows TLS clients of a fault proxy a certificate that they must not take, or does not shake hands.",
            example: "inject: tls-fault\ninto: service\nfor: 10s\nrecovery: after\nwith: { kind: expired }",
            blank: Self(), fields: own + commonFields(hasStream: false, hasWords: false),
            check: { fault in
                guard fault.reset, fault.kind != .abruptClose else { return }
                throw FormProblem(
                    "'reset' is about connections that end", at: nil, path: "reset",
                    expected: "kind: abruptClose with it")
            })
    }

    private static let own: [Field<Self>] = [
        Field(required: "kind", \.kind, "What is wrong with the certificate, or with the handshake."),
        Field(
            "name", \.name,
            "The name or address that the certificate is for; else what the client asks for, or the server's address."
        ) { isName($0) ? nil : "a host name or an IP address" },
        Field(
            "serverSpeaksTLS", \.serverSpeaksTLS, default: true,
            "The server behind the proxy speaks TLS too; false: it gets what is inside."),
        Field("reset", \.reset, default: false, "With abruptClose: the connection ends with RST."),
    ]

    private static func isName(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (48...58).contains($0) || (65...90).contains($0 & 0xDF) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: ".")
            }
    }

    public var toxic: (type: String, attributes: Value) {
        var map: [String: Value] = [
            "fault": .text(kind.attribute), "upstream_tls": .bool(serverSpeaksTLS),
        ]
        if let name { map["server_name"] = .text(name) }
        if reset { map["ending"] = "reset" }
        return ("tls_fault", .map(map))
    }

    public var inWords: String { kind.inWords }

    public func look(_ observer: ProxyObserver) -> Effect {
        // A server that does not speak TLS has no answer to compare with.
        let observer = serverSpeaksTLS ? observer : observer.withoutServer
        let exchange = TLSGreeting.exchange(askingFor: name)
        switch kind {
        case .handshakeStall: return observer.isSilent(saying: exchange, forGood: true)
        case .abruptClose:
            return observer.isCut([reset ? .reset : .closed], saying: exchange, within: .seconds(2))
        default: return observer.isShown(exchange, by: self)
        }
    }
}

extension ProxyObserver {
    /// A certificate is shown that is not the server's own, and has wrong with it what was asked for.
    fileprivate func isShown(_ exchange: Exchange, by fault: TLSFault) -> Effect {
        let straight = lookStraight(exchange, within: .seconds(2))
        if let straight, straight.ending != .answered {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        let patience = min(Self.longest, (straight?.ended ?? .zero) * 4 + .seconds(2))
        guard let seen = look(exchange, within: patience).first else { return unknown }
        let reply = TLSGreeting.reply(in: seen.bytes)
        guard case .certificate(let bytes) = reply, let shown = Certificate(der: bytes) else {
            var words = "no certificate through the proxy: \(seen.inWords)"
            if case .alert(let number) = reply {
                words = "no certificate through the proxy, but alert \(number)"
            }
            return .notYet(words)
        }
        if let straight, TLSGreeting.reply(in: straight.bytes) == reply {
            return .notYet("the server's own certificate is shown")
        }
        guard let wrong = wrong(with: shown, as: fault) else {
            return .notYet("nothing of the kind '\(fault.kind.rawValue)' is wrong with the certificate shown")
        }
        return .proven("a certificate is shown that \(wrong)")
    }

    /// - Returns: what is wrong with it, where that is what was asked for.
    private func wrong(with shown: Certificate, as fault: TLSFault) -> String? {
        let now = host.utcNanoseconds() / 1_000_000_000
        func day(_ time: Int64) -> String { String(utcText(nanoseconds: time * 1_000_000_000).prefix(10)) }
        switch fault.kind {
        case .expired:
            return shown.until < now ? "expired on \(day(shown.until))" : nil
        case .notYetValid:
            return shown.from > now ? "is not valid before \(day(shown.from))" : nil
        case .wrongName:
            let meant = fault.name.map { [$0] } ?? [server, entrance].compactMap { $0?.host }
            guard !meant.isEmpty, !meant.contains(where: { shown.isFor($0) }) else { return nil }
            return "is for \(shown.hosts.joined(separator: ", ")), and not for "
                + meant.joined(separator: " or ")
        case .unknownIssuer:
            // Every client that is to trust the proxy has this from there.
            guard let answer = try? host.fetch("/ca.pem", from: place.api, deadline: ProxyPlace.patience),
                let authority = answer.body.asText.flatMap({ Certificate(pem: $0) }),
                !shown.isIssued(by: authority)
            else { return nil }
            return "another authority signed than the one of the proxy, which clients may know"
        case .handshakeStall, .abruptClose: return nil
        }
    }
}

extension StreamAddress {
    /// The address without the port; nil for a path.
    fileprivate var host: String? { if case .tcp(let host, _) = self { host } else { nil } }
}
