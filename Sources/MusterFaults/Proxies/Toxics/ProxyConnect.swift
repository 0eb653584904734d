public import MusterCore

/// Makes connecting through a proxy slow, impossible, or possible only so often.
public struct ProxyConnect: ToxicFault {
    public var setting = ToxicSetting()
    public var delay: Duration?
    public var refuse = false
    public var limit: Int?

    public init() {}

    public static var form: Form<Self> {
        Form(
            "proxy-connect", "Delays, refuses or limits new connections through a fault proxy.",
            example: "inject: proxy-connect\ninto: redis\nfor: 3s\nrecovery: after\nwith: { refuse: true }",
            blank: Self(),
            fields: [
                Field("delay", \.delay, "How much later the server is connected.") {
                    ToxicNumbers.wholeMilliseconds($0, atLeast: 1)
                },
                Field(
                    "refuse", \.refuse, default: false, "New connections are reset; those that stand go on."),
                Field("limit", \.limit, "Connections beyond so many at a time are reset.") {
                    (0...1_000_000).contains($0) ? nil : "from 0 to 1000000"
                },
            ] + commonFields(hasStream: false),
            check: { connect in
                let given = [connect.delay != nil, connect.refuse, connect.limit != nil].filter { $0 }.count
                if given != 1 {
                    throw FormProblem(
                        "\(given) ways of disturbing connections", at: nil,
                        expected: "one of delay, refuse: true, limit")
                }
            })
    }

    public var toxic: (type: String, attributes: Value) {
        if let delay { return ("connect_delay", ["delay": ToxicNumbers.milliseconds(delay)]) }
        if let limit { return ("connection_limit", ["connections": .int(Int64(limit))]) }
        return ("connect_refuse", [:])
    }

    public var inWords: String {
        if let delay { return "delays connecting by \(delay.unitsText)" }
        if let limit { return "resets connections beyond \(limit)" }
        return "resets new connections"
    }

    public func look(_ observer: ProxyObserver) -> Effect {
        if let delay { return observer.isSlower(by: delay * 9 / 10, saying: observer.exchange()) }
        if let limit { return observer.isFull(after: limit) }
        return observer.isRefused()
    }
}
