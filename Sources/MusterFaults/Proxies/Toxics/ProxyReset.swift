public import MusterCore

/// Cuts connections through a proxy with RST.
public struct ProxyReset: ToxicFault {
    public var setting = ToxicSetting()
    public var after = Duration.zero

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-reset", "Cuts connections through a fault proxy with RST, once something passes.",
            example: "inject: proxy-reset\ninto: redis\nfor: 3s\nrecovery: after\nwith: { after: 100ms }",
            blank: Self(),
            fields: [
                Field("after", \.after, default: .zero, "How long after the first byte.") {
                    ToxicNumbers.wholeMilliseconds($0, atLeast: 0)
                }
            ] + commonFields())
    }

    public var toxic: (type: String, attributes: Value) {
        ("reset_peer", ["timeout": ToxicNumbers.milliseconds(after)])
    }
    public var inWords: String { "cuts connections with RST \(after.unitsText) after the first byte" }
    public func look(_ observer: ProxyObserver) -> Effect {
        observer.isCut([.reset], saying: observer.exchange(), within: after + .seconds(1))
    }
}
