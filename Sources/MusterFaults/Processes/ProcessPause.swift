public import MusterCore

/// Hangs processes without ending them: connections stay open and nothing answers.
public struct ProcessPause: Fault {
    public var tree = false

    public init() {}

    public static var form: Form<Self> {
        Form(
            "process-pause",
            "Hangs processes: they stay, hold their connections and answer nothing (SIGSTOP).",
            example: "inject: process-pause\ninto: server\nfor: 5s\nrecovery: after", blank: Self(),
            fields: [
                Field("tree", \.tree, default: false, "Hang their child processes too.")
            ])
    }

    public static let targets: Set<Target.Kind> = [.process]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("SIGSTOP through a pidfd; other users' processes need root")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        var struck = try target.processes(on: host)
        try Ownership.check(struck, on: host)
        if tree { struck += try host.processes().descendants(of: struck) }
        return UndoPlan(
            facts: struck.map { NotSuspended(process: $0.identity, name: $0.name) },
            claims: struck.map { Claim("process", String($0.identity.pid)) },
            touches: struck.map { "suspends \($0.inWords)" })
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        for case let fact as NotSuspended in plan.facts { try host.signal(fact.process, .stop) }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        let struck = facts.compactMap { $0 as? NotSuspended }
        for fact in struck where try host.process(fact.process)?.isSuspended != true {
            return .notYet("process \(fact.process.pid) is not suspended")
        }
        return .proven("suspended: " + struck.map { String($0.process.pid) }.joined(separator: ", "))
    }
}

/// Whom a user without root may signal (kill(2)): processes of its own.
enum Ownership {
    static func check(_ processes: [ProcessStatus], on host: any HostReader) throws {
        let user = host.userID()
        guard user != 0, let other = processes.first(where: { $0.userID != user }) else { return }
        throw FaultRefusal(
            .needsRoot, "\(other.inWords) belongs to user \(other.userID), and only root may signal it",
            advice: "run Muster with sudo")
    }
}
