public import MusterCore

/// Ends processes, once or again and again.
public struct ProcessKill: Fault {
    public var signal: SignalName = .kill
    public var percent: Percentage?
    public var seed = 0
    public var tree = false
    public var every: Duration?

    public init() {}

    public static var form: Form<Self> {
        Form(
            "process-kill", "Ends processes with a signal, once or in a crash loop.",
            example: "inject: process-kill\ninto: server\nwith: { signal: KILL }", blank: Self(),
            fields: [
                Field("signal", \.signal, default: .kill, "The signal, by its name in signal(7).") {
                    $0 == .stop || $0 == .cont ? "a signal that ends a process (process-pause suspends)" : nil
                },
                Field(
                    "percent", \.percent,
                    "Strikes this share of those that match, rounded up, drawn with `seed`; all when left out."
                ) { $0.millionths == 0 ? "more than 0%" : nil },
                Field("seed", \.seed, default: 0, "Draws the share; the same seed draws the same ones."),
                Field("tree", \.tree, default: false, "Strike their child processes too."),
                Field(
                    "every", \.every,
                    "Strikes whoever matches again and again at this interval, until it is lifted (crash loop)."
                ) { $0 < .milliseconds(100) ? "at least 100ms" : nil },
            ])
    }

    public static let targets: Set<Target.Kind> = [.process]
    public var persistence: Persistence { every == nil ? .instant : .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("signals through a pidfd; other users' processes need root")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let found = try target.processes(on: host)
        try Ownership.check(found, on: host)
        if every != nil { try GuardExecutable.check(on: host) }
        try Refusals.secrets(in: target.restart)
        var struck = drawn(from: found)
        if tree { struck += try host.processes().descendants(of: struck) }
        let unit = try RestartingUnit.name(of: found, endedBy: signal, on: host)
        var irreversible: String?
        if case .process(.fixture) = target.selector {
        } else if target.restart.isEmpty, unit == nil {
            irreversible = "nobody is known who starts \(found.map(\.inWords).joined(separator: ", ")) again"
        }
        let fact = SelectorMatches(
            target: target, count: found.count, struck: struck.map(\.identity), unit: unit)
        return UndoPlan(
            // Where nobody can bring them back there is no fact that could ever hold again.
            facts: irreversible == nil ? [fact] : [],
            claims: struck.map { Claim("process", String($0.identity.pid)) },
            touches: struck.map { "sends SIG\(signal.rawValue) to \($0.inWords)" }
                + (every.map { ["and to whoever matches then, every \($0.unitsText)"] } ?? []),
            irreversible: irreversible)
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        if let every {
            // The state directory, because a fixture's supervisor listens there.
            let kill = ["--every", every.unitsText, "--signal", signal.rawValue, "--id", id.rawValue]
            let options = kill + ["--state", host.site.stateDirectory, "--"]
            try host.spawn(
                [host.site.executable, "crash-loop"] + options + [target.value.canonicalJSON], as: id)
        }
        for process in try struck(by: plan, target, on: host) { try host.signal(process, signal) }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        if every != nil, try host.helpers(of: id).isEmpty { return .notYet("the crash loop is not running") }
        guard let fact = facts.lazy.compactMap({ $0 as? SelectorMatches }).first else {
            // Without a fact (allow: irreversible) nobody remembers who was struck.
            guard case .process(let selector) = target.selector else { return .notYet("no process") }
            let left = try selector.processes(on: host, sparingMuster: true)
            return left.count < target.count
                ? .proven("\(target.count - left.count) processes fewer") : .notYet("as many as before run")
        }
        for identity in fact.struck where try host.process(identity).map({ !$0.isZombie }) ?? false {
            return .notYet("process \(identity.pid) still runs")
        }
        return .proven("gone: " + fact.struck.map { String($0.pid) }.joined(separator: ", "))
    }

    private func struck(
        by plan: UndoPlan, _ target: Target, on host: any HostReader
    ) throws -> [ProcessIdentity] {
        if let fact = plan.facts.lazy.compactMap({ $0 as? SelectorMatches }).first { return fact.struck }
        let found = drawn(from: try target.processes(on: host))
        return (found + (tree ? try host.processes().descendants(of: found) : [])).map(\.identity)
    }

    private func drawn(from found: [ProcessStatus]) -> [ProcessStatus] {
        guard let percent else { return found }
        let share = (Int64(found.count) * percent.millionths + 999_999) / 1_000_000
        var draw = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
        return found.shuffled(using: &draw).prefix(Int(share)).sorted { $0.identity.pid < $1.identity.pid }
    }
}
