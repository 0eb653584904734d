public import MusterCore

/// A program that a drill brings up for itself, under a supervisor of the guard's. Internal: the engine asks
/// for it, before anything else and last to be taken down.
public struct FixtureFault: Fault {
    public var name = ""
    public var run: [String] = []
    public var environment: [String: String] = [:]
    /// Where it starts; nil: the root directory, like every helper.
    public var directory: String?
    public var restart: RestartPolicy = .never
    public var stopWithin = Duration.seconds(3)

    public init() {}

    public init(
        name: String, run: [String], environment: [String: String] = [:], directory: String? = nil,
        restart: RestartPolicy = .never, stopWithin: Duration = .seconds(3)
    ) {
        self.name = name
        self.run = run
        self.environment = environment
        self.directory = directory
        self.restart = restart
        self.stopWithin = stopWithin
    }

    public static var form: Form<Self> {
        Form(
            "fixture", "Brings a program up for the drill and supervises it.", blank: Self(),
            fields: [
                Field(required: "name", \.name, "Its name in the drill."),
                Field(required: "run", \.run, "The program and its arguments.") {
                    $0.first?.isEmpty == false ? nil : "a program and its arguments"
                },
                Field("environment", \.environment, default: [:], "Variables added to its environment."),
                Field("directory", \.directory, "Its working directory.") {
                    $0.hasPrefix("/") ? nil : "an absolute path"
                },
                Field("restart", \.restart, default: .never, "Whether it is started again after it ended."),
                Field("stopWithin", \.stopWithin, default: .seconds(3), "How long it may take to stop.") {
                    $0 <= .seconds(60) ? nil : "at most 60s"
                },
            ])
    }

    public static let targets: Set<Target.Kind> = [.host]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        GuardExecutable.readiness("a supervisor of its own", on: host)
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        try GuardExecutable.check(on: host)
        try Refusals.secrets(in: run + environment.values)
        guard run[0].hasPrefix("/") || host.tool(run[0]) != nil else {
            throw FaultRefusal(
                .noMechanism, "fixture '\(name)': the program '\(run[0])' is not on this host",
                advice: "install it, or give its absolute path")
        }
        let socket = host.site.supervisorSocket(of: id)
        guard socket.utf8.count <= 107 else {
            throw FaultRefusal(
                .unsafe, "\(socket) is too long for a socket (107 bytes, unix(7))",
                advice: "use a shorter state directory (--state)")
        }
        return UndoPlan(
            facts: [
                NoHelper(id: id, grace: stopWithin, isFixture: true),
                FileAbsent(path: socket, phase: .fixtures),
            ],
            claims: [Claim("fixture", name)], disposals: [Disposal(path: host.site.log(of: id))],
            touches: ["starts `\(run.joined(separator: " "))` as fixture '\(name)'"])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        var argv = [host.site.executable, "supervise", "--id", id.rawValue, "--name", name]
        argv += ["--socket", host.site.supervisorSocket(of: id), "--restart", restart.text]
        argv += ["--stop-within", stopWithin.unitsText, "--log", host.site.log(of: id)]
        if let directory { argv += ["--directory", directory] }
        for (key, value) in environment.sorted(by: { $0.key < $1.key }) {
            argv += ["--env", "\(key)=\(value)"]
        }
        try host.spawn(argv + ["--"] + run, as: id)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard let process = try host.supervisor(of: id)?.process else {
            return .notYet("it is not started yet")
        }
        return .proven("process \(process.pid) runs")
    }
}

/// Whether a supervisor starts its program again: `never`, or the delay after which it does.
public enum RestartPolicy: FormValue, Hashable {
    case never
    case after(Duration)

    public static var shape: Shape { .either([.words(["never"]), .duration]) }

    public init(node: FormNode) throws {
        if node.text == "never" {
            self = .never
        } else if node.text.flatMap({ Duration(units: $0) }) != nil {
            self = .after(try Duration(node: node))
        } else {
            throw Self.mismatch(node)
        }
    }

    public var text: String {
        switch self {
        case .never: "never"
        case .after(let delay): delay.unitsText
        }
    }

    public var value: Value { .text(text) }
}
