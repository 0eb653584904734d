import MusterCore

extension KindTemplate {
    static func redis(_ service: FoundService) -> KindTemplate {
        var template = speaking(service)
        template.losses =
            "what Redis keeps depends on appendonly and appendfsync: redis-cli config get 'append*'"
        return template
    }

    /// A Sentinel serves no data: killing one must not be noticed by anybody.
    static func sentinel(_ service: FoundService) -> KindTemplate {
        var template = speaking(service)
        template.workload = [
            "# A Sentinel keeps no data. What must not break while one is down is the service that it watches:",
            "# add a probe of the Redis master here, name it under `judgedBy:`, and predict { outage: none }.",
        ]
        template.losses = "a Sentinel keeps no data"
        return template
    }

    private static func speaking(_ service: FoundService) -> KindTemplate {
        let address = service.address
        let client = service.tools.contains("redis-cli") ? "redis-cli" : "valkey-cli"
        let hasClient = service.tools.contains(client)
        var place = ""
        var waits = connects(to: address)
        if case .tcp(let host, let port) = address {
            place = "redis://\(address.text)"
            if hasClient { waits = "\(client) -h \(host) -p \(port) ping | grep -qE '^(PONG|NOAUTH)'" }
        } else if case .unix(let path) = address, hasClient {
            waits = "\(client) -s \(shellQuoted(path)) ping | grep -qE '^(PONG|NOAUTH)'"
        }
        let wantsPassword = service.answer == .redisWantsPassword
        var notes: [String] = []
        if wantsPassword {
            notes = [
                "It wants a password, which a redis: probe cannot give yet, so this one only connects: a server that",
                "still loads its data counts as good.",
            ]
        } else if place.isEmpty {
            notes = [
                "It listens on no port, so this probe only connects: a server that still loads its data counts as good."
            ]
        }
        return KindTemplate(
            probe: place.isEmpty || wantsPassword
                ? connecting(to: address) : "redis: \(yamlText(place, quoted: true))",
            probeNotes: notes, every: "20ms", timeout: "250ms",
            workload: place.isEmpty || wantsPassword
                ? ["# A workload needs a port and, so far, a server without a password: muster probes redis."]
                : [
                    "# workloads:",
                    "#   writes: { redis: \(yamlText(place, quoted: true)), writers: 4, rate: 100/s, timeout: 1s }",
                    "# objectives: rpo: 0s and integrity: strict go with it. It is a comment because it would write keys of",
                    "# its own (muster:…) among your data; they are not there before and are looked for afterwards.",
                ],
            startAllowance: .seconds(10), waits: waits,
            waitNote:
                "While it reads its data it answers LOADING instead of PONG; NOAUTH says that it is up and wants a password.",
            losses: "")
    }
}
