public import MusterCore

/// Delays what passes through a proxy.
public struct ProxyLatency: ToxicFault {
    public var setting = ToxicSetting()
    public var latency = Duration.zero
    public var jitter = Duration.zero

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-latency", "Delays what passes through a fault proxy.",
            example: "inject: proxy-latency\ninto: redis\nfor: 10s\nrecovery: despite\n"
                + "with: { latency: 100ms, jitter: 20ms }",
            blank: Self(),
            fields: [
                Field(required: "latency", \.latency, "How much later everything arrives.") {
                    ToxicNumbers.wholeMilliseconds($0, atLeast: 1)
                },
                Field(
                    "jitter", \.jitter, default: .zero,
                    "Drawn anew for each piece, evenly: so much more or less."
                ) {
                    ToxicNumbers.wholeMilliseconds($0, atLeast: 0)
                },
            ] + commonFields())
    }

    public static var isSlowness: Bool { true }

    public var toxic: (type: String, attributes: Value) {
        (
            "latency",
            [
                "latency": ToxicNumbers.milliseconds(latency), "jitter": ToxicNumbers.milliseconds(jitter),
            ]
        )
    }

    public var inWords: String {
        "delays everything by \(latency.unitsText)"
            + (jitter == .zero ? "" : " ± \(jitter.unitsText)")
    }

    public func look(_ observer: ProxyObserver) -> Effect {
        // With more jitter than latency some pieces come at once; those that do not are the proof.
        observer.isSlower(by: max(latency - jitter, latency / 4) * 9 / 10, saying: observer.exchange())
    }
}
