import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterGuard
import MusterProbes
import MusterSystem

/// A drill that was read and checked, with what belongs to one run of it.
struct PreparedDrill: Sendable {
    var drill: Drill
    var path: String
    var text: String
    var project: Project
    var runID: String
    /// The scratch directory of the run; nil when the drill uses none.
    var scratch: String?
    var secrets: Set<String>
    /// Of the webhooks, by the names of their sources.
    var alertTokens: [String: String] = [:]
    var state: StateOptions
    var services: String?
    /// The group of repeats it belongs to; empty for a single run.
    var repeatGroup = ""
    /// When its fault strikes; nil for a single run, whose steps begin at once.
    var phase: FaultPhase?
    /// Whether manual steps are answered in other terminals, where nobody sits at this one.
    var isAnsweredElsewhere = false

    /// For those who watch it.
    var plan: RunPlan {
        RunPlan(drill) { step in
            let runbook = try? Runbooks.read(runbookPath(step.path))
            return (runbook?.steps ?? []).map {
                RunPlan.RunbookStep(
                    name: $0.name, kind: $0.kind.rawValue, budget: $0.timeout, role: $0.role)
            }
        }
    }
    /// The occurrence for which a scheduler started it; nil: somebody else did.
    var occurrence: String?
    /// Whether people are to be told of it while it runs.
    var isUnattended = false
    /// What is to be recorded of blackouts; nil: nothing.
    var blackout: BlackoutRule?

    /// The ledger's frames lie on a disk of the controller's own, out of the reach of what is drilled.
    var ledgerDirectory: String { KeptLedger.directory(state) + "/" + runID }

    /// Where fixtures and the steps of runbooks put temporary files, so that those of programs that are killed go with
    /// the scratch; none without one. environ(7).
    var temporary: [String: String] {
        scratch.map { ["TMPDIR": Scratch.temporary(in: $0)] } ?? [:]
    }

    /// What the guard is asked for to bring a fixture up: a fault of its own and its parameters.
    /// - Parameter others: the journal rows of the fixtures that run.
    /// - Throws: `Refusal` when its program is not on this machine.
    func wish(for fixture: Fixture, among others: [String: InjectionID]) throws -> (
        fault: String, parameters: Value
    ) {
        if let proxy = fixture.proxy {
            return encode(self.proxy(proxy, named: fixture.name, among: others))
        }
        var run = fixture.run
        run[0] = try Programs.find(run[0], for: "fixture '\(fixture.name)'")
        let restart: RestartPolicy =
            switch fixture.restart {
            case .never: .never
            case .always(let delay): .after(delay)
            }
        let environment = temporary.merging(fixture.environment) { _, own in own }
        return encode(
            FixtureFault(
                name: fixture.name, run: run, environment: environment, directory: project.root,
                restart: restart, stopWithin: fixture.stopWithin))
    }

    private func encode(_ fault: some Fault) -> (fault: String, parameters: Value) {
        (FaultCatalog.name(of: fault), FaultCatalog.encode(fault))
    }

    private func proxy(
        _ proxy: FixtureProxy, named name: String, among others: [String: InjectionID]
    ) -> ProxyFixture {
        var fault = ProxyFixture()
        fault.name = name
        fault.listen = proxy.listen
        fault.upstream = proxy.upstream
        fault.drain = proxy.drain
        fault.ca = proxy.ca
        // Beyond the run come the undo and the read-back, which goes through it as everything did.
        fault.deadline = drill.abort.after + .seconds(300)
        guard let wanted = proxy.redirect else { return fault }
        var redirect = Redirect()
        switch wanted.whose {
        case .namespace(let name): redirect.namespace = name
        case .cgroup(let path): redirect.cgroup = path
        case .fixture(let name):
            redirect.fixture = name
            redirect.id = others[name]?.rawValue
        }
        redirect.to = wanted.to
        redirect.deadline = fault.deadline
        fault.redirect = redirect
        return fault
    }

    /// The last lines that a fixture wrote, for an error message.
    func logTail(of id: InjectionID, in hello: Hello) -> String {
        let site = GuardSite(executable: "", stateDirectory: hello.stateDirectory)
        guard let data = FileManager.default.contents(atPath: site.log(of: id)), !data.isEmpty else {
            return ""
        }
        let lines = String(decoding: data.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(5)
        return "; it said:\n" + lines.map { "    \($0)" }.joined(separator: "\n")
    }

}

/// Programs that drills start, and where Debian has those that are missing.
enum Programs {
    private static let packages = [
        "redis-server": "redis-server", "redis-cli": "redis-tools", "postgres": "postgresql",
        "nginx": "nginx", "prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager",
        "mariadbd": "mariadb-server-core", "mariadb": "mariadb-client-core", "patroni": "patroni",
        "patronictl": "patroni", "etcdctl": "etcd-client", "haproxy": "haproxy", "etcd": "etcd-server",
        "nft": "nftables",
        "ip": "iproute2", "restic": "restic", "sqlite3": "sqlite3", "psql": "postgresql",
        "pg_basebackup": "postgresql", "openssl": "openssl", "curl": "curl",
    ]

    static func find(_ name: String, for whom: String) throws -> String {
        if let found = Files.program(name) ?? besidePath(name) {
            return found.hasPrefix("/") ? found : FileManager.default.currentDirectoryPath + "/" + found
        }
        let advice =
            packages[name].map { "install it: sudo apt-get install \($0)" }
            ?? "install it, put it on PATH, or give its path in the drill"
        throw Refusal(.refused, "\(whom): the program '\(name)' is not on this machine", advice: advice)
    }

    /// Debian keeps the programs of each PostgreSQL in a folder of its version's; the newest.
    private static func besidePath(_ name: String) -> String? {
        guard ["postgres", "initdb", "pg_ctl"].contains(name) else { return nil }
        let folder = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return versions.sorted { (Double($0) ?? 0) > (Double($1) ?? 0) }.lazy
            .compactMap { Files.program("\(folder)/\($0)/bin/\(name)") }.first
    }
}

/// Reads a drill for a run, a plan or a check.
struct DrillLoader {
    var path: String
    var variables: [String: String]
    var state = StateOptions.standard
    /// As `PreparedDrill`.
    var isAnsweredElsewhere = false
    /// Who lets it run in spite of a blackout; nil: nobody.
    var override: BlackoutOverride?
    /// The run's ULID where somebody has named it already; nil: a new one.
    var runID: String?
    /// Whether a plan tells of warnings. `muster gameday check` does; whatever reads the same drill after it does not.
    var tellsWarnings = true

    enum Purpose { case run, plan, approval }

    /// - Parameter earlier: the same drill as it was read for an earlier repeat: files that somebody edits
    ///   meanwhile make no other drill of it.
    /// - Throws: `Refusal` with every problem in the way compilers show them.
    func load(_ purpose: Purpose, as earlier: PreparedDrill? = nil) throws -> PreparedDrill {
        let project = earlier?.project ?? Project(containing: path)
        let text = try earlier?.text ?? Files.text(path)
        let runID = self.runID ?? ULID.make()
        let resources = RunResources(runID: runID, readsSecrets: purpose == .run)
        let services: String?
        if let earlier {
            services = earlier.services
        } else {
            services = Files.exists(project.services) ? try Files.text(project.services) : nil
        }
        let reader = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, datasets: .standard,
            services: try registry(services, project),
            now: SystemTimekeeper().utcNanoseconds())
        let examination = reader.examine(text, setting: variables, resources: resources.resources)
        // A run shows them with its result, where they are read.
        if purpose == .plan, tellsWarnings {
            Terminal.note(
                ProblemText.render(examination.warnings, .warning, path: path, source: text),
                unlessEmpty: true)
        }
        guard let drill = examination.drill else {
            throw Refusal(
                .usage,
                "\(path) cannot be run\n" + ProblemText.render(examination.errors, path: path, source: text),
                advice: "mend the lines above; `muster lint \(path)` checks again")
        }
        for fixture in drill.fixtures {
            for program in fixture.run.prefix(1) + fixture.needs {
                _ = try Programs.find(program, for: "fixture '\(fixture.name)'")
            }
        }
        let tokens = Self.tokens(of: drill.alertSources)
        var prepared = PreparedDrill(
            drill: drill, path: path, text: text, project: project, runID: runID,
            scratch: resources.usedScratch, secrets: examination.secrets.union(tokens.values), state: state,
            services: services)
        prepared.alertTokens = tokens
        prepared.isAnsweredElsewhere = isAnsweredElsewhere
        try prepared.checkRunbooks(
            mustAnswer: purpose == .run && !TerminalInput.isAvailable && !isAnsweredElsewhere)
        if purpose == .run { prepared.blackout = try BlackoutRule.of(project, override) }
        return prepared
    }

    /// Those that the drill gives, and new ones where it wants them in a file.
    private static func tokens(of sources: [AlertSource]) -> [String: String] {
        var tokens: [String: String] = [:]
        for source in sources where !source.isPolled {
            tokens[source.name] =
                source.token
                ?? String(
                    (0..<32).map { _ in Array("0123456789abcdefghijkmnpqrstuvwxyz").randomElement() ?? "x" })
        }
        return tokens
    }

    private func registry(_ text: String?, _ project: Project) throws -> Services? {
        guard let text else { return nil }
        do {
            return try Services(reading: text, now: SystemTimekeeper().utcNanoseconds())
        } catch let problems as FormProblems {
            throw Refusal(
                .usage,
                "\(project.services) cannot be read\n"
                    + ProblemText.render(problems.problems, path: project.services, source: text),
                advice: "mend the lines above")
        }
    }
}

extension Terminal {
    static func note(_ text: String, unlessEmpty: Bool) { if !text.isEmpty { put(text) } }
    private static func put(_ text: String) { note(text.hasSuffix("\n") ? String(text.dropLast()) : text) }
}
