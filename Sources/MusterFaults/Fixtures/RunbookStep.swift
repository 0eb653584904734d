public import MusterCore

/// A step of a runbook that the engine runs in a drill. Internal: it breaks nothing, and is open from before its first
/// instruction until it has ended by itself. Whoever undoes it ends what it still runs, before anything else is put
/// back: it could write into a scratch directory that is removed already.
public struct RunbookStep: Fault {
    public var name = ""
    public var runbook = ""
    /// Its shell, at its gate, as the leader of a session of its own.
    public var process = ProcessIdentity(pid: 0, startTicks: 0, bootID: "")

    public init() {}

    public init(name: String, runbook: String, process: ProcessIdentity) {
        self.name = name
        self.runbook = runbook
        self.process = process
    }

    public static var form: Form<Self> {
        Form(
            Injection.stepFault, "Remembers what a runbook's step runs, for as long as it runs.",
            blank: Self(),
            fields: [
                Field(required: "name", \.name, "Its name in the runbook."),
                Field(required: "runbook", \.runbook, "The runbook's file."),
                Field(required: "pid", \.pid, "The process of its shell.") {
                    (2...Int(Int32.max)) ~= $0 ? nil : "a process"
                },
                Field(required: "startTicks", \.startTicks, "When that was started, in ticks after boot.") {
                    $0 >= 0 ? nil : "at least 0"
                },
                Field(required: "boot", \.process.bootID, "The id of the boot in which it runs."),
            ])
    }

    private var pid: Int {
        get { Int(process.pid) }
        set { process.pid = Int32(clamping: newValue) }
    }
    private var startTicks: Int {
        get { Int(clamping: process.startTicks) }
        set { process.startTicks = UInt64(clamping: newValue) }
    }

    public static let targets: Set<Target.Kind> = [.host]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("a session of its own, known by its first process")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        guard try host.process(process)?.session == process.pid else {
            throw FaultRefusal(
                .noMatch, "process \(process.pid) of step '\(name)' is gone, or leads no session",
                advice: "start the drill again")
        }
        let step = NoHelper.Step(name: "step '\(name)' of \(runbook)", session: process.pid)
        return UndoPlan(facts: [NoHelper(id: id, step: step)], touches: ["runs \(step.name)"])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        try host.adopt(process, as: id)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        let running = try host.helpers(of: id)
        return running.isEmpty ? .notYet("nothing of it runs") : .proven("process \(running[0].pid) runs")
    }
}
