public import MusterCore

/// Flips bits of what passes through a proxy.
public struct ProxyCorrupt: ToxicFault {
    public var setting = ToxicSetting()
    public var rate = Percentage(millionths: 0)
    public var bits = 1
    public var seed = 0

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-corrupt", "Flips bits of what passes through a fault proxy.",
            example: "inject: proxy-corrupt\ninto: redis\nfor: 3s\nrecovery: after\nwith: { rate: 0.1% }",
            blank: Self(),
            fields: [
                Field(required: "rate", \.rate, "The share of the bytes that are hit.") {
                    $0.millionths == 0 ? "more than 0%" : nil
                },
                Field("bits", \.bits, default: 1, "How many bits of such a byte are flipped.") {
                    (1...8).contains($0) ? nil : "from 1 to 8"
                },
                Field(
                    "seed", \.seed, default: 0,
                    "Other than 0: the same bytes are hit on every connection."),
            ] + commonFields())
    }

    public var toxic: (type: String, attributes: Value) {
        (
            "corrupt",
            ["rate": .double(rate.fraction), "bits": .int(Int64(bits)), "seed": .int(Int64(seed))]
        )
    }
    public var inWords: String { "flips bits of \(rate.forPeople) of the bytes" }

    public func look(_ observer: ProxyObserver) -> Effect {
        // As many as will be hit three times on the average.
        let wanted = min(Exchange.longest, max(256, Int(3 / rate.fraction)))
        return observer.isDamaged(saying: observer.exchange(passing: wanted))
    }
}
