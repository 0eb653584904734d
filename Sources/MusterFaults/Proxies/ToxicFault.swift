public import MusterCore

/// A fault that is one toxic on a fault proxy. What they share is here; what each one is, in a file of its own.
public protocol ToxicFault: SelfEnding {
    var setting: ToxicSetting { get set }
    /// Its type and attributes, as the proxy's interface has them.
    var toxic: (type: String, attributes: Value) { get }
    /// What it does, for the blast radius: `delays what passes by 100ms`.
    var inWords: String { get }
    /// What a client sees of it.
    func look(_ observer: ProxyObserver) -> Effect
}

/// What every toxic can be told.
public struct ToxicSetting: Sendable {
    public var stream: ToxicStream = .downstream
    /// On how many of the connections it works.
    public var share = Percentage(millionths: 1_000_000)
    /// The proxy itself lifts it after this.
    public var deadline: Duration?
    public var speaks: Speech?
    public var says: String?
    public init() {}
}

/// The direction in which a toxic works, as Toxiproxy names it.
public enum ToxicStream: String, FormWord {
    /// What the client sends.
    case upstream
    /// What the server answers.
    case downstream
}

extension ToxicFault {
    public static var targets: Set<Target.Kind> { [.proxy] }
    public var persistence: Persistence { .held }
    public var deadline: Duration? {
        get { setting.deadline }
        set { setting.deadline = newValue }
    }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("a toxic on a fault proxy, which lifts it itself at its deadline")
    }

    /// Fields that all of them have, behind their own.
    static func commonFields(
        hasStream: Bool = true, hasShare: Bool = true, hasWords: Bool = true
    ) -> [Field<Self>] {
        let stream = Field<Self>(
            "stream", \.setting.stream, default: .downstream,
            "Works on what the client sends (upstream) or on what it gets (downstream).")
        let share = Field<Self>(
            "share", \.setting.share, default: Percentage(millionths: 1_000_000),
            "On how many of the connections it works, drawn for each."
        ) { $0.millionths == 0 ? "more than 0%" : nil }
        return (hasStream ? [stream] : []) + (hasShare ? [share] : []) + [ToxicFields.deadline()]
            + (hasWords ? ToxicFields.words() : [])
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let place = try ProxyPlace.resolve(target, on: host)
        let state = try place.state(on: host)
        guard state.isEnabled else {
            throw FaultRefusal(
                .noMatch, "proxy '\(place.name)' at \(place.api.text) is disabled",
                advice: "enable it first: nothing passes through it")
        }
        let isMusters = try place.isMusters(on: host)
        guard isMusters || Self.toxiproxys.contains(toxic.type) else {
            throw FaultRefusal(
                .noMechanism,
                "what answers at \(place.api.text) is a plain Toxiproxy, which has no toxic '\(toxic.type)'",
                advice: "put `muster proxy` in its place, or let the drill bring a proxy up as a fixture")
        }
        let fact = NoToxic(api: place.api, proxy: place.name, toxic: NoToxic.name(id))
        let howLong =
            isMusters
            ? "for at most \(lasts.unitsText)"
            : "until Muster lifts it: a plain Toxiproxy knows no deadline"
        let whom =
            setting.share.millionths == 1_000_000 ? "" : ", on \(setting.share.forPeople) of connections"
        return UndoPlan(
            facts: [fact],
            claims: [
                Claim(
                    "toxic",
                    "\(place.api.text)/\(place.name)/\(toxic.type)/\(setting.stream.rawValue)")
            ],
            touches: [
                "\(inWords)\(whom), on proxy '\(place.name)' (\(state.listen) to \(state.upstream)) by toxic "
                    + "\(fact.toxic), \(howLong)"
            ])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let fact = try plan.first(NoToxic.self)
        let milliseconds = max(1, lasts.nanoseconds / 1_000_000)
        let request = APIRequest(
            .post, ProxyPlace(api: fact.api, name: fact.proxy).path + "/toxics",
            body: [
                "name": .text(fact.toxic), "type": .text(toxic.type),
                "stream": .text(setting.stream.rawValue),
                "toxicity": .double(setting.share.fraction), "attributes": toxic.attributes,
                "ttl": .int(milliseconds),
            ])
        let answer = try host.send(request, to: fact.api, deadline: ProxyPlace.patience)
        guard answer.status == 200 else {
            throw HostError(
                .failed, "add a toxic to proxy '\(fact.proxy)' at \(fact.api.text)", ProxyPlace.words(answer))
        }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        do {
            return try ProxyObserver(
                target, on: host, stream: setting.stream, speaks: setting.speaks, says: setting.says
            ).see(look)
        } catch let unseen as ProxyObserver.Unseen {
            return .notYet(unseen.why)
        }
    }

    /// The types of toxics that every Toxiproxy has.
    private static var toxiproxys: Set<String> {
        ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
    }
}

/// Fields of all toxics.
enum ToxicFields {
    static func deadline<F: ToxicFault>() -> Field<F> {
        Field(
            "deadline", \F.setting.deadline,
            "The proxy itself lifts it after this, whoever has died; a plain Toxiproxy does not. 5 min after the lift "
                + "or the end of the run when left out.", in: FaultDeadline.problem)
    }

    /// How its effect is looked at.
    static func words<F: ToxicFault>() -> [Field<F>] {
        [
            Field(
                "speaks", \F.setting.speaks,
                "What the server understands, so that the effect can be looked at; by its port when left out."
            ),
            Field(
                "says", \F.setting.says,
                "What a look says instead: harmless words that the server answers."
            ) { $0.isEmpty || $0.utf8.count > 4096 ? "1 to 4096 bytes" : nil },
        ]
    }
}
