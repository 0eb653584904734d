import MusterCore
import MusterFaults

extension Specimen {
    /// Each toxic on a proxy before a server that speaks Redis, unless it is seen better otherwise.
    static let proxies: [Specimen] =
        [
            toxic("proxy-latency") {
                var fault = ProxyLatency()
                fault.latency = .milliseconds(60)
                fault.jitter = .milliseconds(10)
                return fault
            },
            toxic("proxy-latency", "http, upstream") {
                var fault = ProxyLatency()
                fault.latency = .milliseconds(60)
                fault.setting.stream = .upstream
                fault.setting.speaks = .http
                return fault
            },
            toxic("proxy-latency", "words of its own") {
                var fault = ProxyLatency()
                fault.latency = .milliseconds(60)
                fault.setting.speaks = nil
                fault.setting.says = "HEAD / HTTP/1.0\r\n\r\n"
                return fault
            },
            toxic("proxy-latency", "half of the connections") {
                var fault = ProxyLatency()
                fault.latency = .milliseconds(60)
                fault.setting.share = Percentage(millionths: 500_000)
                return fault
            },
            toxic("proxy-bandwidth") {
                var fault = ProxyBandwidth()
                fault.rate = ByteRate(bytesPerSecond: 50_000)
                return fault
            },
            toxic("proxy-bandwidth", "upstream, http") {
                var fault = ProxyBandwidth()
                fault.rate = ByteRate(bytesPerSecond: 20_000)
                fault.setting.stream = .upstream
                fault.setting.speaks = .http
                return fault
            },
            toxic("proxy-slow-close") {
                var fault = ProxySlowClose()
                fault.delay = .milliseconds(100)
                return fault
            },
            toxic("proxy-timeout") { ProxyTimeout() },
            toxic("proxy-timeout", "closes in the end") {
                var fault = ProxyTimeout()
                fault.after = .milliseconds(50)
                return fault
            },
            toxic("proxy-reset") { ProxyReset() },
            toxic("proxy-slicer") {
                var fault = ProxySlicer()
                fault.size = ByteCount(64)
                fault.variation = ByteCount(16)
                fault.delay = .milliseconds(2)
                return fault
            },
            toxic("proxy-slicer", "upstream") {
                var fault = ProxySlicer()
                fault.size = ByteCount(64)
                fault.delay = .milliseconds(2)
                fault.setting.stream = .upstream
                return fault
            },
            toxic("proxy-limit") {
                var fault = ProxyLimit()
                fault.bytes = ByteCount(1000)
                return fault
            },
            toxic("proxy-corrupt") {
                var fault = ProxyCorrupt()
                fault.rate = Percentage(millionths: 10_000)
                return fault
            },
            toxic("proxy-stall") { ProxyStall() },
            toxic("proxy-stall", "upstream") {
                var fault = ProxyStall()
                fault.setting.stream = .upstream
                return fault
            },
            toxic("proxy-connect", "delay") {
                var fault = ProxyConnect()
                fault.delay = .milliseconds(80)
                return fault
            },
            toxic("proxy-connect", "refuse") {
                var fault = ProxyConnect()
                fault.refuse = true
                return fault
            },
            toxic("proxy-connect", "limit") {
                var fault = ProxyConnect()
                fault.limit = 2
                return fault
            },
            toxic("http-fault", "status, a fifth of the requests") {
                var fault = HTTPFault()
                fault.status = 503
                fault.share = Percentage(millionths: 200_000)
                return fault
            },
            toxic("http-fault", "delay by method and path") {
                var fault = HTTPFault()
                fault.methods = ["GET"]
                fault.path = "/api/*"
                fault.delay = .milliseconds(60)
                return fault
            },
            toxic("http-fault", "abort") {
                var fault = HTTPFault()
                fault.abort = true
                fault.reset = true
                return fault
            },
            toxic("http-fault", "truncated body") {
                var fault = HTTPFault()
                fault.truncate = Percentage(millionths: 300_000)
                return fault
            },
            toxic("http-fault", "wrong length") {
                var fault = HTTPFault()
                fault.wrongLength = 10
                return fault
            },
            toxic("http-fault", "another body") {
                var fault = HTTPFault()
                fault.body = "something else"
                return fault
            },
            handshake("tls-fault", .expired),
            handshake("tls-fault", .notYetValid, name: "cache.example.org"),
            handshake("tls-fault", .wrongName, name: "cache.example.org"),
            handshake("tls-fault", .unknownIssuer),
            handshake("tls-fault", .handshakeStall),
            handshake("tls-fault", .abruptClose),
            Specimen("tls-fault", "reset, half of the connections") { bench in
                let id = try bench.proxy(before: bench.tlsServer())
                var fault = TLSFault()
                fault.kind = .abruptClose
                fault.reset = true
                fault.setting.share = Percentage(millionths: 500_000)
                return (fault, Target(.proxy(.fixture(name: "net", id))))
            },
            Specimen("tls-fault", "a server without TLS") { bench in
                let id = try bench.proxy(before: bench.server().address)
                var fault = TLSFault()
                fault.kind = .wrongName
                fault.serverSpeaksTLS = false
                return (fault, Target(.proxy(.fixture(name: "net", id))))
            },
            Specimen("proxy-down") { bench in
                let id = try bench.proxy(before: bench.server().address)
                return (ProxyDown(), Target(.proxy(.fixture(name: "net", id))))
            },
            Specimen("proxy-fixture") { bench in
                var fixture = ProxyFixture()
                fixture.name = "net"
                fixture.listen = "127.0.0.1:0"
                fixture.upstream = try bench.server().address.text
                return (fixture, Target(.host))
            },
            Specimen("proxy-fixture", "authority") { bench in
                var fixture = ProxyFixture()
                fixture.name = "net"
                fixture.listen = "127.0.0.1:0"
                fixture.upstream = try bench.server().address.text
                fixture.ca = bench.path("data/ca.pem")
                return (fixture, Target(.host))
            },
        ]

    private static func handshake(_ name: String, _ kind: TLSFault.Kind, name host: String? = nil) -> Specimen
    {
        Specimen(name, kind.rawValue) { bench in
            let id = try bench.proxy(before: bench.tlsServer())
            var fault = TLSFault()
            fault.kind = kind
            fault.name = host
            return (fault, Target(.proxy(.fixture(name: "net", id))))
        }
    }

    private static func toxic<F: ToxicFault>(
        _ name: String, _ variant: String = "", _ make: @escaping @Sendable () -> F
    ) -> Specimen {
        Specimen(name, variant) { bench in
            let id = try bench.proxy(before: bench.server().address)
            var fault = make()
            if fault.setting.speaks == nil, fault.setting.says == nil { fault.setting.speaks = .redis }
            return (fault, Target(.proxy(.fixture(name: "net", id))))
        }
    }
}
