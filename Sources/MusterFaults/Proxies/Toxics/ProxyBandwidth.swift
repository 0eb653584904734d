public import MusterCore

/// Lets only so many bytes a second through a proxy.
public struct ProxyBandwidth: ToxicFault {
    public var setting = ToxicSetting()
    public var rate = ByteRate(bytesPerSecond: 0)

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-bandwidth", "Lets only so many bytes a second through a fault proxy.",
            example:
                "inject: proxy-bandwidth\ninto: redis\nfor: 10s\nrecovery: despite\nwith: { rate: 50KB/s }",
            blank: Self(),
            fields: [
                Field(
                    required: "rate", \.rate, "Bytes a second, on each connection, in steps of 1KB/s."
                ) { $0.bytesPerSecond % 1000 == 0 && $0.bytesPerSecond > 0 ? nil : "a multiple of 1KB/s" }
            ] + commonFields())
    }

    public static var isSlowness: Bool { true }

    public var toxic: (type: String, attributes: Value) {
        // Toxiproxy's KB are 1000 bytes.
        ("bandwidth", ["rate": .int(rate.bytesPerSecond / 1000)])
    }

    public var inWords: String { "lets \(rate.unitsText) through" }

    public func look(_ observer: ProxyObserver) -> Effect {
        // As many bytes as take 300 ms, or as many as a look may send.
        let wanted = min(Exchange.longest, max(1, Int(rate.bytesPerSecond / 10 * 3)))
        let longest = stride(from: wanted, to: 0, by: -max(1, wanted / 8)).lazy
            .compactMap { count in observer.exchange(passing: count).map { (count, $0) } }.first
        guard let (count, exchange) = longest else { return observer.unknown }
        let extra = rate.time(for: count)
        guard extra >= .milliseconds(15) else {
            return .notYet(
                "\(count) bytes, the most that a look can say or hear there, pass in \(extra.forPeople): too fast to tell"
            )
        }
        return observer.isSlower(by: extra * 7 / 10, saying: exchange)
    }
}
