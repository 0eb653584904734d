/// The API without its server: a request in, an answer out.
public struct ProxyAPI: Sendable {
    /// What the API claims to be in `GET /version`: the Toxiproxy whose API this is. Clients compare it with the
    /// versions in which Toxiproxy learnt things (Ruby's: 2.6.0 for PATCH). Ours is in `GET /muster`.
    public static let compatibleVersion = "2.12.0"

    let registry: ProxyRegistry
    let metrics: MetricsPage?
    /// This program's version and the seed of its random numbers.
    let version: String
    let seed: Int64
    let held: HeldBudget

    /// - Parameters:
    ///   - metrics: nil: `/metrics` is not there, as in Toxiproxy without its options.
    ///   - held: that of the registry's engine.
    public init(
        registry: ProxyRegistry, metrics: MetricsPage? = nil, version: String, seed: Int64,
        held: HeldBudget = HeldBudget()
    ) {
        self.held = held
        self.registry = registry
        self.metrics = metrics
        self.version = version
        self.seed = seed
    }

    /// What a request is to be answered with, and whether it was for a route that there is: only those carry a
    /// request id.
    struct Outcome: Sendable {
        var answer: Answer
        var isRouted = true
    }

    func handle(method: String, target: String, userAgent: String?, body: [UInt8]) async -> Outcome {
        let route = Route(target)
        switch route {
        case .malformed: return Outcome(answer: .badRequest, isRouted: false)
        case .unknown: return Outcome(answer: .notFound, isRouted: false)
        case .redirect(let target):
            return Outcome(answer: Answer(status: 301, headers: [("Location", target)]), isRouted: false)
        case .metrics where metrics == nil: return Outcome(answer: .notFound, isRouted: false)
        default: break
        }
        guard route.permits(method) else { return Outcome(answer: .methodNotAllowed, isRouted: false) }
        // Keeps pages that a browser has open from talking to the API.
        if let userAgent, userAgent.utf8.starts(with: "Mozilla/".utf8) { return Outcome(answer: .browser) }
        do throws(APIProblem) {
            return Outcome(answer: try await answer(route, method, body))
        } catch {
            return Outcome(answer: .problem(error))
        }
    }

    private func answer(_ route: Route, _ method: String, _ body: [UInt8]) async throws(APIProblem) -> Answer
    {
        switch route {
        case .proxies: return method == "GET" ? await index() : try await create(body)
        case .proxy(let name): return try await answer(proxy: name, method, body)
        case .toxics(let name):
            guard method == "GET" else {
                _ = try await registry.proxy(name)
                let toxic = try await registry.add(ToxicForm.create(body), to: name)
                return .json { $0.toxic(toxic) }
            }
            let toxics = try await registry.proxy(name).toxics
            return .json { $0.toxics(toxics) }
        case .toxic(let toxic, let name): return try await answer(toxic: toxic, of: name, method, body)
        case .populate: return await populate(body)
        case .reset:
            try await registry.reset()
            return .noContent
        case .version:
            return Answer(
                status: 200, headers: [("Content-Type", "application/json;charset=utf-8")],
                body: Array("{\"version\": \"\(Self.compatibleVersion)\"}\n".utf8))
        case .muster: return about()
        case .events:
            return Answer(status: 200, headers: [("Content-Type", "application/x-ndjson")], isStream: true)
        case .authority:
            guard let pem = try? TLSContexts.shared().authority else {
                throw APIProblem("the authority for tls_fault could not be made", status: 500)
            }
            return Answer(
                status: 200, headers: [("Content-Type", "application/x-pem-file")], body: pem)
        case .metrics: return await metrics?.answer(registry) ?? .notFound
        case .redirect, .unknown, .malformed: return .notFound
        }
    }

    private func answer(proxy name: String, _ method: String, _ body: [UInt8]) async throws(APIProblem)
        -> Answer
    {
        switch method {
        case "GET":
            let proxy = try await registry.proxy(name)
            return .json { $0.proxy(proxy) }
        case "DELETE":
            try await registry.remove(name)
            return .noContent
        default:
            _ = try await registry.proxy(name)
            let proxy = try await registry.update(name, ProxyForm.update(body))
            return .json { $0.proxy(proxy) }
        }
    }

    private func answer(toxic: String, of name: String, _ method: String, _ body: [UInt8])
        async throws(APIProblem) -> Answer
    {
        switch method {
        case "GET":
            let toxic = try await registry.toxic(toxic, of: name)
            return .json { $0.toxic(toxic) }
        case "DELETE":
            try await registry.remove(toxic, of: name)
            return .noContent
        default:
            let toxic = try await registry.update(toxic, of: name) { toxic throws(APIProblem) in
                try ToxicForm.update(toxic, body)
            }
            return .json { $0.toxic(toxic) }
        }
    }

    private func index() async -> Answer {
        let proxies = await registry.all()
        return .json { writer in
            writer.raw("{")
            for (index, proxy) in proxies.enumerated() {
                writer.name(proxy.name, first: index == 0)
                writer.proxy(proxy)
            }
            writer.raw("}")
        }
    }

    private func create(_ body: [UInt8]) async throws(APIProblem) -> Answer {
        let proxy = try await registry.create(ProxyForm.create(body))
        return .json(201) { $0.proxy(proxy) }
    }

    /// Errors are JSON here, and come with what was created before them.
    private func populate(_ body: [UInt8]) async -> Answer {
        var proxies: [ProxyView] = []
        var problem: APIProblem?
        do throws(APIProblem) {
            (proxies, problem) = await registry.populate(try ProxyForm.populate(body))
        } catch {
            problem = error
        }
        return .json(problem?.status ?? 201) { [proxies, problem] writer in
            writer.raw("{")
            if let problem { writer.problem(problem) }
            writer.name("proxies", first: problem == nil)
            // Go writes an empty list that was never made as null.
            if proxies.isEmpty { writer.raw("null") } else { writer.proxies(proxies) }
            writer.raw("}")
        }
    }

    private func about() -> Answer {
        .json { writer in
            writer.raw("{")
            writer.name("version", first: true)
            writer.text(version)
            writer.name("compatible_with")
            writer.text("toxiproxy \(Self.compatibleVersion)")
            writer.name("seed")
            writer.integer(seed)
            writer.name("held_bytes")
            writer.integer(held.held)
            writer.name("held_most")
            writer.integer(held.most)
            writer.name("held_waits")
            writer.integer(held.waited)
            writer.raw("}")
        }
    }
}

extension Route {
    /// Whether a known route takes the method. Toxiproxy's router takes HEAD nowhere but for its metrics.
    func permits(_ method: String) -> Bool {
        switch self {
        case .proxies, .toxics: method == "GET" || method == "POST"
        case .proxy, .toxic: ["GET", "POST", "PATCH", "DELETE"].contains(method)
        case .populate, .reset: method == "POST"
        case .version, .muster, .events, .authority: method == "GET"
        case .metrics: true
        case .redirect, .unknown, .malformed: false
        }
    }
}
