public import MusterCore
public import MusterDrills

/// Connects to a UNIX socket.
public struct UnixProbe: Probe, Hashable {
    public var unix = ""
    public init() {}

    public static let form = Form(
        "unix", "Connects to a UNIX socket; good is an established connection.",
        example: "socket: { unix: /run/postgresql/.s.PGSQL.5432, every: 100ms }",
        blank: UnixProbe(),
        fields: [Field(required: "unix", \.unix, "The path of the socket.", in: socketPathProblem)])
}

extension UnixProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        guard let address = SocketAddress(unixPath: unix) else {
            throw MeasuringError.configuration(
                "unix: '\(unix)' is not \(socketPathProblem(unix) ?? "a path")")
        }
        return ConnectProber(loop) { $0.open(address, done: $1) }
    }
}

/// Opens a connection and closes it.
final class ConnectProber: Prober {
    private let loop: EventLoop
    private let open: (StreamConnection, @escaping (Int32) -> Void) -> Void

    /// - Parameter open: opens the connection and says how that went: 0, or why there is none.
    init(_ loop: EventLoop, open: @escaping (StreamConnection, @escaping (Int32) -> Void) -> Void) {
        self.loop = loop
        self.open = open
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        let stream = StreamConnection(loop: loop)
        stream.patience = patience
        patience.begin { end in
            stream.close()
            done(end.finding)
        }
        open(stream) { code in
            patience.cancel()
            stream.close()
            done(code == 0 ? .ok : .error(code))
        }
    }
}
