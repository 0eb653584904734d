public import MusterCore

/// The first liar: servers that go dark at a known time and in a known way.
public final class DarkServer: Sendable {
    /// One port. On the server's thread only.
    private final class Lane: Liar, @unchecked Sendable {
        var darkness: Darkness?
        var log = DarkLog()

        func reply(to request: LiarRequest) -> LiarReply {
            let number = log.asked.count
            let treatment = darkness?.treatment(at: request.at, number: number) ?? .serve
            log.asked.append(DarkLog.Asked(decided: request.at, isDark: treatment != .serve))
            return switch treatment {
            case .serve: .answer(200, "up")
            case .serveAt(let instant): .answerAt(instant, 200, "up")
            case .reset: .reset
            case .silence: .silence
            }
        }

        func nextChange(after now: Instant) -> Instant? {
            darkness?.mode == .port ? darkness?.nextChange(after: now) : nil
        }

        func isClosed(at now: Instant) -> Bool {
            darkness?.mode == .port && darkness?.window(at: now) != nil
        }

        func changed(isClosed: Bool, _ bracket: Bracket) {
            if isClosed { log.closed = bracket } else { log.opened = bracket }
        }
    }

    private let lanes: [Lane]
    private let server: LiarServer

    /// - Parameter address: IPv4, of this host.
    /// - Throws: `SystemError` when it cannot listen there.
    public init(address: String, lanes count: Int) throws {
        let lanes = (0..<count).map { _ in Lane() }
        self.lanes = lanes
        server = try LiarServer(address: address, liars: lanes)
    }

    /// One for each lane.
    public var ports: [UInt16] { server.portNumbers }
    public var address: String { server.address }

    /// What comes next, lane by lane; forgets what was before.
    public func prepare(_ darknesses: [Darkness]) {
        _ = server.stallsSoFar(forgetting: true)
        _ = server.perform { [lanes] in
            for (lane, darkness) in zip(lanes, darknesses) {
                lane.darkness = darkness
                lane.log = DarkLog()
            }
            return true
        }
    }

    /// What was done since, and when the server itself was kept from its work.
    public func report() -> (logs: [DarkLog], stalls: [Bracket]) {
        let logs = server.perform { [lanes] in lanes.map(\.log) } ?? []
        return (logs, server.stallsSoFar())
    }

    public func stop() { server.stop() }
}
