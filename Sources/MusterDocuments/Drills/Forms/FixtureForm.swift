import MusterCore
import MusterDrills

/// An entry of `fixtures:`.
struct FixtureForm: Formed {
    var run: [String] = []
    var needs: [String] = []
    var environment: [String: String] = [:]
    var restart = RestartForm(restart: .never)
    var ready: ReadyForm?
    var stop: Duration = .seconds(3)
    var proxy: FixtureProxyForm?

    static let form = Form(
        "fixture", "Something that the drill brings up itself, and takes down afterwards.",
        blank: FixtureForm(),
        fields: [
            Field(
                "run", \.run, default: [], "The command, as a list of its arguments; no shell.",
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
            Field("proxy", \.proxy, "A fault proxy, instead of a command."),
        ],
        check: { fixture in
            if fixture.run.isEmpty == (fixture.proxy == nil) {
                throw FormProblem("a fixture is one thing", at: nil, expected: "one of run, proxy")
            }
            guard fixture.proxy != nil else { return }
            let others = [
                ("needs", fixture.needs.isEmpty), ("env", fixture.environment.isEmpty),
                ("restart", fixture.restart.restart == .never), ("stop", fixture.stop == .seconds(3)),
            ]
            if let other = others.first(where: { !$0.1 }) {
                throw FormProblem(
                    "'\(other.0)' is about a command", at: nil, path: other.0, expected: "proxy without it")
            }
        })

    func fixture(named name: String) -> Fixture {
        Fixture(
            name: name, run: run, needs: needs, environment: environment, restart: restart.restart,
            ready: ready?.readiness, readyWithin: ready?.within ?? .seconds(10), stopWithin: stop,
            proxy: proxy?.proxy)
    }
}

/// `{ listen: "127.0.0.1:6390", upstream: "127.0.0.1:6379" }`.
struct FixtureProxyForm: Formed {
    var listen = ""
    var upstream: String?
    var drain: Duration = .seconds(5)
    var ca: String?
    var redirect: RedirectForm?

    static let form = Form(
        "proxy", "A fault proxy, brought up for the drill.", blank: FixtureProxyForm(),
        fields: [
            Field(
                "listen", \.listen, default: "",
                "Where clients connect, ADDRESS:PORT; 127.0.0.1:0 with 'redirect'.",
                in: { StreamAddress.listenProblem($0) }),
            Field("upstream", \.upstream, "The server behind it; 'redirect' knows it."),
            Field(
                "drain", \.drain, default: .seconds(5),
                "How long connections may take to end when it is taken down.",
                in: { $0 <= .seconds(20) ? nil : "at most 20s" }),
            Field(
                "ca", \.ca,
                "Where the certificate is written by which clients can trust its `tls-fault`, below ${scratch}.",
                in: { $0.hasPrefix("/") && !$0.hasSuffix("/") ? nil : "an absolute path" }),
            Field("redirect", \.redirect, "Whose connections are led through it, without their knowing."),
        ],
        check: { proxy in
            if let redirect = proxy.redirect {
                guard !proxy.listen.isEmpty,
                    let expected = StreamAddress.redirectProblem(redirect.to, to: proxy.listen)
                else { return }
                throw FormProblem(
                    "nothing that is redirected would reach '\(proxy.listen)'", at: nil, path: "listen",
                    expected: expected)
            }
            for (name, isMissing) in [("listen", proxy.listen.isEmpty), ("upstream", proxy.upstream == nil)]
            where isMissing {
                throw FormProblem("'\(name)' is missing", at: nil, expected: "\(name): ADDRESS:PORT")
            }
        })

    var proxy: FixtureProxy {
        let to = redirect?.to ?? []
        let own = to.first?.isV6 == true ? "[::1]:0" : "127.0.0.1:0"
        return FixtureProxy(
            listen: listen.isEmpty ? own : listen,
            // Only the connection itself knows which of several it was going to; who comes by himself gets the first.
            upstream: upstream ?? (to.count == 1 ? to[0].text : "original/\(to[0].text)"),
            drain: drain, ca: ca, redirect: redirect?.redirect)
    }
}

/// `{ fixture: app, to: ["10.0.0.2:6379"] }`.
struct RedirectForm: Formed {
    var namespace: String?
    var cgroup: String?
    var fixture: String?
    var to: [StreamAddress] = []

    static let form = Form(
        "redirect", "Whose connections are led through the proxy.", blank: RedirectForm(),
        fields: [
            Field("namespace", \.namespace, "Those of a named network namespace, ip-netns(8)."),
            Field("cgroup", \.cgroup, "Those of the processes of a cgroup."),
            Field("fixture", \.fixture, "Those of a fixture that stands before it."),
            Field(
                required: "to", \.to, "The addresses that they connect to, of one family.",
                in: { StreamAddress.redirectProblem($0) }),
        ],
        check: { redirect in
            if [redirect.namespace, redirect.cgroup, redirect.fixture].compactMap({ $0 }).count != 1 {
                throw FormProblem(
                    "a redirect is about one thing", at: nil, expected: "one of namespace, cgroup, fixture")
            }
        })

    var redirect: FixtureProxy.Redirect {
        let whose: FixtureProxy.Redirect.Whose =
            namespace.map { .namespace($0) } ?? cgroup.map { .cgroup($0) } ?? .fixture(fixture ?? "")
        return FixtureProxy.Redirect(whose, to: to)
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
    var file: String?
    var within: Duration = .seconds(10)

    static let form = Form(
        "ready", "How a fixture is known to be ready.", blank: ReadyForm(),
        fields: [
            Field("tcp", \.tcp, "An address HOST:PORT that accepts a connection."),
            Field("http", \.http, "A URL that answers with a 2xx status."),
            Field(
                "file", \.file, "A file that is there, such as one that a script makes last.",
                in: { $0.hasPrefix("/") ? nil : "an absolute path" }),
            Field("within", \.within, default: .seconds(10), "How long it may take."),
        ],
        check: { ready in
            if [ready.tcp, ready.http, ready.file].compactMap(\.self).count != 1 {
                throw FormProblem(
                    "'ready' wants one of tcp, http and file", at: nil, expected: "one of tcp, http, file")
            }
        })

    var readiness: Fixture.Readiness? {
        tcp.map { .tcp($0) } ?? http.map { .http($0) } ?? file.map { .file($0) }
    }
}
