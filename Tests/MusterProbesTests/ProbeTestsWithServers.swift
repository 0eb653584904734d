import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

private func finding(_ probe: any Probe, _ timeout: Duration = .seconds(60)) throws -> (Sample.Outcome, Int32)
{
    let sample = try attempt(probe, timeout: timeout)
    return (sample.outcome, sample.code)
}

@Suite struct HTTPProbeTests {
    @Test func jsonIsLookedIntoByPointer() throws {
        let server = try TestServer { request in
            request.path == "/text"
                ? .status(200, "up")
                : .status(200, #"{"role":"primary","lag":0.0,"peers":[{"up":true}],"a/b":null}"#)
        }
        defer { server.stop() }
        var probe = httpProbe(server.url)
        probe.json = ["/role": "primary", "/lag": "0", "/peers/0/up": "true", "/a~1b": ""]
        #expect(try finding(probe) == (.ok, 200))
        for (pointer, wanted) in [("/role", "replica"), ("/peers/1", ""), ("/lag", "1"), ("/none", "")] {
            probe.json = ["/a~1b": "", pointer: wanted]
            #expect(try finding(probe) == (.error, SampleCode.wrongContent), "\(pointer)")
        }
        probe.http = server.url + "/text"
        #expect(try finding(probe) == (.error, SampleCode.notJSON))
    }

    @Test func redirectsAreFollowedAsFarAsIsAsked() throws {
        let server = try RawServer { connection in
            let request = String(decoding: connection.receive() ?? [], as: UTF8.self)
            let step = request.split(separator: " ").dropFirst().first.flatMap { Int($0.dropFirst()) } ?? 0
            connection.send(
                step == 3
                    ? "HTTP/1.1 200 OK\r\nX-Last: yes\r\nContent-Length: 4\r\n\r\nhome"
                    : "HTTP/1.1 302 Found\r\nX-Last: no\r\nLocation: /\(step + 1)\r\nContent-Length: 5\r\n\r\nmoved"
            )
        }
        defer { server.stop() }
        var probe = httpProbe("http://127.0.0.1:\(server.port)/0")
        #expect(try finding(probe) == (.ok, 302))
        probe.redirects = 3
        probe.contains = "home"
        probe.header = ["x-last": "yes"]
        #expect(try finding(probe) == (.ok, 200))
        probe.redirects = 2
        #expect(try finding(probe) == (.error, SampleCode.tooManyRedirects))
    }

    @Test func aUNIXSocketIsAskedLikeAnyServer() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/http.socket"
        var unix = UnixProbe()
        unix.unix = path
        var http = httpProbe("http://name.invalid/health")
        http.socket = path
        #expect(try finding(unix) == (.error, ENOENT))
        let listener = try UnixSocket.listen(at: path)
        let server = try RawServer(listener: dup(listener.number)) { connection in
            let request = String(decoding: connection.receive() ?? [], as: UTF8.self)
            guard request.hasPrefix("GET /health") else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(try finding(unix) == (.ok, 0))
        #expect(try finding(http) == (.ok, 200))
        server.stop()
        #expect(try finding(unix) == (.error, ECONNREFUSED))
        #expect(try finding(http).0 == .error)
    }

    /// unix(7): a queue that nobody takes from refuses at once, where a blocking client would wait.
    @Test func aFullQueueOfAUNIXSocketHasItsOwnName() throws {
        let folder = try TemporaryFolder()
        let listener = try UnixSocket.listen(at: folder.path + "/full", backlog: 0)
        defer { withExtendedLifetime(listener) {} }
        var unix = UnixProbe()
        unix.unix = folder.path + "/full"
        let waiting = try UnixSocket.connect(to: unix.unix)
        #expect(try finding(unix) == (.error, SampleCode.queueFull))
        withExtendedLifetime(waiting) {}
    }

    @Test func everyAddressOfANameIsTried() throws {
        let server = try RawServer { _ in }
        defer { server.stop() }
        let loop = try EventLoop()
        let stream = StreamConnection(loop: loop)
        var code: Int32?
        // What `localhost` is on many machines: ::1 first, where this server does not listen.
        stream.open(try #require(Endpoint("localhost:\(server.port)"))) { code = $0 }
        loop.run { code != nil }
        #expect(code == 0)
        stream.close()
    }
}

@Suite struct TLSProbeTests {
    @Test func theCertificateIsLookedAt() throws {
        let certificates = try TestCertificates()
        let good = try certificates.make("good.test", until: 20)
        let (program, port) = try certificates.serve(good)
        var probe = TLSProbe()
        probe.tls = "127.0.0.1:\(port)"
        #expect(try finding(probe) == (.error, SampleCode.certificateUntrusted))
        probe.ca = good
        probe.days = 20
        #expect(try finding(probe) == (.ok, SampleCode.certificateDays + 20))
        probe.days = 21
        #expect(try finding(probe) == (.error, SampleCode.certificateDays + 20))
        probe.days = 1
        probe.name = "good.test"
        #expect(try finding(probe) == (.ok, SampleCode.certificateDays + 20))
        probe.name = "other.test"
        #expect(try finding(probe) == (.error, SampleCode.certificateOtherName))

        var http = httpProbe("https://127.0.0.1:\(port)/")
        #expect(try finding(http) == (.error, SampleCode.certificateUntrusted))
        http.insecure = true
        #expect(try finding(http) == (.ok, 200))
        http.insecure = false
        http.ca = good
        http.contains = "s_server"
        #expect(try finding(http) == (.ok, 200))
        http.ca = "/no/such/file"
        #expect(try finding(http) == (.error, 1077))
        withExtendedLifetime(program) {}
    }

    @Test(arguments: [
        (-9, -1, SampleCode.certificateExpired), (2, 9, SampleCode.certificateNotYetValid),
    ])
    func aCertificateOfAnotherTimeIsRefused(_ from: Int, _ until: Int, _ code: Int32) throws {
        let certificates = try TestCertificates()
        let file = try certificates.make("old.test", from: from, until: until)
        let (program, port) = try certificates.serve(file)
        var probe = TLSProbe()
        probe.tls = "127.0.0.1:\(port)"
        probe.ca = file
        #expect(try finding(probe) == (.error, code))
        withExtendedLifetime(program) {}
    }

    @Test func whatDoesNotSpeakTLSIsToldApart() throws {
        let server = try RawServer { connection in
            connection.receive()
            connection.send("220 mail.test ESMTP\r\n")
            connection.hang()
        }
        defer { server.stop() }
        var probe = TLSProbe()
        probe.tls = "127.0.0.1:\(server.port)"
        #expect(try finding(probe) == (.error, SampleCode.handshakeFailed))
        probe.tls = "127.0.0.1:\(try closedPort())"
        #expect(try finding(probe) == (.error, ECONNREFUSED))
    }

    @Test(arguments: [
        ("Nov  7 06:53:10 2027 GMT", 1_825_570_390 as Int64?), ("2027-11-07 06:53:10 GMT", 1_825_570_390),
        ("Jan 31 00:00:00 1970 GMT", 2_592_000), ("Nov  7 06:53:10 2027", nil),
        ("Foo  7 06:53:10 2027 GMT", nil),
        ("", nil), ("GMT", nil), ("2027-11 06:53 GMT", nil), ("Nov 7 6 2027 GMT", nil),
    ])
    func datesOfCertificates(_ text: String, _ seconds: Int64?) {
        #expect(certificateTime(text) == seconds)
    }
}

@Suite struct DNSProbeTests {
    @Test func aRealNameServerIsAsked() throws {
        let folder = try TemporaryFolder()
        let port = try closedPort()
        let program = try TestProgram(
            [
                "/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                "--pid-file=\(folder.path)/pid", "--listen-address=127.0.0.1", "--bind-interfaces",
                "--port=\(port)",
                "--user=root", "--log-facility=\(folder.path)/log", "--host-record=db.test,10.1.2.3,fd00::3",
                "--host-record=db.test,10.1.2.4", "--cname=alias.test,db.test", "--local=/test/",
                "--host-record=four.test,10.1.2.5",
            ], package: "dnsmasq-base")
        var probe = DNSProbe()
        probe.dns = "db.test"
        probe.server = "127.0.0.1:\(port)"
        #expect(try eventually { try attempt(probe, timeout: .seconds(60)).isUp })
        probe.answer = "10.1.2.4"
        #expect(try finding(probe) == (.ok, 0))
        probe.dns = "alias.test"
        #expect(try finding(probe) == (.ok, 0))
        probe.answer = "10.1.2.5"
        #expect(try finding(probe) == (.error, SampleCode.otherAddress))
        probe.type = .aaaa
        probe.answer = "fd00:0::3"
        #expect(try finding(probe) == (.ok, 0))
        probe.answer = nil
        probe.dns = "FOUR.test."
        #expect(try finding(probe) == (.error, SampleCode.noRecord))
        probe.dns = "none.test"
        #expect(try finding(probe) == (.error, SampleCode.nameServer + 3))
        probe.dns = "elsewhere.example"
        #expect(try finding(probe) == (.error, SampleCode.nameServer + 5))
        withExtendedLifetime(program) {}
        probe.server = "127.0.0.1:\(try closedPort())"
        #expect(try finding(probe) == (.error, ECONNREFUSED))
    }

    @Test func forgeriesAreOverheardAndTheAnswerIsWaitedFor() throws {
        let server = try RawNameServer { query in
            let id = UInt16(query[0]) << 8 | UInt16(query[1])
            return [ParserFuzzTests.answer(id &+ 1), [1, 2, 3], ParserFuzzTests.answer(id)]
        }
        defer { server.stop() }
        var probe = DNSProbe()
        probe.dns = "db.example.org"
        probe.server = "127.0.0.1:\(server.port)"
        probe.answer = "10.0.0.8"
        #expect(try finding(probe) == (.ok, 0))
    }

    @Test func theSystemsServerIsTheFirstInItsFile() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "resolv.conf", "# x\nsearch a b\nnameserver\t10.0.0.2 \nnameserver 10.0.0.3\n")
        #expect(NameServers.first(of: file) == Endpoint("10.0.0.2:53"))
        #expect(NameServers.first(of: try folder.write("empty", "")) == Endpoint("127.0.0.1:53"))
        #expect(NameServers.first(of: folder.path + "/none") == Endpoint("127.0.0.1:53"))
        #expect(NameServers.endpoint("fd00::1") == Endpoint("[fd00::1]:53"))
        #expect(NameServers.endpoint("[fd00::1]:5353") == Endpoint("[fd00::1]:5353"))
        #expect(NameServers.endpoint("ns.example.org") == nil && NameServers.endpoint("10.0.0.2:x") == nil)
    }
}

@Suite struct PrometheusProbeTests {
    private func prober(_ url: String, _ query: String, above: Double? = nil, below: Double? = nil)
        -> PrometheusProbe
    {
        var probe = PrometheusProbe()
        probe.prometheus = url
        probe.query = query
        probe.above = above
        probe.below = below
        return probe
    }

    @Test func aRealPrometheusIsAsked() throws {
        let folder = try TemporaryFolder()
        let port = try closedPort()
        let configuration = try folder.write("prometheus.yml", "scrape_configs: []\n")
        let program = try TestProgram(
            [
                "/usr/bin/prometheus", "--config.file=\(configuration)",
                "--storage.tsdb.path=\(folder.path)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
            ], package: "prometheus")
        let url = "http://127.0.0.1:\(port)"
        #expect(try eventually { try attempt(prober(url, "vector(1)"), timeout: .seconds(60)).isUp })
        #expect(try finding(prober(url + "/", "vector(2.5) + 0", above: 2, below: 3)) == (.ok, 200))
        #expect(try finding(prober(url, "vector(3)", below: 3)) == (.error, SampleCode.outOfLimits))
        #expect(try finding(prober(url, "1 / 4", above: 0.2)) == (.ok, 200))
        #expect(try finding(prober(url, "vector(0) / 0", below: 9)) == (.error, SampleCode.outOfLimits))
        #expect(try finding(prober(url, "vector(1) / 0", above: 9)) == (.ok, 200))
        #expect(try finding(prober(url, "up{job=\"a&b %\"}")) == (.error, SampleCode.noResult))
        #expect(try finding(prober(url, "\"text\"")) == (.ok, 200))
        #expect(try finding(prober(url, "sum(")) == (.error, 400))
        withExtendedLifetime(program) {}
    }

    @Test(arguments: [
        ("nonsense", SampleCode.notJSON), ("{}", SampleCode.protocolViolation),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}}"#,
            SampleCode.protocolViolation
        ),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"2"]},{"value":[1,"9"]}]}}"#,
            SampleCode.outOfLimits
        ),
        (
            #"{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"9"],[2,"2"]]}]}}"#,
            200
        ),
    ])
    func otherAnswersAreTyped(_ body: String, _ code: Int32) throws {
        let server = try TestServer { _ in .status(200, body) }
        defer { server.stop() }
        #expect(try finding(prober(server.url, "a", below: 5)).1 == code)
    }
}
