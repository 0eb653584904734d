import ArgumentParser
import Foundation
import MusterCore
import MusterGuard
import MusterHost

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a first drill, runbook and services file for something that runs on this machine.",
        discussion: """
            Example: muster init               lists what listens here
                     muster init --port 8080   writes drills/, runbooks/ and drills/services.yaml for it

            It overwrites nothing, and the drill it writes breaks nothing before you have read and run it.
            """)

    @Option(help: "The TCP port of the service to drill.") var port: Int?
    @Option(help: "The service's name (default: that of its program).") var name: String?
    @Option(help: "Where to write (default: the working directory).") var directory = "."
    @OptionGroup var state: StateOptions

    func run() throws {
        try carryOut {
            let host: any HostReader = LinuxHost(
                site: GuardSite(executable: "", stateDirectory: StateDirectory.path(explicit: state.state)),
                journal: nil)
            guard let port else {
                list(try Listening.all(on: host))
                return .pass
            }
            guard let pid = try host.listeners(onPort: port).first, let process = try host.process(pid) else {
                throw Refusal(
                    .usage, "nothing that this user may see listens on port \(port)",
                    advice: "run `muster init` for the list, with sudo for the services of other users")
            }
            let template = FirstDrill(
                name: Self.word(name ?? process.name), port: port, program: process.name)
            let written = try write(template)
            for path in written { Terminal.line("wrote \(path)") }
            Terminal.line("read it, then: muster plan \(written[0]); muster run \(written[0])")
            return .pass
        }
    }

    private func list(_ found: [(port: Int, process: ProcessStatus)]) {
        guard !found.isEmpty else {
            Terminal.line("Nothing that this user may see listens on a TCP port.")
            return
        }
        var table = Table("PORT", "PROCESS", "COMMAND")
        for item in found {
            table.add(
                "\(item.port)", "\(item.process.identity.pid)", item.process.arguments.joined(separator: " "))
        }
        Terminal.line(table.text(width: Terminal.width))
        Terminal.line("\nA first drill for one of them: muster init --port PORT")
    }

    private func write(_ template: FirstDrill) throws -> [String] {
        let base = directory == "." ? "" : directory + "/"
        let files = [
            (base + "drills/\(template.name)-kill.yaml", template.drill),
            (base + "runbooks/restart-\(template.name).md", template.runbook),
            (base + "drills/services.yaml", template.services),
        ]
        for (path, _) in files.prefix(2) where Files.exists(path) {
            throw Refusal(.usage, "\(path) exists already", advice: "choose another --name, or move it away")
        }
        var written: [String] = []
        for (path, text) in files {
            if Files.exists(path) {
                Terminal.line("kept \(path); add this to its `services:` yourself:\n\(template.serviceEntry)")
                continue
            }
            try Files.write(text, to: path)
            written.append(path)
        }
        return written
    }

    /// Letters, digits and dashes, so that it can be a file's and a drill's name.
    private static func word(_ text: String) -> String {
        let word = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let trimmed = String(word).split(separator: "-").joined(separator: "-")
        return trimmed.isEmpty ? "service" : trimmed
    }
}

/// What listens on this machine, as far as this user may see.
enum Listening {
    static func all(on host: any HostReader) throws -> [(port: Int, process: ProcessStatus)] {
        var ports: Set<Int> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = String(decoding: try host.contents(of: table) ?? [], as: UTF8.self)
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // proc(5): local address in field 1, state in field 3; 0A is LISTEN.
                guard fields.count > 3, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                    let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16)
                else { continue }
                ports.insert(port)
            }
        }
        return try ports.sorted().compactMap { port in
            guard let pid = try host.listeners(onPort: port).first, let process = try host.process(pid) else {
                return nil
            }
            return (port, process)
        }
    }
}

/// A first drill for a service that runs already.
struct FirstDrill {
    var name: String
    var port: Int
    var program: String

    private var probe: String {
        if program.hasPrefix("redis") { return "redis: \"redis://127.0.0.1:\(port)\"" }
        if ["nginx", "apache2", "haproxy", "caddy"].contains(program) || [80, 8000, 8080].contains(port) {
            return "http: \"http://127.0.0.1:\(port)/\""
        }
        return "tcp: \"127.0.0.1:\(port)\""
    }

    var drill: String {
        """
        # A first drill for the service on port \(port). Read it before you run it:
        #   muster plan drills/\(name)-kill.yaml     shows what it would touch
        #   muster run drills/\(name)-kill.yaml
        format: 1
        drill: \(name)-kill
        service: \(name)
        owner: you
        environment: lab
        failureMode: process-crash
        expect: \(name) is restarted by its supervisor within ten seconds.

        objectives:
          rto: { max: 10s, from: fault }

        targets:
          \(name):
            process: { listening: \(port) }
            # Muster puts back what it breaks. If nothing restarts this service by itself, say how:
            # restart: [systemctl, start, \(name)]

        probes:
          answers: { \(probe), every: 50ms, timeout: 500ms }

        # No `workloads:` yet, so the drill says nothing about lost data. See `muster probes http`.

        steady: { for: 2s }

        steps:
          - inject: process-kill
            as: crash
            into: \(name)
            with: { signal: KILL }

        recovered: { stable: 10s, within: 60s }
        abort: { after: 3m }

        """
    }

    var runbook: String {
        """
        ---
        shell: bash
        muster:
          id: restart-\(name)
          service: \(name)
          owner: you
          verifyEvery: 90d
        ---
        # Restart \(name)

        ### 1. Start it
        ```sh {"name":"start","kind":"command","timeout":"60s","idempotent":"true","rollback":"none","excludeFromRunAll":"true","interactive":"false"}
        systemctl start \(name)
        ```

        ### 2. Wait until it answers
        ```sh {"name":"answers","kind":"wait","interval":"1s","timeout":"60s","interactive":"false"}
        timeout 1 bash -c '</dev/tcp/127.0.0.1/\(port)'
        ```

        """
    }

    var serviceEntry: String {
        """
          \(name):
            owner: you
            rto: 10s
            verifyEvery: 90d
            failureModes: [process-crash]

        """
    }

    var services: String { "format: 1\nservices:\n" + serviceEntry }
}
