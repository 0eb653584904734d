import MusterCore

/// Where a Redis server is: `redis://host:port/database`, or whichever server the sentinels call the master,
/// `redis+sentinel://host:port,host:port/master/database`.
struct RedisAddress: Hashable, Sendable {
    enum Place: Hashable, Sendable {
        case server(Endpoint)
        case sentinels(RedisSentinels)
    }

    var place: Place
    var database: Int

    private static let sentinelScheme = "redis+sentinel://"
    /// More than anybody runs, and few enough to be asked one after the other.
    private static let mostSentinels = 15

    init?(_ url: String) {
        if url.hasPrefix(Self.sentinelScheme) {
            let parts = url.dropFirst(Self.sentinelScheme.count)
                .split(separator: "/", omittingEmptySubsequences: false)
            let hosts = parts[0].split(separator: ",", omittingEmptySubsequences: false)
            let endpoints = hosts.compactMap { Endpoint($0, defaultPort: 26_379) }
            guard (2...3).contains(parts.count), endpoints.count == hosts.count,
                (1...Self.mostSentinels).contains(endpoints.count), Set(endpoints).count == endpoints.count,
                !parts[0].contains("@"), Self.isName(parts[1]),
                let database = parts.count == 3 ? Self.database(parts[2]) : 0
            else { return nil }
            place = .sentinels(RedisSentinels(endpoints: endpoints, master: String(parts[1])))
            self.database = database
            return
        }
        guard url.hasPrefix("redis://") else { return nil }
        let rest = url.dropFirst("redis://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard !rest[..<slash].contains("@"), let endpoint = Endpoint(rest[..<slash], defaultPort: 6379),
            let database = Self.database(rest[slash...].dropFirst())
        else { return nil }
        place = .server(endpoint)
        self.database = database
    }

    /// The address that a drill names.
    /// - Throws: `MeasuringError.configuration`, with what was expected.
    init(ofDrill url: String) throws {
        guard let address = RedisAddress(url) else {
            throw MeasuringError.configuration("redis: '\(url)' is not \(Self.problem(url) ?? "an address")")
        }
        self = address
    }

    /// Whether only a server that calls itself a master will do.
    var isMasterWanted: Bool { if case .sentinels = place { true } else { false } }

    private static func database(_ text: Substring) -> Int? {
        text.isEmpty ? 0 : Int(text).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Debian's sentinel.conf: "The valid charset is A-z 0-9 and the three characters \".-_\"".
    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }

    static func problem(_ url: String) -> String? {
        if let problem = passwordProblem(in: url) { return problem }
        return RedisAddress(url) == nil
            ? "redis://host:port, redis://host:port/database, or redis+sentinel://host:port,host:port/master"
            : nil
    }
}

/// The sentinels that know which of several servers is the master.
struct RedisSentinels: Hashable, Sendable {
    var endpoints: [Endpoint]
    /// The name under which they watch it.
    var master: String
}
