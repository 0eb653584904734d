public import MusterCore

/// A fault proxy that a drill brings up for itself, under a supervisor of the guard's. Internal, like `FixtureFault`,
/// which it is made of.
///
/// It outlives guard and engine until somebody undoes it, and takes itself out of the way when its deadline has
/// passed.
public struct ProxyFixture: Fault {
    public var name = ""
    public var listen = ""
    public var upstream = ""
    public var deadline = Duration.seconds(900)
    public var drain = Duration.seconds(5)
    /// Where the certificate of its authority is written.
    public var ca: String?
    public var redirect: Redirect?

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-fixture", "Brings a fault proxy up for the drill and supervises it.", blank: Self(),
            fields: [
                Field(required: "name", \.name, "Its name in the drill, and that of the proxy."),
                Field(required: "listen", \.listen, "Where clients connect; port 0 takes a free one.") {
                    StreamAddress.listenProblem($0)
                },
                Field(required: "upstream", \.upstream, "The server behind it.") {
                    $0.isEmpty ? "HOST:PORT or unix:PATH" : nil
                },
                Field(
                    "deadline", \.deadline, default: .seconds(900),
                    "When it takes itself out of the way, whoever has died.", in: FaultDeadline.problem),
                Field(
                    "drain", \.drain, default: .seconds(5),
                    "How long connections may take to end when it is taken down."
                ) { $0 <= .seconds(20) ? nil : "at most 20s" },
                Field(
                    "ca", \.ca, "Where the certificate by which clients can trust its `tls-fault` is written."
                ) { $0.hasPrefix("/") && !$0.hasSuffix("/") ? nil : "an absolute path" },
                Field("redirect", \.redirect, "Whose connections are led through it, without their knowing."),
            ])
    }

    public static let targets: Set<Target.Kind> = [.host]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        let program = program(host)
        guard (try? host.status(of: program)) != nil else {
            return .missing("the fault proxy \(program)", enable: "./muster builds it")
        }
        return GuardExecutable.readiness("a supervisor of its own", on: host)
    }

    /// The fault proxy lies beside the guard.
    static func program(_ host: any HostReader) -> String {
        host.site.executable.directory.appending(pathComponent: "muster-net")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        if case .missing(let what, let enable) = Self.readiness(on: host) {
            throw FaultRefusal(.noMechanism, "\(what) is missing", advice: enable)
        }
        var plan = try supervised(id, host).plan(for: target, as: id, on: host)
        let api = host.site.proxySocket(of: id)
        plan.facts += [
            FileAbsent(path: api, phase: .fixtures),
            FileAbsent(path: host.site.proxyConfiguration(of: id), phase: .fixtures),
        ]
        plan.touches = ["starts a fault proxy '\(name)' from \(listen) to \(upstream)"]
        if let ca {
            _ = try Refusals.path(of: Target(.path(ca.directory)), on: host)
            plan.facts.append(FileAbsent(path: ca, phase: .fixtures))
            plan.touches.append("writes the certificate of its authority to \(ca)")
        }
        guard let redirect else { return plan }
        let (facts, touch) = try redirect.plan(as: id, on: host)
        plan.facts += facts
        plan.claims.append(Claim("redirect", redirect.claim))
        plan.touches.append(touch)
        return plan
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let proxy: Value = ["name": .text(name), "listen": .text(listen), "upstream": .text(upstream)]
        try host.createFile(
            host.site.proxyConfiguration(of: id), contents: Array(Value.list([proxy]).canonicalJSON.utf8),
            mode: 0o600)
        try supervised(id, host).inject(into: target, as: id, plan: plan, on: host)
        let state = try waitUntilUp(id, host)
        if let ca { try writeAuthority(to: ca, id, host) }
        try redirect?.inject(as: id, to: state.listen, plan: plan, on: host)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard let process = try host.supervisor(of: id)?.process else {
            return .notYet("it is not started yet")
        }
        guard let state = try? place(id, host).state(on: host) else { return .notYet("it does not answer") }
        if let redirect, case .notYet(let why) = try redirect.effect(as: id, on: host) { return .notYet(why) }
        return .proven("process \(process.pid) listens at \(state.listen)")
    }

    private func place(_ id: InjectionID, _ host: any HostReader) -> ProxyPlace {
        ProxyPlace(api: .unix(host.site.proxySocket(of: id)), name: name)
    }

    /// The program and how it is run. A proxy that is killed stays down until a runbook says otherwise: started
    /// again by itself it would begin its deadline anew.
    private func supervised(_ id: InjectionID, _ host: any HostReader) -> FixtureFault {
        var run = [
            Self.program(host), "proxy", "--config", host.site.proxyConfiguration(of: id),
            "--listen", "unix:" + host.site.proxySocket(of: id), "--deadline", deadline.unitsText,
            "--drain", drain.unitsText,
        ]
        if let namespace = redirect?.namespace, let nsenter = host.tool("nsenter") {
            run = [nsenter, "--net=\(NetworkPlace.path(ofNamespace: namespace))"] + run
        }
        // What is done to it stands in the outcome; its log is for what goes wrong.
        return FixtureFault(
            name: name, run: run, environment: ["LOG_LEVEL": "warn"], stopWithin: drain + .seconds(2))
    }

    private func writeAuthority(to path: String, _ id: InjectionID, _ host: any Host) throws {
        let answer = try host.fetch("/ca.pem", from: place(id, host).api, deadline: ProxyPlace.patience)
        guard answer.status == 200, let pem = answer.body.asText else {
            throw HostError(
                .failed, "ask the fault proxy '\(name)' for its certificate", ProxyPlace.words(answer))
        }
        try host.createFile(path, contents: Array(pem.utf8), mode: 0o644)
    }

    private func waitUntilUp(_ id: InjectionID, _ host: any Host) throws -> ProxyState {
        var state: ProxyState?
        var hasEnded = false
        _ = try host.poll(for: .seconds(10)) {
            // It may not listen yet.
            state = try? place(id, host).state(on: host)
            hasEnded = try state == nil && host.supervisor(of: id).map { $0.process == nil } ?? false
            return state != nil || hasEnded
        }
        if let state { return state }
        let log = try host.contents(of: host.site.log(of: id), limit: 4096) ?? []
        let said = String(decoding: log, as: UTF8.self).split(separator: "\n").suffix(3)
        throw HostError(
            hasEnded ? .failed : .timedOut, "bring the fault proxy '\(name)' up",
            (hasEnded ? "it ended by itself" : "it does not answer within 10s")
                + (said.isEmpty ? "" : ": \(said.joined(separator: "; "))"))
    }
}
