import MusterCore

/// An entry of `fixtures:`.
struct FixtureForm: Formed {
    var run: [String] = []
    var needs: [String] = []
    var environment: [String: String] = [:]
    var restart = RestartForm(restart: .never)
    var ready: ReadyForm?
    var stop: Duration = .seconds(3)

    static let form = Form(
        "fixture", "Something that the drill brings up itself, and takes down afterwards.",
        blank: FixtureForm(),
        fields: [
            Field(
                required: "run", \.run, "The command, as a list of its arguments; no shell.",
                in: { $0.first.map { !$0.isEmpty } == true ? nil : "a command and its arguments" }),
            Field(
                "needs", \.needs, default: [],
                "Programs that must be on the machine besides, such as those that a script starts."),
            Field("env", \.environment, default: [:], "Environment variables beside the usual ones."),
            Field(
                "restart", \.restart, default: RestartForm(restart: .never),
                "never (a runbook says 'muster fixture start NAME'), or { always: 200ms }."),
            Field("ready", \.ready, "How it is known to be ready."),
            Field("stop", \.stop, default: .seconds(3), "How long it may take to stop by SIGTERM."),
        ])

    func fixture(named name: String) -> Fixture {
        Fixture(
            name: name, run: run, needs: needs, environment: environment, restart: restart.restart,
            ready: ready?.readiness, readyWithin: ready?.within ?? .seconds(10), stopWithin: stop)
    }
}

/// `never`, or `{ always: 200ms }`.
struct RestartForm: FormValue {
    var restart: Fixture.Restart

    enum Never: String, FormWord { case never }
    struct Always: Formed {
        var delay: Duration = .zero
        static let form = Form(
            "always", "Started again whenever it ends.", blank: Always(),
            fields: [Field(required: "always", \.delay, "How long after its end it is started again.")])
    }

    static var shape: Shape { .either([Never.shape, Always.shape]) }
    var value: Value {
        switch restart {
        case .never: "never"
        case .always(let delay): Always(delay: delay).value
        }
    }
    init(restart: Fixture.Restart) { self.restart = restart }
    init(node: FormNode) throws {
        if node.text == "never" {
            restart = .never
        } else if node.entries != nil {
            restart = .always(after: try Always(node: node).delay)
        } else {
            throw FormProblem(
                "found \(node.inWords)", at: node.place, expected: "never, or { always: 200ms }")
        }
    }
}

/// `{ tcp: "127.0.0.1:6390", within: 5s }`.
struct ReadyForm: Formed {
    var tcp: String?
    var http: String?
    var within: Duration = .seconds(10)

    static let form = Form(
        "ready", "How a fixture is known to be ready.", blank: ReadyForm(),
        fields: [
            Field("tcp", \.tcp, "An address HOST:PORT that accepts a connection."),
            Field("http", \.http, "A URL that answers with a 2xx status."),
            Field("within", \.within, default: .seconds(10), "How long it may take."),
        ],
        check: { ready in
            if (ready.tcp == nil) == (ready.http == nil) {
                throw FormProblem("'ready' wants one of tcp and http", at: nil, expected: "one of tcp, http")
            }
        })

    var readiness: Fixture.Readiness? { tcp.map { .tcp($0) } ?? http.map { .http($0) } }
}
