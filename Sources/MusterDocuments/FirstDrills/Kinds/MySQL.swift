import MusterCore

extension KindTemplate {
    /// `ping` needs no login: a server that denies access is up, and the program ends with 0 (mariadb-admin(1)).
    /// `--no-defaults`: no file with a password is read.
    static func mysql(_ service: FoundService) -> KindTemplate {
        let tool = ["mariadb-admin", "mysqladmin"].first { service.tools.contains($0) }
        let place: [String]
        switch service.address {
        case .tcp(let host, let port): place = ["--protocol=tcp", "--host=\(host)", "--port=\(port)"]
        case .unix(let path): place = ["--socket=\(path)"]
        }
        let arguments = tool.map {
            [$0, "--no-defaults", "--silent", "--connect-timeout=2"] + place + ["ping"]
        }
        // A packet's length in three bytes, its number 0, and the version of the protocol, 10; in the place of the version
        // 255, where it refuses (https://mariadb.com/kb/en/connection/).
        let greeting = Conversation(hears: "head -c 5 <&3 | od -An -tx1 | grep -q \"00 0a\"")
        let words = arguments ?? greeting.words(to: service)
        return KindTemplate(
            probe: words.map { "exec: \(yamlList($0))" } ?? connecting(to: service.address),
            probeNotes: notes(service, pings: arguments != nil, hears: words != nil),
            every: "250ms", timeout: words == nil ? "500ms" : "3s",
            workload: [
                "# There is no workload of its own for it. One needs a login and writes to your data, so it is yours to write:",
                "# `exec: [PROGRAM]`, docs/EXEC_WORKLOAD.md.",
            ],
            startAllowance: .seconds(20),
            waits: arguments.map { $0.map(shellQuoted).joined(separator: " ") }
                ?? waits(words, service.address),
            waitNote: "InnoDB has replayed its log when it answers.",
            losses: "with innodb_flush_log_at_trx_commit other than 1 the newest commits may be lost")
    }

    private static func notes(_ service: FoundService, pings: Bool, hears: Bool) -> [String] {
        if pings { return ["It needs no login: a server that answers \"access denied\" is up."] }
        var notes = [
            hears
                ? "It hears the server's greeting and hangs up, which its log may call an aborted connection: install"
                : "It only connects, which its log may call an aborted connection: install",
            "mariadb-admin (mariadb-client) for a ping.",
        ]
        // is_ip_loopback() keeps loopback out of the server's host cache, and so of its count.
        if case .tcp(let host, _) = service.address, !host.hasPrefix("127."), host != "::1" {
            notes.append(
                "CONFIRM: do so before you run it. After max_connect_errors of these (100) the server blocks this host."
            )
        }
        return notes
    }
}
