import MusterCore

extension KindTemplate {
    static func http(_ service: FoundService) -> KindTemplate {
        var template = asking(service)
        template.losses = "what the service acknowledged and kept in memory only"
        return template
    }

    /// What stands before others: nginx, Apache, haproxy.
    static func front(_ service: FoundService) -> KindTemplate {
        var template = asking(service)
        template.probeNotes.append(
            "CONFIRM: a page that it answers itself, or one that needs a server behind it? That is another drill."
        )
        template.losses = "requests that were under way"
        return template
    }

    private static func asking(_ service: FoundService) -> KindTemplate {
        let address = service.address
        guard case .tcp = address else { return connection(service) }
        let isTLS = service.answer == .tls || [443, 8443].contains(address.port)
        let url = "\(isTLS ? "https" : "http")://\(address.text)/"
        var probe = "http: \(yamlText(url, quoted: true))"
        var notes: [String] = []
        switch service.answer {
        case .http(let status)?
        where !(200...399).contains(status) && ![400, 405, 501].contains(status) && !isTLS:
            probe += ", status: \(yamlText("200-399, \(status)", quoted: true))"
            notes = [
                "CONFIRM: / answers \(status) now, which is taken as good here. Name a page that tells whether the service works,",
                "and leave `status:` out.",
            ]
        case .http(let status)? where !isTLS:
            notes = [
                "/ answered \(status) to HEAD. CONFIRM: name a page that tells whether the service works, such as /health."
            ]
        case .refused?, .silence?, .other?:
            // The drill would never get steady with a probe that nobody answers.
            probe = connecting(to: address)
            notes = [
                "It did not answer HEAD /, so this probe only connects. Better: a page, { http: \(yamlText(url, quoted: true)) }."
            ]
        default:
            notes = ["CONFIRM: name a page that tells whether the service works, such as /health."]
        }
        if isTLS, probe.hasPrefix("http") {
            probe += ", insecure: true"
            notes.append(
                "insecure: any certificate is good, because its name is not known here. With one: `tls: \"NAME:443\"`."
            )
        }
        let flags = isTLS ? "-ksSg" : "-sSg"
        return KindTemplate(
            probe: probe, probeNotes: notes,
            workload: [
                "# If it keeps what clients write, a workload tells what a crash loses; see `muster probes http`. For example:",
                "# workloads:",
                "#   writes: { http: \(yamlText(url + "items/{key}", quoted: true)), writers: 4, rate: 50/s, timeout: 1s }",
                "# objectives: rpo: 0s and integrity: strict go with it. It is a comment because it would write to your data.",
            ],
            startAllowance: .seconds(5),
            waits: service.tools.contains("curl")
                ? "curl \(flags) --max-time 2 -o /dev/null \(shellQuoted(url))" : connects(to: address),
            waitNote: "Any answer will do here; look at a page that needs its data, too.", losses: "")
    }

    static func connection(_ service: FoundService) -> KindTemplate {
        KindTemplate(
            probe: connecting(to: service.address),
            probeNotes: [
                "It only connects: that a port is open does not say that the service works. `muster probes` lists better ones,",
                "and `exec: [PROGRAM]` takes one of yours.",
            ],
            workload: [
                "# No workload, so the drill says nothing about lost data. `muster probes` lists the kinds; one of your own is",
                "# `exec: [PROGRAM]`, docs/EXEC_WORKLOAD.md. All of them write to the service's data.",
            ],
            startAllowance: .seconds(5), waits: connects(to: service.address),
            waitNote: "An open port is the least that can be asked for.",
            losses: "nothing is known about what it keeps")
    }
}
