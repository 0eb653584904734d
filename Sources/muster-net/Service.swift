import Glibc
import MusterProxy
import NIOPosix

/// A running proxy: its links, its registry, its API.
struct Service: Sendable {
    let address: String
    let seed: Int64
    private let registry: ProxyRegistry
    private let server: APIServer
    private let shared: SharedLimits

    static func start(_ command: ProxyCommand, _ log: LogLevel) async throws -> Service {
        // Within what a JSON number holds exactly everywhere.
        let seed = command.seed ?? Int64.random(in: 1..<(1 << 53))
        let config = try command.config.map(readConfig)
        let hub = EventHub()
        let links = MultiThreadedEventLoopGroup(numberOfThreads: command.threads)
        let shared = SharedLimits(held: HeldBudget(command.hold << 20))
        let engine = SocketEngine(
            group: links, seed: UInt64(bitPattern: seed), events: hub, shared: shared)
        let registry = ProxyRegistry(engine: engine, events: TellingSink(hub: hub, level: log))
        if let config {
            do {
                _ = try await config.apply(to: registry)
            } catch {
                throw refusal("\(error.message); no proxy was started")
            }
        }
        let metrics =
            command.proxyMetrics || command.runtimeMetrics
            ? MetricsPage(
                proxies: command.proxyMetrics, process: command.runtimeMetrics, version: netVersion) : nil
        let api = ProxyAPI(
            registry: registry, metrics: metrics, version: netVersion, seed: seed, held: shared.held)
        let host =
            command.host.contains(":") && !command.host.hasPrefix("[") ? "[\(command.host)]" : command.host
        let listen = command.listen ?? "\(host):\(command.port)"
        do {
            // A loop of its own: the API answers, however busy the links are.
            let server = try await APIServer.start(
                api, events: hub, listen: listen, on: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            return Service(
                address: server.address, seed: seed, registry: registry, server: server, shared: shared)
        } catch let problem as BindProblem {
            let hint =
                problem.code == EADDRINUSE
                ? ": another program has that port; choose one with --listen host:port, or stop it" : ""
            throw refusal(
                "the API cannot listen: \(problem.message)\(hint)", problem.code == 0 ? .usage : .refused)
        }
    }

    /// - Throws: the exit code, when it cannot be read or is wrong.
    private static func readConfig(_ path: String) throws -> ConfigFile {
        do {
            return try ConfigFile(path, try contents(path))
        } catch let problem as ConfigFile.Problem {
            throw refusal(
                "\(problem.message); expected a JSON array such as "
                    + #"[{"name":"redis","listen":"127.0.0.1:26379","upstream":"127.0.0.1:6379"}]"#, .usage)
        }
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refusal("--config \(path): \(errorText())", .usage) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= 64 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw refusal("--config \(path): \(errorText())", .usage) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        throw refusal("--config \(path): larger than 64 MiB", .usage)
    }

    /// To be called several times a second.
    func returnMemory(_ memory: inout MemoryReturn) { memory.look(shared, server, at: bootTime()) }

    /// No new clients, no toxics; connections have that long to end.
    func stop(draining grace: Duration) async {
        await server.stop()
        await registry.shutDown(draining: grace)
    }
}
