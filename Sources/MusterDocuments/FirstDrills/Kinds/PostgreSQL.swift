import MusterCore

extension KindTemplate {
    static func postgresql(_ service: FoundService) -> KindTemplate {
        let (place, port) = postgresPlace(service.address)
        let arguments = ["pg_isready", "--quiet", "--timeout", "2", "--host", place, "--port", String(port)]
        let hasTool = service.tools.contains("pg_isready")
        let address = "host=\(place) port=\(port) user=YOU dbname=YOURS"
        var notes = [
            "It needs no login, and is good once the server takes connections, which it does not while it replays its log.",
            "Better, with a login: a write of its own, { postgres: \(yamlText(address, quoted: true)), every: 100ms }.",
            "It is not written here because it makes a table, muster_probe, in that database. See muster probes postgres.",
        ]
        if !hasTool {
            notes[0] =
                "It only connects, which succeeds while the log is still replayed: install pg_isready (postgresql-client)."
        }
        return KindTemplate(
            probe: hasTool ? "exec: \(yamlList(arguments))" : connecting(to: service.address),
            probeNotes: notes, every: hasTool ? "250ms" : "50ms", timeout: hasTool ? "3s" : "500ms",
            workload: [
                "# workloads:",
                "#   writes: { postgres: \(yamlText(address, quoted: true)), writers: 4, rate: 100/s, timeout: 2s }",
                "# objectives: rpo: 0s and integrity: strict go with it. It is a comment because it needs a login (peer, .pgpass or",
                "# password: \"$${file:/path}\") and would make a table, muster_<run>, in your database; it drops it afterwards.",
            ],
            startAllowance: .seconds(20),
            waits: hasTool
                ? arguments.map(shellQuoted).joined(separator: " ") : connects(to: service.address),
            waitNote: hasTool
                ? "While it replays its log it rejects connections: \"the database system is starting up\"."
                : "That it takes connections does not say yet that it has replayed its log.",
            losses: "with synchronous_commit=off the newest commits may be lost")
    }

    /// Host and port as libpq takes them: a socket is named by its directory and its number (libpq, "Parameter Key Words").
    private static func postgresPlace(_ address: StreamAddress) -> (String, Int) {
        switch address {
        case .tcp(let host, let port): return (host, port)
        case .unix(let path):
            let slash = path.lastIndex(of: "/") ?? path.startIndex
            let port = Int(path.split(separator: ".").last ?? "") ?? 5432
            return (String(path[..<slash]), port)
        }
    }
}
