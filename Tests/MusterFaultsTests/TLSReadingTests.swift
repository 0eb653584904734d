import Foundation
import MusterCore
import MusterHost
import Testing

@testable import MusterFaults

/// What we read of a handshake by hand, against OpenSSL's certificates and servers, and against whatever comes.
@Suite(.serialized) struct TLSReadingTests {
    /// A certificate by the program `openssl`, encoded.
    private func certificate(_ bench: Bench, _ options: String) throws -> [UInt8] {
        let made = try #require(
            bench.shell(
                "cd \(bench.path("data")) && openssl req -x509 -nodes -keyout key -out c.pem -subj /CN=server \(options)"
                    + " 2>/dev/null && openssl x509 -in c.pem -outform DER -out c.der"))
        #expect(made.succeeded, "\(made.errors)")
        return try #require(try bench.host.contents(of: bench.path("data/c.der")))
    }

    @Test(arguments: ["-newkey ec -pkeyopt ec_paramgen_curve:P-256", "-newkey rsa:2048", "-newkey ed25519"])
    func certificatesAreReadAsOpenSSLWritesThem(key: String) throws {
        let bench = try Bench()
        defer { bench.close() }
        let names = "DNS:Cache.example.org,DNS:*.shop.example,IP:192.0.2.7,IP:2001:db8::7,email:a@b.example"
        let before = Int64(Date().timeIntervalSince1970)
        // Thirty years lie beyond 2050, where dates are written in another way.
        let der = try certificate(bench, "\(key) -days 10950 -addext 'subjectAltName=\(names)'")
        let after = Int64(Date().timeIntervalSince1970)
        let read = try #require(Certificate(der: der))
        #expect((before...after).contains(read.from))
        #expect((before...after).contains(read.until - 10_950 * 86_400))
        #expect(read.hosts == ["cache.example.org", "*.shop.example"])
        #expect(read.addresses.map(\.count) == [4, 16])
        #expect(read.issuer == read.subject && read.isIssued(by: read))
        #expect(read.ownKey?.count == 20)
        for name in ["cache.example.org", "CACHE.example.org", "a.shop.example", "192.0.2.7", "2001:db8::7"] {
            #expect(read.isFor(name), "\(name)")
        }
        for name in ["example.org", "shop.example", "a.b.shop.example", ".shop.example", "192.0.2.8", ""] {
            #expect(!read.isFor(name), "\(name)")
        }
        let pem = try #require(try bench.host.contents(of: bench.path("data/c.pem")))
        #expect(Certificate(pem: "before\n" + String(decoding: pem, as: UTF8.self)) == read)

        let other = try #require(Certificate(der: try certificate(bench, key)))
        #expect(!other.isIssued(by: read), "the same name, but another key")
    }

    @Test func anAuthorityIsKnownByItsKey() throws {
        let bench = try Bench()
        defer { bench.close() }
        let path = bench.path("data/ca.pem")
        let id = try bench.proxy(before: bench.server().address, ca: path)
        let written = try #require(try bench.host.contents(of: path))
        let api = StreamAddress.unix(bench.host.site.proxySocket(of: id))
        let given = try bench.host.fetch("/ca.pem", from: api, deadline: .seconds(60)).body.asText
        #expect(String(decoding: written, as: UTF8.self) == given)
        let authority = try #require(given.flatMap { Certificate(pem: $0) })
        #expect(authority.ownKey != nil && authority.hosts.isEmpty)
        // Whoever has another one there loses it to nobody: the plan refuses.
        #expect(throws: FaultRefusal.self) {
            try bench.proxy(before: bench.server().address, named: "b", ca: path)
        }
        #expect(throws: FaultRefusal.self) {
            try bench.proxy(before: bench.server().address, named: "c", ca: "/etc/muster-ca.pem")
        }
    }

    /// Whole, in pieces, cut short and changed in every byte: it is read, or it is not, and nothing else happens.
    @Test func whateverComesIsReadOrNot() throws {
        let bench = try Bench()
        defer { bench.close() }
        let der = try certificate(
            bench, "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -addext 'subjectAltName=DNS:a.example'")
        let id = try bench.proxy(before: bench.tlsServer())
        let api = StreamAddress.unix(bench.host.site.proxySocket(of: id))
        let listen = try bench.host.fetch("/proxies/net", from: api, deadline: .seconds(60)).body["listen"]
        let address = try #require(listen?.asText.flatMap { StreamAddress($0) })
        let exchange = TLSGreeting.exchange(askingFor: "a.example")
        let seen = bench.host.visit(
            Visit(address, says: exchange.says, deadline: .seconds(60), isEnough: exchange.isWhole))
        #expect(seen.ending == .answered, "\(seen.inWords)")
        let whole = seen.bytes
        guard case .certificate(let shown) = TLSGreeting.reply(in: whole) else {
            Issue.record("no certificate in \(whole.count) bytes")
            return
        }
        #expect(Certificate(der: shown)?.isFor("a.example") == true, "the name was asked for")
        let end = try #require(
            (0...whole.count).first { TLSGreeting.reply(in: Array(whole.prefix($0))) != .incomplete })
        #expect(TLSGreeting.reply(in: Array(whole.prefix(end))) == .certificate(shown))
        #expect(end > shown.count)
        for place in whole.indices {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var bytes = whole
                bytes[place] = value
                _ = TLSGreeting.reply(in: bytes)
            }
        }
        for place in der.indices {
            #expect(Certificate(der: Array(der.prefix(place))) == nil, "cut at \(place)")
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0x82, 0x84, 0xFF] {
                var bytes = der
                bytes[place] = value
                _ = Certificate(der: bytes)
            }
        }
    }

    @Test func whatIsNoHandshakeIsToldApart() {
        #expect(TLSGreeting.reply(in: []) == .incomplete)
        #expect(TLSGreeting.reply(in: Array("HTTP/1.1 400 Bad Request\r\n".utf8)) == .none)
        #expect(TLSGreeting.reply(in: [21, 3, 3, 0, 2, 2, 70]) == .alert(70))
        #expect(TLSGreeting.reply(in: [21, 3, 3, 0, 2, 2]) == .incomplete)
        #expect(TLSGreeting.reply(in: [22, 3, 3, 0, 0]) == .none, "an empty record")
        #expect(TLSGreeting.reply(in: [22, 3, 3, 0, 4, 14, 0, 0, 0]) == .none, "it is done, and showed none")
        #expect(
            TLSGreeting.reply(in: [22, 3, 3, 0, 4, 11, 0xFF, 0xFF, 0xFF]) == .none, "16 MB of certificates")
        #expect(Certificate(pem: "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----") == nil)
        #expect(Certificate(pem: "no certificate") == nil)
    }

    /// Where the server does not speak TLS from the first byte, as with STARTTLS, clients fail in another way than meant.
    @Test(arguments: [TLSFault.Kind.expired, .handshakeStall, .abruptClose])
    func aServerWithoutTLSProvesNothing(kind: TLSFault.Kind) throws {
        let bench = try Bench()
        defer { bench.close() }
        let id = try bench.proxy(before: bench.server().address)
        let target = Target(.proxy(.fixture(name: "net", id)))
        var fault = TLSFault()
        fault.kind = kind
        let injection = try bench.injector.inject(bench.request(fault, target)) {}
        let effect = try bench.injector.effect(of: injection, fault, on: target)
        guard case .notYet(let why) = effect, why.hasPrefix("straight to the server") else {
            Issue.record("\(effect)")
            return
        }
    }

    /// Without the fault the same look finds nothing, whichever kind is asked for.
    @Test(arguments: TLSFault.Kind.allCases) func aGoodCertificateProvesNothing(kind: TLSFault.Kind) throws {
        let bench = try Bench()
        defer { bench.close() }
        let id = try bench.proxy(before: bench.tlsServer())
        var fault = TLSFault()
        fault.kind = kind
        let target = Target(.proxy(.fixture(name: "net", id)))
        let request = bench.request(fault, target)
        func effect() throws -> Effect {
            try fault.effect(on: target, as: request.id, facts: [], seenBy: bench.host)
        }
        guard case .notYet(let why) = try effect() else {
            Issue.record("proven without a fault")
            return
        }
        // One of another kind is none of this kind.
        var other = fault
        other.kind = kind == .expired ? .notYetValid : .expired
        let injection = try bench.injector.inject(bench.request(other, target)) {}
        guard case .notYet(let reason) = try effect() else {
            Issue.record("\(kind) proven by \(other.kind)")
            return
        }
        #expect(!why.isEmpty && !reason.isEmpty)
        #expect(bench.injector.undo([injection]).first?.closed == .verified)
    }
}
