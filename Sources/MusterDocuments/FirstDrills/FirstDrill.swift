import MusterCore
import MusterDrills

/// A first drill for a service that runs already, with its runbook and its entry in `services.yaml`: everything that can
/// be found out is filled in, and what only its people can know says CONFIRM.
public struct FirstDrill: Sendable {
    public let service: FoundService
    public let name: String
    public let owner: String
    /// Whether the project's services.yaml has the service already, whose objectives then count.
    public var inherits = false
    /// Given on the command line: what starts it, instead of what was found.
    public var restart: [String]?
    let template: KindTemplate

    /// - Parameters:
    ///   - name: as of `ServiceNames`.
    ///   - owner: a name that YAML takes as it is.
    public init(_ service: FoundService, name: String, owner: String = "you") {
        self.service = service
        self.name = name
        self.owner = owner
        restart = service.restart
        template = KindTemplate.of(service)
    }

    public var drillPath: String { "drills/\(name)-kill.yaml" }
    public var runbookPath: String { "runbooks/restart-\(name).md" }

    /// Whether the drill brings it back with its runbook, because nobody else does.
    var usesRunbook: Bool { !service.comesBack && restart != nil }

    // MARK: Figures

    /// A client does not wait for systemd to start it again: it does so itself.
    private var delay: Duration { service.isSocketActivated ? .zero : service.settings?.delay ?? .zero }

    /// Starting may take no longer than its unit allows.
    private var allowance: Duration {
        min(template.startAllowance, service.settings?.startTimeout ?? template.startAllowance)
    }

    /// Rounded up to five seconds; a clock that starts with a runbook counts neither the pause nor the wait.
    var rto: Duration {
        let wanted = (usesRunbook ? .zero : delay) + allowance
        let seconds = (wanted.nanoseconds + 999_999_999) / 1_000_000_000
        return .seconds(max(10, (seconds + 4) / 5 * 5))
    }

    private static let stable = Duration.seconds(30)
    private static let pause = Duration.seconds(1)

    /// From the pause before it is started again to the objective: outside of that somebody should ask why.
    private var prediction: [String] {
        if usesRunbook {
            return [
                "predict: { outage: \(Self.pause.unitsText)..\((Self.pause + rto).unitsText) }   # from the kill: the wait below, then the runbook"
            ]
        }
        switch service.starter {
        case .unit where service.comesBack:
            let least = service.isSocketActivated ? "Its next client starts it" : "At least RestartSec"
            return [
                "# \(least); at most a guess: that, and \(allowance.unitsText) for \(service.kind.title) to start.",
                "# CONFIRM: what did its last restart take? (journalctl -u \(service.unitWord ?? ""))",
                "predict: { outage: \(delay.unitsText)..\(rto.unitsText) }",
            ]
        case .supervisor(let name, _):
            return [
                "# CONFIRM: how long does \(name) wait before it starts it again? Then predict, such as:",
                "# predict: { outage: 1s..\(rto.unitsText) }",
            ]
        default:
            return [
                "# predict: { outage: 100ms..\(rto.unitsText) }   # once you know who starts it again, and when"
            ]
        }
    }

    // MARK: The drill

    public var drill: String {
        let within = rto * 3 + Self.stable
        return """
            \(head.joined(separator: "\n"))
            format: 1
            drill: \(name)-kill
            service: \(name)
            owner: \(owner)   # CONFIRM: who answers for it
            environment: lab   # CONFIRM: lab, staging or production
            failureMode: process-crash
            expect: \(yamlText(expectation, quoted: true))
            \(prediction.joined(separator: "\n"))

            \(objectives)

            targets:
              \(name):
            \(indented(target, 4))

            probes:
            \(indented(probes, 2))

            \(template.workload.joined(separator: "\n"))

            steady: { for: 5s }

            steps:
            \(indented(steps, 2))

            recovered: { stable: \(Self.stable.unitsText), within: \(within.unitsText) }
            abort: { after: \((within + .seconds(120)).unitsText) }

            """
    }

    private var probes: [String] {
        var lines = template.probeNotes.map { "# " + $0 }
        lines.append(
            "answers: { \(template.probe), every: \(template.every), timeout: \(template.timeout) }")
        if let glance = template.glance {
            lines.append(
                "# That is a program, which looks too seldom to see an outage of a moment. This one only connects:"
            )
            lines.append("connects: \(glance)")
        }
        return lines
    }

    private var head: [String] {
        var lines = [
            "# A first drill for \(printable(service.program)) (\(service.kind.title)), written by `muster init`: kills it once, and times how long",
            "# its clients are without it. Read it, and settle every line that says CONFIRM. Then:",
            "#",
            "#   muster plan \(drillPath)     shows what it would touch, and touches nothing",
            "#   muster run \(drillPath)",
            "#",
            "# Found: \(service.addresses.map { printable($0.text) }.joined(separator: ", ")), user \(service.user).",
        ]
        if service.user != "root" || service.unit != nil {
            lines.append("# Processes of other users, and units of the system, need root: sudo muster run …")
        }
        return lines + starterLines
    }

    private var starterLines: [String] {
        switch service.starter {
        case .unit:
            let unit = printable(service.unit ?? "")
            guard let settings = service.settings else {
                let why = service.isUserUnit ? "a unit of a user" : "its file was not found"
                return ["# Unit: \(unit) (\(why)). CONFIRM: does it restart it by itself after a SIGKILL?"]
            }
            let limit =
                "systemd gives up after \(settings.burst) starts within \(settings.interval.unitsText)."
            let after =
                service.isSocketActivated
                ? "systemd holds its socket, and starts it when somebody connects; \(limit)"
                : settings.restartsAfterKill
                    ? "It is started again after a SIGKILL; \(limit)"
                    : "It is not started again after a SIGKILL, so the drill follows \(runbookPath)."
            return ["# Unit: \(unit), \(printable(settings.inWords)).", "# \(after)"]
        case .supervisor(let name, _): return ["# Its parent is \(name), which starts it again."]
        case .perhaps(let parent):
            return [
                "# It belongs to no unit. Its parent is: \(parent)",
                "# CONFIRM: does that start it again? If not, let the drill follow the runbook (see `steps:`).",
            ]
        case .nobody:
            return ["# It belongs to no unit, and nobody is known who starts it again."]
        }
    }

    private var expectation: String {
        if usesRunbook {
            return "Following runbooks/restart-\(name).md brings it back within \(rto.unitsText)."
        }
        return service.comesBack
            ? "It is back within \(rto.unitsText) by itself."
            : "CONFIRM: who starts it again? It is back within \(rto.unitsText)."
    }

    private var clock: String { usesRunbook ? "declared" : "fault" }

    private var objectives: String {
        if inherits { return "# Objectives: those of \(name) in services.yaml." }
        return """
            # What is allowed, not what is expected. CONFIRM: how long may its users be without it?
            # What a crash may lose: \(template.losses).
            objectives:
              rto: { max: \(rto.unitsText), from: \(clock) }
            """
    }

    private var target: [String] {
        let choice = service.choice
        let selector: String
        switch choice.selector {
        case .listening(let port): selector = "listening: \(port)"
        case .pidFile(let path): selector = "pidFile: \(yamlText(path, quoted: true))"
        case .commandLine(let text): selector = "commandLine: \(yamlText(text, quoted: true))"
        case .cgroup(let path): selector = "cgroup: \(yamlText(path, quoted: true))"
        case .name(let name): selector = "name: \(yamlText(name, quoted: true))"
        case .fixture: preconditionFailure("a service that runs already is no fixture")
        }
        var lines = ["process: { \(selector) }"]
        if choice.count != 1 {
            lines.append(
                "count: \(choice.count)   # CONFIRM: so many share the port now; the drill is refused with another number"
            )
        }
        guard let restart else {
            return lines + [
                "# CONFIRM: what starts it? Nobody is known who does, so `plan` refuses the drill until this says so:",
                "# restart: [PROGRAM, ARGUMENT]",
                "# (Or remove the files, and run `muster init` with --restart COMMAND: then the runbook says it, too.)",
            ]
        }
        lines.append(
            "# The undo runs this where nothing else has brought it back; it is no part of the time that is measured."
        )
        if service.unit == nil, let start = service.start, restart == start.command {
            lines.append("# CONFIRM: rebuilt from how it runs now. Not known: \(start.doubts).")
            if let besides = start.besides { lines.append("# " + printable(besides)) }
        }
        return lines + ["restart: \(yamlList(restart))"]
    }

    private var steps: [String] {
        let tree = service.choice.tree ? ", tree: true" : ""
        var lines = [
            "- inject: process-kill", "  as: crash", "  into: \(name)", "  with: { signal: KILL\(tree) }",
        ]
        let runbook = [
            "- wait: \(Self.pause.unitsText)   # stands for the time until somebody opens the runbook",
            "- runbook: restart-\(name).md",
        ]
        if usesRunbook { return lines + runbook }
        if case .perhaps = service.starter, restart != nil {
            lines.append(
                "# If nobody starts it again, with rto: { max: \(rto.unitsText), from: declared } here and in services.yaml:"
            )
            lines += runbook.map { "# " + $0 }
        }
        return lines
    }

    private func indented(_ lines: [String], _ columns: Int) -> String {
        lines.map { String(repeating: " ", count: columns) + $0 }.joined(separator: "\n")
    }

    // MARK: services.yaml

    /// The lines of its entry, without the indentation of `services:`.
    var entryLines: [String] {
        [
            "\(name):", "  owner: \(owner)   # CONFIRM", "  rto: { max: \(rto.unitsText), from: \(clock) }",
            "  verifyEvery: 90d", "  failureModes: [process-crash]",
        ]
    }

    /// A whole services.yaml, where there is none yet.
    public static func services(_ drills: [FirstDrill]) -> String {
        "# Who must recover how fast, and what must have been drilled: `muster verify` compares it with the outcomes.\n"
            + "format: 1\nservices:\n" + drills.map { $0.entry() }.joined()
    }

    /// Its entry as it stands below `services:`.
    public func entry(indent: String = "  ", lineEnd: String = "\n") -> String {
        entryLines.map { indent + $0 + lineEnd }.joined()
    }
}
