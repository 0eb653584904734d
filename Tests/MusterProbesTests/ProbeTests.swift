import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite struct ProbeTests {
    private func finding(_ probe: any Probe, _ timeout: Duration = .seconds(60)) throws -> (
        Sample.Outcome, Int32
    ) {
        let sample = try attempt(probe, timeout: timeout)
        #expect(sample.started <= sample.finished)
        return (sample.outcome, sample.code)
    }

    @Test func httpLooksAtStatusBodyAndHeader() throws {
        let server = try TestServer { request in
            request.path == "/missing"
                ? .status(404, "gone") : .status(200, "I am \(request.method) \(request.body)")
        }
        defer { server.stop() }
        var probe = httpProbe(server.url + "/health")
        #expect(try finding(probe) == (.ok, 200))
        probe.contains = "am GET"
        probe.header = ["x-role": "primary"]
        #expect(try finding(probe) == (.ok, 200))
        probe.contains = "am POST hello"
        #expect(try finding(probe) == (.error, SampleCode.wrongContent))
        probe.method = "POST"
        probe.body = "hello"
        #expect(try finding(probe) == (.ok, 200))
        probe.header = ["X-Role": "replica"]
        #expect(try finding(probe) == (.error, SampleCode.wrongHeader))
        #expect(try finding(httpProbe(server.url + "/missing")) == (.error, 404))
        var expected = httpProbe(server.url + "/missing")
        expected.status = StatusSet(404...404)
        #expect(try finding(expected) == (.ok, 404))
    }

    @Test func aRefusedConnectionAndASilentServerAreToldApart() throws {
        let port = try closedPort()
        #expect(try finding(httpProbe("http://127.0.0.1:\(port)")) == (.error, ECONNREFUSED))
        #expect(try finding(TCPProbe("127.0.0.1:\(port)")) == (.error, ECONNREFUSED))
        var redis = RedisProbe()
        redis.redis = "redis://127.0.0.1:\(port)"
        #expect(try finding(redis) == (.error, ECONNREFUSED))

        let server = try TestServer { _ in .hang }
        defer { server.stop() }
        #expect(try finding(httpProbe(server.url), .milliseconds(80)).0 == .timeout)
        redis.redis = "redis://127.0.0.1:\(server.port)"
        #expect(try finding(redis, .milliseconds(80)).0 == .timeout)
        #expect(try finding(TCPProbe("127.0.0.1:\(server.port)")) == (.ok, 0))
        #expect(try finding(TCPProbe("localhost:\(server.port)")) == (.ok, 0))
        #expect(try finding(TCPProbe("no-such-name.invalid:1")) == (.error, SampleCode.nameNotFound))
    }

    @Test func execJudgesByItsExitStatus() throws {
        var probe = ExecProbe()
        probe.exec = ["true"]
        #expect(try finding(probe) == (.ok, 0))
        probe.exec = ["sh", "-c", "exit 7"]
        #expect(try finding(probe) == (.error, SampleCode.exitStatus + 7))
        probe.exec = ["no-such-program-here"]
        #expect(try finding(probe) == (.error, ENOENT))
    }

    @Test func execThatTakesTooLongLosesItsWholeSession() throws {
        let folder = try TemporaryFolder()
        // A grandchild in a process group of its own, which a signal to the group would miss.
        let script = try folder.write(
            "slow.sh", "set -m\nsleep 300 &\necho $! > \(folder.path)/pid\nwait\n")
        var probe = ExecProbe()
        probe.exec = ["bash", script]
        var found: Int32?
        // A busy machine may need longer to come as far as the grandchild.
        for timeout in [Duration.milliseconds(700), .seconds(5), .seconds(40)] where found == nil {
            #expect(try attempt(probe, timeout: timeout).outcome == .timeout)
            found = try readSmallFile(folder.path + "/pid").flatMap { Int32($0.filter(\.isNumber)) }
        }
        let grandchild = try #require(found)
        #expect(
            try eventually { try ProcessStat.read(grandchild)?.isZombie ?? true },
            "the grandchild \(grandchild) is still there")
    }

    @Test func fileLooksAtContentAndAge() throws {
        let folder = try TemporaryFolder()
        var probe = FileProbe()
        probe.file = folder.path + "/here"
        #expect(try finding(probe) == (.error, SampleCode.fileMissing))
        _ = try folder.write("here", "state: primary\n")
        #expect(try finding(probe) == (.ok, 0))
        probe.contains = "primary"
        probe.newerThan = .seconds(60)
        #expect(try finding(probe) == (.ok, 0))
        probe.contains = "replica"
        #expect(try finding(probe) == (.error, SampleCode.wrongContent))
        var times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, probe.file, &times, 0) == 0)
        #expect(try finding(probe) == (.error, SampleCode.fileTooOld))
        // File systems in memory keep whatever they are told; others what is nearest.
        probe.file = "/dev/shm/muster-probe-\(getpid())"
        close(open(probe.file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        defer { unlink(probe.file) }
        probe.contains = nil
        times = [timespec(tv_sec: .min, tv_nsec: 0), timespec(tv_sec: .min, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, probe.file, &times, 0) == 0)
        #expect(try finding(probe) == (.error, SampleCode.fileTooOld))
    }
}

@Suite struct FormTests {
    private func problem(_ kind: String, _ map: Value) -> FormProblem? {
        do {
            _ = try ProbeCatalog.standard.probe(kind, FormNode(map), besides: ["every"])
            return nil
        } catch let problems as FormProblems {
            return problems.problems.first
        } catch {
            return nil
        }
    }

    @Test func aPasswordInAURLIsRefused() {
        for (kind, url) in [
            ("http", "http://me:secret@127.0.0.1/"), ("redis", "redis://:secret@127.0.0.1:6379"),
        ] {
            let found = problem(kind, .map([kind: .text(url)]))
            #expect(found?.expected?.contains("without a password") == true)
            let workload = Result {
                try WorkloadCatalog.standard.workload(kind, FormNode(["\(kind)": .text(url)]), besides: [])
            }
            #expect(throws: FormProblems.self) { try workload.get() }
        }
        #expect(problem("http", ["http": "http://me@127.0.0.1/?time=12:30"]) == nil)
    }

    static let broken: [(String, Value)] = [
        ("http", ["http": "ftp://127.0.0.1/"]), ("http", ["http": "http://h/", "status": "2xx"]),
        ("http", ["http": "http://h/", "headers": ["X": "a\nInjected: b"]]), ("tcp", ["tcp": "localhost"]),
        ("tcp", ["tcp": "h:99999"]), ("redis", ["redis": "127.0.0.1:6379"]), ("exec", ["exec": []]),
        ("file", ["file": "relative"]), ("http", ["http": "http://h/", "method": "get"]),
        ("http", ["http": "http://h/", "json": ["role": "x"]]),
        ("http", ["http": "http://h/", "ca": "ca.pem"]),
        ("http", ["http": "http://h/", "redirects": 21]), ("http", ["http": "http://h/", "limit": "1GiB"]),
        ("http", ["http": "http://h/", "redirects": 1, "method": "POST"]), ("unix", ["unix": "relative"]),
        ("unix", ["unix": .text("/" + String(repeating: "x", count: 107))]), ("tls", ["tls": "h"]),
        ("tls", ["tls": "h:1", "name": "a/b"]), ("tls", ["tls": "h:1", "name": "user@h"]),
        ("tls", ["tls": "h:1", "days": -1]), ("dns", ["dns": "a..b"]),
        ("dns", ["dns": "h", "server": "ns1"]),
        ("dns", ["dns": "h", "type": "MX"]), ("dns", ["dns": "h", "answer": "fd00::1"]),
        ("prometheus", ["prometheus": "http://h"]), ("prometheus", ["prometheus": "http://h", "query": ""]),
        ("prometheus", ["prometheus": "http://h", "query": "up", "above": 2, "below": 2]),
    ]

    @Test(arguments: broken)
    func whatCannotWorkIsRefused(_ kind: String, _ map: Value) {
        #expect(problem(kind, map) != nil)
    }

    @Test func everyFormReadsWhatItWrites() throws {
        var probe = httpProbe("http://127.0.0.1:1/")
        probe.status = StatusSet(200...299, 404...404)
        probe.contains = "x"
        probe.header = ["A": "b"]
        probe.json = ["/a": "b"]
        probe.redirects = 2
        probe.socket = "/run/x"
        probe.ca = "/etc/x.pem"
        probe.insecure = true
        probe.limit = ByteCount(5)
        let value = ProbeCatalog.encode(probe)
        #expect(try HTTPProbe.form.decode(FormNode(value)) == probe)
        var name = DNSProbe()
        name.dns = "h"
        name.type = .aaaa
        name.answer = "fd00::1"
        #expect(try DNSProbe.form.decode(FormNode(ProbeCatalog.encode(name))) == name)
        var workload = HTTPWorkload()
        workload.http = "http://127.0.0.1:1/{key}"
        workload.get.find = .contains
        let written = WorkloadCatalog.encode(workload)
        #expect(try HTTPWorkload.form.decode(FormNode(written)) == workload)
        #expect(throws: FormProblems.self) {
            try HTTPWorkload.form.decode(FormNode(["http": "http://127.0.0.1/same-for-all"]))
        }
        #expect(ProbeCatalog.standard.descriptions.allSatisfy { $0.fields.first?.name == $0.name })
        // The key named like a kind says which it is: no other field may have such a name.
        let kinds = Set(ProbeCatalog.standard.descriptions.map(\.name))
        for form in ProbeCatalog.standard.descriptions {
            #expect(kinds.isDisjoint(with: form.fields.dropFirst().map(\.name)), "\(form.name)")
        }
        #expect(WorkloadCatalog.standard.descriptions.allSatisfy { $0.fields.first?.name == $0.name })
    }
}
