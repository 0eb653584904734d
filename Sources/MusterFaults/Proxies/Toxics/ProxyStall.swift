public import MusterCore

/// Holds up one direction of a proxy; nothing is lost.
public struct ProxyStall: ToxicFault {
    public var setting = ToxicSetting()

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-stall",
            "Holds everything up in one direction of a fault proxy until it is lifted; nothing is lost.",
            example:
                "inject: proxy-stall\ninto: redis\nfor: 3s\nrecovery: after\nwith: { stream: downstream }",
            blank: Self(), fields: commonFields())
    }

    public var toxic: (type: String, attributes: Value) { ("stall", [:]) }
    public var inWords: String { "holds up what goes \(setting.stream.rawValue)" }
    public func look(_ observer: ProxyObserver) -> Effect { observer.isSilent(saying: observer.exchange()) }
}
