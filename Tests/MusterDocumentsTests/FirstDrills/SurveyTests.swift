import MusterCore
import Testing

@testable import MusterDocuments

@Suite struct SurveyTests {
    private func survey(_ host: CapturedHost, greets: Bool = true) throws -> Survey {
        try Surveyor(on: host, greets: { _ in greets }).survey()
    }

    private func only(_ host: CapturedHost) throws -> FoundService {
        let found = try survey(host)
        try #require(found.services.count == 1, "\(found)")
        return found.services[0]
    }

    @Test func addressesOfTheKernelsTables() {
        func address(_ local: String) -> String? {
            SocketTables.tcp("head\n 0: \(local) 0:0 0A 0:0 0:0 0 0 0 5 1\n").first?.address.text
        }
        #expect(address("0100007F:18EB") == "127.0.0.1:6379")
        #expect(address("00000000000000000000000000000000:0050") == "[::]:80")
        #expect(address("00000000000000000000000001000000:0050") == "[::1]:80")
        #expect(address("B80D0120000000000000000001000000:0050") == "[2001:db8::1]:80")
        #expect(address("0000000000000000FFFF00000100007F:0050") == "127.0.0.1:80")
        #expect(address("0100:0050") == nil && address("XXXXXXXX:0050") == nil && address("0100007F:") == nil)
        #expect(SocketTables.tcp("head\n 0: 0100007F:18EB 0:0 01 0:0 0:0 0 0 0 5 1\n").isEmpty, "established")
        let unix = SocketTables.unix(
            "head\n0: 2 0 00010000 1 1 9 /run/a b\n0: 2 0 00000000 1 3 8 /run/c\n0: 2 0 00010000 1 1 7 @x\n")
        #expect(unix.map(\.address.text) == ["unix:/run/a b"])
    }

    @Test func aRedisOfATemplatedUnit() throws {
        let host = Captured.redis()
        let found = try survey(host)
        let redis = try #require(found.services.first)
        #expect(redis.kind == .redis && redis.unit == "redis-server@x.service" && redis.user == "redis")
        #expect(redis.comesBack && redis.restart == ["systemctl", "start", "redis-server@x"])
        #expect(redis.choice == TargetChoice(.listening(6380)))
        #expect(host.visited == ["127.0.0.1:6380: INFO server"])
        #expect(found.remarks == ["said, to find out what it is: INFO server to 127.0.0.1:6380"])
        #expect(ServiceNames.names(found.services) == ["redis-server-x"])
        let silent = Captured.redis()
        #expect(try survey(silent, greets: false).services.count == 1 && silent.visited.isEmpty)
    }

    @Test func whatAStrangerSaysOfItsLengthIsNotAddedUp() throws {
        let host = Captured.redis()
        host.answers[.tcp(host: "127.0.0.1", port: 6380)] = "$\(Int.max)\r\nredis_mode:standalone\r\n"
        #expect(try only(host).kind == .redis)
    }

    @Test func aPostgresClusterIsOneServiceFoundByItsPidFile() throws {
        let host = Captured.postgres()
        let found = try only(host)
        #expect(
            found.kind == .postgresql && found.cluster == "15/main" && found.unitWord == "postgresql@15-main")
        #expect(found.ports == [5432] && !found.comesBack)
        #expect(found.choice == TargetChoice(.pidFile("/run/postgresql/15-main.pid"), tree: true))
        #expect(host.visited.isEmpty, "its program tells what it is")
        // A pid file of somebody else's is none.
        host.files["/run/postgresql/15-main.pid"] = "801\n"
        host.files["/var/lib/postgresql/15/main/postmaster.pid"] = "800\n/var/lib\n5432\n"
        #expect(try only(host).choice.selector == .pidFile("/var/lib/postgresql/15/main/postmaster.pid"))
    }

    @Test func aMasterWithWorkersIsOneService() throws {
        let host = CapturedHost()
        host.files["/run/nginx.pid"] = "900"
        host.runs(
            900, "nginx", ["nginx: master process /usr/sbin/nginx"],
            listens: [.tcp("00000000:0050", 91), .tcp("00000000:01BB", 92)])
        for pid in 901...904 {
            host.runs(Int32(pid), "nginx", ["nginx: worker process"], parent: 900, user: 33)
            host.open[Int32(pid)] = [91, 92]
        }
        let nginx = try only(host)
        #expect(
            nginx.main == 900 && nginx.listeners == [900, 901, 902, 903, 904] && nginx.ports == [80, 443])
        #expect(nginx.choice == TargetChoice(.pidFile("/run/nginx.pid"), tree: true))
        #expect(
            nginx.restart?[2] == "cd / && exec setsid -f /usr/sbin/nginx </dev/null >/dev/null 2>&1",
            "its title tells what it was called with")
    }

    @Test func oneHolderAboveOthersOfTheSamePort() throws {
        let host = CapturedHost()
        // SO_REUSEPORT: three of one program, none above the others.
        for pid in [910, 911, 912] {
            host.runs(
                Int32(pid), "app", ["/srv/app", "--worker"], listens: [.tcp("0100007F:1F90", UInt64(pid))])
        }
        let app = try only(host)
        #expect(app.choice == TargetChoice(.listening(8080), count: 3) && app.listeners == [910, 911, 912])
    }

    @Test func aPortOnIPv6Only() throws {
        let host = CapturedHost()
        host.answers[.tcp(host: "::1", port: 8081)] = "HTTP/1.0 200 OK\r\n\r\n"
        host.runs(
            920, "python3", ["python3", "-m", "http.server"],
            listens: [.tcp6("00000000000000000000000000000000:1F91", 93)])
        let found = try only(host)
        #expect(
            found.kind == .http && found.address == .tcp(host: "::1", port: 8081)
                && found.answer == .http(200))
        #expect(ServiceNames.names([found]) == ["python3-8081"])
    }

    @Test func aServerOnAUnixSocketOnly() throws {
        let host = CapturedHost()
        host.files["/run/redis/redis-server.pid"] = "930\n"
        host.runs(
            930, "redis-server", ["redis-server unixsocket:/run/redis/redis.sock"],
            listens: [.unix("/run/redis/redis.sock", 94)])
        host.runs(931, "something", ["something"], listens: [.unix("/run/something", 95)])
        let redis = try only(host)
        #expect(redis.address == .unix("/run/redis/redis.sock"))
        #expect(redis.choice.selector == .pidFile("/run/redis/redis-server.pid"))
    }

    @Test func whatIsNeverOffered() throws {
        let host = CapturedHost()
        host.runs(1, "systemd", ["/sbin/init"], listens: [.tcp("00000000:270F", 100)])
        host.runs(940, "sshd", ["sshd: /usr/sbin/sshd -D"], listens: [.tcp("00000000:0016", 101)])
        host.runs(941, "myssh", ["myssh"], listens: [.tcp("00000000:08AE", 102)])
        host.answers[.tcp(host: "127.0.0.1", port: 2222)] = "SSH-2.0-x\r\n"
        host.runs(
            942, "redis-server", ["redis-server *:6379"], cgroup: "/system.slice/docker-abc.scope",
            listens: [.tcp("00000000:18EB", 103)])
        host.runs(943, "docker-proxy", ["docker-proxy"], listens: [.tcp("00000000:1F40", 104)])
        host.runs(944, "app", ["app"], listens: [.tcp("00000000:1F41", 105)])
        host.files["/proc/944/status"] = "NSpid:\t944\t7\n"
        let found = try survey(host)
        #expect(found.services.isEmpty, "\(found.services)")
        let why = Dictionary(
            uniqueKeysWithValues: found.withheld.map { ($0.addresses[0].port ?? 0, $0.reason) })
        #expect(why[9999]?.contains("init holds") == true && why[22]?.contains("cut yourself off") == true)
        #expect(
            why[2222]?.contains("speaks SSH") == true
                && why[6379]?.contains("in a container (docker-abc") == true)
        #expect(
            why[8000]?.contains("containers") == true && why[8001]?.contains("another pid namespace") == true)
        #expect(
            !host.visited.contains { $0.hasPrefix("127.0.0.1:22:") || $0.contains(":6379") },
            "\(host.visited)")
    }

    @Test func whatThisUserCannotSeeIsSaid() throws {
        let host = CapturedHost()
        host.user = 1000
        host.runs(
            950, "redis-server", ["redis-server *:6379"], user: 105, listens: [.tcp("00000000:18EB", 110)])
        host.open[950] = nil
        let found = try survey(host)
        #expect(found.services.isEmpty && found.withheld.count == 1)
        #expect(found.withheld[0].user == "redis" && found.withheld[0].program == nil)
        #expect(found.withheld[0].reason.contains("sudo"))
        #expect(found.remarks.contains { $0.hasPrefix("1 processes of other users") })
    }

    @Test func otherNetworksAreNamed() throws {
        let host = CapturedHost()
        host.runs(960, "app", ["app"]).spaces[960] = 77
        host.files["/proc/960/net/tcp"] = "head\n 0: 00000000:1F90 0:0 0A 0:0 0:0 0 0 0 5 1\n"
        host.runs(961, "web", ["web"]).spaces[961] = 77
        host.open[961] = [5]
        let found = try survey(host)
        #expect(
            found.services.isEmpty
                && found.withheld.map(\.reason) == ["in another network namespace: drill it from there"])
        #expect(found.withheld.map(\.program) == ["web"], "whoever holds the socket, not whoever came first")
    }

    @Test func whoVanishesIsLeftOut() throws {
        let host = Captured.redis()
        host.vanishing = [700]
        #expect(try survey(host).services.isEmpty)
    }

    @Test func protocolsTellWhatProgramsDoNot() throws {
        let cases: [(String, ServiceKind)] = [
            ("HTTP/1.1 404 Not Found\r\n", .http), ("-ERR unknown command\r\n", .redis),
            ("-NOAUTH Authentication required.\r\n", .redis),
            ("ERROR\r\n", .memcached), ("AMQP\u{0}\u{0}\u{9}\u{1}", .rabbitmq),
            ("\u{1}\u{0}\u{0}\u{0}\u{0}\u{1}\u{7F}\u{0}\u{A}\u{0}\u{A}\u{0}\u{9}", .rabbitmq),
            ("\u{1}\u{0}\u{0}\u{0}\u{0}\u{1}\u{7F}\u{0}\u{A}\u{0}\u{B}\u{0}\u{9}", .tcp),
            ("J\u{0}\u{0}\u{0}\u{A}8.0.36\u{0}", .mysql), ("hello\r\n", .tcp),
            ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{50}", .http),
        ]
        for (answer, kind) in cases {
            let host = CapturedHost()
            host.answers[.tcp(host: "127.0.0.1", port: 7000)] = answer
            host.runs(970, "mystery", ["mystery"], listens: [.tcp("0100007F:1B58", 120)])
            #expect(try only(host).kind == kind, "\(answer)")
        }
    }

    @Test func howAServiceWasStarted() throws {
        let host = CapturedHost()
        host.runs(50, "bash", ["-bash"], parent: 49)
        host.runs(
            980, "python3", ["python3", "-m", "http.server", "it's"], parent: 50, user: 33,
            listens: [.tcp("0100007F:1F40", 130)], exe: "/usr/bin/python3.11", cwd: "/srv/my site")
        let found = try only(host)
        #expect(found.starter == .nobody && !found.comesBack)
        #expect(
            found.restart?[2]
                == #"cd '/srv/my site' && exec setsid -f setpriv --reuid=33 --regid=4242 --init-groups -- /usr/bin/python3.11 -m http.server 'it'\''s' </dev/null >/dev/null 2>&1"#
        )
        // As this user nobody else has to be become.
        host.user = 33
        #expect(try only(host).restart?[2].contains("setpriv") == false)
        // What may hold a secret is not repeated, neither in a command nor in a selector.
        host.running[1].arguments = ["python3", "app.py", "--token=abc"]
        let secret = try only(host)
        #expect(secret.restart == nil && secret.choice.selector == .listening(8000))
    }

    /// Redis rewrites its title, and tells where its configuration lies.
    @Test func howARedisWasStarted() throws {
        let host = CapturedHost()
        host.tools = ["redis-server"]
        let info =
            "redis_mode:standalone\r\nexecutable:/somewhere/redis-server\r\nconfig_file:/etc/r.conf\r\n"
        host.answers[.tcp(host: "127.0.0.1", port: 6379)] = "$\(info.utf8.count)\r\n\(info)\r\n"
        host.runs(
            995, "redis-server", ["redis-server *:6379"], listens: [.tcp("00000000:18EB", 132)],
            cwd: "/srv/its data")
        // Its configuration may say `dir ./`, which is wherever somebody stood.
        #expect(
            try only(host).restart
                == ["/usr/bin/redis-server", "/etc/r.conf", "--daemonize", "yes", "--dir", "/srv/its data"])
        host.answers[.tcp(host: "127.0.0.1", port: 6379)] = "-NOAUTH Authentication required.\r\n"
        #expect(try only(host).restart == nil)
    }

    @Test func whoStartsItAgain() throws {
        func starter(_ name: String, _ arguments: [String]) throws -> FoundService.Starter {
            let host = CapturedHost()
            host.runs(51, name, arguments, cwd: "/etc/service/app")
            host.runs(990, "app", ["/srv/app"], parent: 51, listens: [.tcp("0100007F:1F40", 131)])
            return try only(host).starter
        }
        #expect(
            try starter("runsv", ["runsv", "app"])
                == .supervisor(name: "runit", command: ["sv", "start", "/etc/service/app"]))
        #expect(
            try starter("supervise-daemo", ["supervise-daemon", "app", "--start"])
                == .supervisor(name: "OpenRC", command: ["rc-service", "app", "start"]))
        #expect(try starter("bash", ["bash", "/srv/loop"]) == .perhaps(parent: "bash /srv/loop"))
        #expect(try starter("bash", ["bash", "-c", "x --password=y"]) == .perhaps(parent: "bash"))
        #expect(try starter("bash", ["bash", "-l"]) == .nobody && starter("sshd", ["sshd"]) == .nobody)
    }

    @Test func twoWithOneNameGetTheirPorts() throws {
        let host = CapturedHost()
        for (pid, local) in [(60, "0100007F:18EB"), (61, "0100007F:18EC")] as [(Int32, String)] {
            host.runs(pid, "redis-server", ["redis-server"], listens: [.tcp(local, UInt64(pid))])
        }
        host.runs(62, "we\u{1B}[31mird näme", ["x"], listens: [.tcp("0100007F:1F40", 62)])
        let names = ServiceNames.names(try survey(host).services)
        #expect(names == ["redis-server-6379", "redis-server-6380", "we-31mird-n-me"])
        #expect(
            ServiceNames.word("!!!") == "service"
                && ServiceNames.word(String(repeating: "a-", count: 60)).count <= 48)
    }
}
