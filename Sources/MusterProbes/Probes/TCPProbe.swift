public import MusterCore
public import MusterDrills

/// Connects to a port. That a port is open does not prove that a service works: prefer a probe that asks it.
public struct TCPProbe: Probe, Hashable {
    public var tcp = ""
    public init() {}
    public init(_ endpoint: String) { tcp = endpoint }

    public static let form = Form(
        "tcp", "Connects to a port; good is an established connection.",
        example: "port: { tcp: \"127.0.0.1:5432\", every: 100ms }",
        blank: TCPProbe(),
        fields: [
            Field(
                required: "tcp", \.tcp, "Host and port.",
                in: { Endpoint($0) == nil ? "host:port, such as 127.0.0.1:5432" : nil })
        ])
}

extension TCPProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        guard let endpoint = Endpoint(tcp) else {
            throw MeasuringError.configuration("tcp: '\(tcp)' is not host:port")
        }
        return ConnectProber(loop) { $0.open(endpoint, done: $1) }
    }
}
