public import MusterCore

/// Loses everything that would pass through a proxy, and closes the connections in the end.
public struct ProxyTimeout: ToxicFault {
    public var setting = ToxicSetting()
    public var after = Duration.zero

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-timeout",
            "Loses everything that would pass through a fault proxy, and closes the connections in the end.",
            example: "inject: proxy-timeout\ninto: redis\nfor: 3s\nrecovery: after\nwith: { after: 1s }",
            blank: Self(),
            fields: [
                Field(
                    "after", \.after, default: .zero,
                    "When a connection is closed; 0s: when the fault is lifted."
                ) { ToxicNumbers.wholeMilliseconds($0, atLeast: 0) }
            ] + commonFields())
    }

    public var toxic: (type: String, attributes: Value) {
        ("timeout", ["timeout": ToxicNumbers.milliseconds(after)])
    }
    public var inWords: String {
        "loses everything" + (after == .zero ? "" : ", and closes connections after \(after.unitsText)")
    }
    public func look(_ observer: ProxyObserver) -> Effect { observer.isSilent(saying: observer.exchange()) }
}
