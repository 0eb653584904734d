public import MusterCore

/// Takes a proxy down: it closes its connections and its port.
public struct ProxyDown: Fault {
    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-down", "Takes a fault proxy down: its connections are closed and new ones refused.",
            example: "inject: proxy-down\ninto: redis\nfor: 3s\nrecovery: after", blank: Self(), fields: [])
    }

    public static let targets: Set<Target.Kind> = [.proxy]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("a fault proxy that is disabled through its HTTP interface")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let place = try ProxyPlace.resolve(target, on: host)
        let state = try place.state(on: host)
        return UndoPlan(
            facts: [ProxyEnabled(api: place.api, proxy: place.name)],
            claims: [Claim("proxy", "\(place.api.text)/\(place.name)")],
            touches: [
                "closes proxy '\(place.name)' (\(state.listen) to \(state.upstream)) with all its connections, "
                    + (place.fixture == nil
                        ? "until Muster opens it again: this has no deadline of its own"
                        : "until it is opened again, or the drill's proxy ends at its deadline")
            ])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let fact = try plan.first(ProxyEnabled.self)
        let request = APIRequest(
            .post, ProxyPlace(api: fact.api, name: fact.proxy).path, body: ["enabled": false])
        let answer = try host.send(request, to: fact.api, deadline: ProxyPlace.patience)
        guard answer.status == 200 else {
            throw HostError(
                .failed, "disable proxy '\(fact.proxy)' at \(fact.api.text)", ProxyPlace.words(answer))
        }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        do {
            return try ProxyObserver(target, on: host).see { $0.isRefused() }
        } catch let unseen as ProxyObserver.Unseen {
            return .notYet(unseen.why)
        }
    }
}
