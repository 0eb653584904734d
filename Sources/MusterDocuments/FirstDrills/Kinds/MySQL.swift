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
        return KindTemplate(
            probe: arguments.map { "exec: \(yamlList($0))" } ?? connecting(to: service.address),
            probeNotes: [
                arguments == nil
                    ? "It only connects: install mariadb-admin (mariadb-client) for a probe that shakes hands."
                    : "It needs no login: a server that answers \"access denied\" is up."
            ],
            every: arguments == nil ? "200ms" : "250ms", timeout: arguments == nil ? "500ms" : "3s",
            workload: [
                "# There is no workload of its own for it. One needs a login and writes to your data, so it is yours to write:",
                "# `exec: [PROGRAM]`, docs/EXEC_WORKLOAD.md.",
            ],
            startAllowance: .seconds(20),
            waits: arguments.map { $0.map(shellQuoted).joined(separator: " ") }
                ?? connects(to: service.address),
            waitNote: "InnoDB has replayed its log when it answers.",
            losses: "with innodb_flush_log_at_trx_commit other than 1 the newest commits may be lost")
    }
}
