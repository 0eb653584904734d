public import MusterCore

/// Cuts what passes through a proxy into small pieces.
public struct ProxySlicer: ToxicFault {
    public var setting = ToxicSetting()
    public var size = ByteCount(0)
    public var variation = ByteCount(0)
    public var delay = Duration.zero

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-slicer", "Cuts what passes through a fault proxy into small pieces.",
            example: "inject: proxy-slicer\ninto: redis\nfor: 10s\nrecovery: despite\n"
                + "with: { size: 64B, variation: 32B, delay: 1ms }",
            blank: Self(),
            fields: [
                Field(required: "size", \.size, "How long a piece is on the average.") {
                    $0.bytes < 1 ? "at least 1B" : nil
                },
                Field(
                    "variation", \.variation, default: ByteCount(0),
                    "By how much a piece may be longer or shorter; less than the size."),
                Field("delay", \.delay, default: .zero, "The time between two pieces, in steps of 1us.") {
                    $0.nanoseconds % 1000 == 0 && $0 <= .seconds(60)
                        ? nil : "up to 60s, in whole microseconds"
                },
            ] + commonFields(),
            check: { slicer in
                if slicer.variation.bytes >= slicer.size.bytes {
                    throw FormProblem(
                        "the variation is not less than the size", at: nil, path: "variation",
                        expected: "less than \(slicer.size.unitsText)")
                }
            })
    }

    public static var isSlowness: Bool { true }
    public var toxic: (type: String, attributes: Value) {
        (
            "slicer",
            [
                "average_size": .int(size.bytes), "size_variation": .int(variation.bytes),
                "delay": .int(delay.nanoseconds / 1000),
            ]
        )
    }
    public var inWords: String {
        "cuts everything into pieces of \(size.unitsText)"
            + (delay == .zero ? "" : ", \(delay.unitsText) apart")
    }

    public func look(_ observer: ProxyObserver) -> Effect {
        // Some twenty pieces, no matter how long each is.
        let wanted = min(Exchange.longest, Int(clamping: size.bytes) * 20)
        let exchange = observer.exchange(passing: wanted) ?? observer.exchange()
        if setting.stream == .upstream {
            // A client does not see in how many pieces its words arrive, but that they take longer.
            let pieces = (exchange?.says.count ?? 0) / Int(clamping: size.bytes + variation.bytes)
            return observer.isSlower(by: delay * pieces * 7 / 10, saying: exchange)
        }
        return observer.isInPieces(saying: exchange)
    }
}
