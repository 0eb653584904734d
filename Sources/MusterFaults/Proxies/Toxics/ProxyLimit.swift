public import MusterCore

/// Closes connections through a proxy after so many bytes.
public struct ProxyLimit: ToxicFault {
    public var setting = ToxicSetting()
    public var bytes = ByteCount(0)

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-limit", "Closes connections through a fault proxy after so many bytes.",
            example: "inject: proxy-limit\ninto: redis\nfor: 3s\nrecovery: after\nwith: { bytes: 4KiB }",
            blank: Self(),
            fields: [Field(required: "bytes", \.bytes, "How many bytes of each connection pass.")]
                + commonFields())
    }

    public var toxic: (type: String, attributes: Value) { ("limit_data", ["bytes": .int(bytes.bytes)]) }
    public var inWords: String { "closes connections after \(bytes.unitsText)" }

    public func look(_ observer: ProxyObserver) -> Effect {
        guard let exchange = observer.exchange(passing: Int(clamping: bytes.bytes) + 1) else {
            return observer.exchange() == nil
                ? observer.unknown
                : .notYet("nothing is known to say that passes more than \(bytes.forPeople)")
        }
        return observer.isCut([.closed, .reset], saying: exchange, within: .seconds(3))
    }
}
