import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterFaults
import MusterGuard
import MusterHost

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract:
            "What a drill would start, write and break, and what would have to hold again. Touches nothing.",
        discussion: "Example: muster plan drills/first-drill.yaml")

    @Argument(help: "The drill file.", completion: .file(extensions: ["yaml"])) var drill: String
    @Option(
        name: .customLong("var"), help: ArgumentHelp("Sets a variable of the drill.", valueName: "name=value")
    )
    var variables: [String] = []
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let prepared = try DrillLoader(
                path: drill, variables: VariableArguments.read(variables), state: state
            ).load(.plan)
            let plan = try DrillPlan(prepared)
            if output.json { Terminal.line(plan.value.prettyJSON) } else { plan.show() }
            return plan.isPossible ? .pass : .refused
        }
    }
}

/// The blast radius of a drill, found without touching anything.
struct DrillPlan {
    struct Break {
        var name: String
        var fault: String
        var target: String
        var held: String
        var touches: [String] = []
        var facts: [String] = []
        var byHand: [String] = []
        var mending = Mending.byUs
        /// Why it cannot be done, and what to do.
        var refusal: (message: String, advice: String)?
        var note: String?
    }

    private let prepared: PreparedDrill
    private(set) var breaks: [Break] = []
    private let stateDirectory: String
    private let isMoved: Bool

    var isPossible: Bool { obstacle == nil }

    /// The first thing that keeps it from being carried out here as things are; nil: nothing does.
    var obstacle: (message: String, advice: String)? {
        Self.scratchRefusal(prepared.drill) ?? breaks.lazy.compactMap(\.refusal).first
    }

    /// What can be told before anything is started: whether the host can do what the drill asks for at all.
    /// - Throws: `Refusal` with exit code 7.
    static func preflight(_ prepared: PreparedDrill) throws {
        if let refusal = scratchRefusal(prepared.drill) {
            throw Refusal(.refused, "\(prepared.path): \(refusal.message)", advice: refusal.advice)
        }
        let site = GuardSite(
            executable: try Companion.guardian.path(),
            stateDirectory: StateDirectory.path(explicit: prepared.state.state))
        let host = LinuxHost(site: site, journal: nil)
        for step in injections(prepared.drill.steps + prepared.drill.after) {
            guard case .missing(let what, let enable) = readiness(step.fault, host) else { continue }
            throw Refusal(
                .refused, "\(prepared.path): '\(step.name)' cannot be injected here: \(what)", advice: enable)
        }
    }

    private static func scratchRefusal(_ drill: Drill) -> (message: String, advice: String)? {
        guard drill.scratchSize != nil, geteuid() != 0 else { return nil }
        return (
            "a scratch with a size is a file system of its own, and mounting it needs root",
            "run Muster with sudo"
        )
    }

    init(_ prepared: PreparedDrill) throws {
        self.prepared = prepared
        let directory = StateDirectory.path(explicit: prepared.state.state)
        stateDirectory = directory
        let environment = ProcessInfo.processInfo.environment
        isMoved =
            prepared.state.state != nil || environment["MUSTER_STATE"] != nil
            || environment["MUSTER_RUNTIME"] != nil
        let site = GuardSite(
            executable: try Companion.guardian.path(), stateDirectory: directory,
            protectedPaths: [prepared.project.outcomesPath(nil)])
        // Only its reading half is used: planning gets a `HostReader`.
        let host: any HostReader = LinuxHost(site: site, journal: nil)
        breaks = Self.injections(prepared.drill.steps + prepared.drill.after).map { plan($0, host) }
    }

    private static func injections(_ steps: [Step]) -> [InjectStep] {
        steps.flatMap { step -> [InjectStep] in
            switch step.action {
            case .inject(let inject): [inject]
            case .parallel(let steps): injections(steps)
            case .wait, .lift, .runbook, .alert: []
            }
        }
    }

    private func plan(_ step: InjectStep, _ host: any HostReader) -> Break {
        var result = Break(
            name: step.name, fault: step.faultName, target: step.target,
            held: step.fault.persistence == .instant
                ? "instant" : step.hold.map { "held for \($0.forPeople)" } ?? "held until it is lifted")
        guard let declared = prepared.drill.targets[step.target],
            let id = InjectionID("plan-\(prepared.runID)")
        else {
            return result
        }
        if case .missing(let what, let enable) = Self.readiness(step.fault, host) {
            result.refusal = ("\(step.faultName) does not work here: \(what)", enable)
            return result
        }
        guard let target = declared.target(fixtures: [:]) else {
            result.touches = [
                "\(step.faultName) into \(Self.words(declared.selector)), which the drill starts itself"
            ]
            result.facts = [
                "no process of the injection is left", "the fixture runs as before, or has been taken down",
            ]
            return result
        }
        if case .path(let path) = target.selector, let scratch = prepared.scratch, path.hasPrefix(scratch) {
            result.touches = ["\(step.faultName) into \(path), in the drill's own scratch"]
            result.facts = ["the scratch is gone with all that was in it"]
            return result
        }
        do {
            let plan = try step.fault.plan(for: target, as: id, on: host)
            result.touches = plan.touches
            result.facts = plan.facts.map(\.sentence)
            result.byHand = plan.facts.flatMap(\.byHand).map { $0.joined(separator: " ") }
            result.mending = plan.mending
            if let reason = plan.irreversible {
                result.note = "NOT UNDOABLE: \(reason)"
                if !target.allow.contains("irreversible") {
                    result.refusal = (reason, "declare `restart:` on the target, or `allow: [irreversible]`")
                }
            }
        } catch let refusal as FaultRefusal {
            result.refusal = (refusal.message, refusal.advice)
        } catch {
            result.refusal = (describe(error), "")
        }
        return result
    }

    private static func readiness<F: Fault>(_ fault: F, _ host: any HostReader) -> Readiness {
        F.readiness(on: host)
    }

    private static func words(_ selector: DrillTarget.Selector) -> String {
        switch selector {
        case .fixture(let name): "fixture '\(name)'"
        case .fixtureNetwork(let name): "the network of fixture '\(name)'"
        case .process(let selector): selector.inWords
        case .path(let path): path
        case .network: "a network"
        case .proxy(let scope): scope.inWords
        case .fixtureProxy(let name): "proxy '\(name)'"
        case .host: "this host"
        }
    }

    func show() {
        let drill = prepared.drill
        Terminal.line(Terminal.styled(drill.name, .bold) + "  (\(prepared.path)); nothing was touched")
        if let expect = drill.expect { Terminal.line("  expected: \(expect)") }
        Terminal.line("\nwould start, and take down again:")
        for fixture in drill.fixtures {
            Terminal.line("  fixture '\(fixture.name)': \(fixture.inWords)")
        }
        if let scratch = prepared.scratch {
            let size = drill.scratchSize.map { " with a file system of its own (\($0.forPeople))" } ?? ""
            Terminal.line("  scratch: \(scratch)\(size)")
            if let refusal = Self.scratchRefusal(drill) { show(refusal) }
        }
        if drill.fixtures.isEmpty && prepared.scratch == nil { Terminal.line("  nothing") }
        Terminal.line("\nwould send:")
        for probe in drill.probes {
            Terminal.line("  probe '\(probe.name)' (\(probe.kind)) every \(probe.setting.every.forPeople)")
        }
        for workload in drill.workloads {
            Terminal.line(
                "  writes '\(workload.name)' (\(workload.inWords)): \(workload.setting.writers) writers, "
                    + "\(workload.setting.rate.unitsText)")
        }
        if !drill.alertSources.isEmpty { Terminal.line("\nwould listen for alerts:") }
        for source in drill.alertSources { Terminal.line("  '\(source.name)': \(source.inWords)") }
        Terminal.line("\nwould break, and nothing else:")
        for item in breaks { show(item) }
        Terminal.line("\ntakes at most \(drill.longest.forPeople); the guard's state is in \(stateDirectory)")
        if isMoved {
            Terminal.line(
                Terminal.styled("note: ", .yellow)
                    + "state or lock are moved (--state, MUSTER_STATE, MUSTER_RUNTIME): drills elsewhere are not seen"
            )
        }
    }

    private func show(_ item: Break) {
        Terminal.line("  '\(item.name)': \(item.fault) into '\(item.target)', \(item.held)")
        for touch in item.touches { Terminal.line("    touches    \(touch)") }
        for fact in item.facts { Terminal.line("    afterwards \(fact)") }
        for command in item.byHand { Terminal.line(Terminal.styled("    by hand    \(command)", .dim)) }
        if item.mending == .byRecovery {
            Terminal.line(
                "    mended by  the recovery under test; the original is kept until `muster guard prune`")
        }
        if let note = item.note { Terminal.line(Terminal.styled("    \(note)", .yellow)) }
        if let refusal = item.refusal { show(refusal) }
    }

    private func show(_ refusal: (message: String, advice: String)) {
        Terminal.line(Terminal.styled("    refused    ", .red) + refusal.message)
        if !refusal.advice.isEmpty { Terminal.line("    what to do \(refusal.advice)") }
    }

    var value: Value {
        [
            "drill": .text(prepared.drill.name), "possible": .bool(isPossible),
            "scratch": prepared.scratch.map { .text($0) } ?? .null, "stateDirectory": .text(stateDirectory),
            "fixtures": .list(
                prepared.drill.fixtures.map {
                    [
                        "name": .text($0.name), "run": .list($0.run.map { .text($0) }),
                        "proxy": $0.proxy.map {
                            ["listen": .text($0.listen), "upstream": .text($0.upstream)]
                        } ?? .null,
                    ]
                }),
            "longestNanoseconds": .int(prepared.drill.longest.nanoseconds),
            "injections": .list(
                breaks.map { item in
                    [
                        "name": .text(item.name), "fault": .text(item.fault), "target": .text(item.target),
                        "touches": .list(item.touches.map { .text($0) }),
                        "facts": .list(item.facts.map { .text($0) }),
                        "byHand": .list(item.byHand.map { .text($0) }),
                        "mending": .text(item.mending.rawValue),
                        "refused": item.refusal.map { .text($0.message) } ?? .null,
                        "advice": item.refusal.map { .text($0.advice) } ?? .null,
                    ]
                }),
        ]
    }
}
