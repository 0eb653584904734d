public import MusterCore

/// Delays the end of connections through a proxy.
public struct ProxySlowClose: ToxicFault {
    public var setting = ToxicSetting()
    public var delay = Duration.zero

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-slow-close", "Delays the end of connections through a fault proxy.",
            example:
                "inject: proxy-slow-close\ninto: redis\nfor: 10s\nrecovery: despite\nwith: { delay: 2s }",
            blank: Self(),
            fields: [
                Field(required: "delay", \.delay, "How much later the other end learns of the end.") {
                    ToxicNumbers.wholeMilliseconds($0, atLeast: 1)
                }
            ] + commonFields())
    }

    public static var isSlowness: Bool { true }
    public var toxic: (type: String, attributes: Value) {
        ("slow_close", ["delay": ToxicNumbers.milliseconds(delay)])
    }
    public var inWords: String { "delays the end of connections by \(delay.unitsText)" }

    /// A client that says it is done is told so in return, by most servers at once.
    public func look(_ observer: ProxyObserver) -> Effect {
        observer.isSlower(by: delay * 9 / 10, saying: nil, closesFirst: true)
    }
}
