import ArgumentParser
import Dispatch
import Glibc
import MusterProxy
import Synchronization

struct ProxyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract:
            "A TCP proxy that makes a network bad on purpose. Speaks Toxiproxy's HTTP API; needs no privileges.",
        discussion: """
            Example:
              muster proxy --config proxies.json
            where proxies.json is
              [{"name": "redis", "listen": "127.0.0.1:26379",
                "upstream": "127.0.0.1:6379"}]
            and then
              curl -d '{"type": "latency"}' localhost:8474/proxies/redis/toxics

            LOG_LEVEL: trace, debug, info, warn, error, fatal, panic or disabled. See docs/PROXY.md.
            """)

    @Option(help: "Where the API listens: host:port, port 0: any; or unix:PATH (default: localhost:8474).")
    var listen: String?
    @Option(name: Self.both("host"), help: "The host of --listen, as Toxiproxy has it.") var host =
        "localhost"
    @Option(name: Self.both("port"), help: "The port of --listen, as Toxiproxy has it.") var port = "8474"
    @Option(name: Self.both("config"), help: "A JSON file of proxies to begin with.") var config: String?
    @Option(name: Self.both("seed"), help: "Makes what toxics draw repeatable (default: drawn, and told).")
    var seed: Int64?
    @Flag(name: Self.both("proxy-metrics"), help: "GET /metrics tells what proxies moved.") var proxyMetrics =
        false
    @Flag(name: Self.both("runtime-metrics"), help: "GET /metrics tells of the process.") var runtimeMetrics =
        false
    @Flag(name: .customLong("version", withSingleDash: true), help: "Shows the version.") var showsVersion =
        false
    @Option(help: "Takes itself out of the way after this time, such as 10m.") var deadline: Span?
    @Option(help: "How long connections may go on when it ends.") var drain = Span(.seconds(5))
    @Option(help: "A file that is written once the API listens: one line, its address.") var readyFile:
        String?
    @Option(help: "Megabytes that connections may hold back, all together; beyond, they are read no further.")
    var hold = HeldBudget.usual >> 20
    @Option(help: "Threads that move bytes (each proxy lives on one).") var threads = 1

    /// Ours and Go's way of writing a long option.
    private static func both(_ word: String) -> NameSpecification {
        [.customLong(word), .customLong(word, withSingleDash: true)]
    }

    func validate() throws {
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads: expected 1 to 256, not \(threads)")
        }
        for (name, word) in [("--listen", listen), ("--host", host), ("--port", port)] where word == "" {
            // An unset variable of a shell would open the API to everybody (listen(2): the wildcard address).
            throw ValidationError("\(name): expected more than nothing, such as localhost:8474")
        }
        guard (1...1_048_576).contains(hold) else {
            throw ValidationError("--hold: expected 1 to 1048576 megabytes, not \(hold)")
        }
    }

    func run() throws {
        if showsVersion {
            say("muster-net version \(netVersion) (Toxiproxy API \(ProxyAPI.compatibleVersion))")
            return
        }
        let level = level()
        // Before there are threads, so that all of them leave these signals to the wait at the end.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptors()
        MemoryReturn.prepare()

        let end = deadline.map { bootTime() + $0.duration }
        let service = try wait { try await Service.start(self, level) }
        try announce(service)
        let cause = work(service, until: end, &signals)
        if level <= .info {
            log.add(
                "muster-net: \(cause): toxics are removed, connections have \(drain.defaultValueDescription)")
        }
        self.end(service, &signals)
        log.flush(within: 0.5)
    }

    /// - Returns: why it ends.
    private func work(_ service: Service, until end: Duration?, _ signals: inout sigset_t) -> String {
        var memory = MemoryReturn(at: bootTime())
        while end.map({ $0 > bootTime() }) ?? true {
            // Short: a suspend does not count for this wait, but for the deadline.
            var time = timespec(tv_sec: 0, tv_nsec: 200_000_000)
            switch sigtimedwait(&signals, nil, &time) {
            case SIGINT: return "SIGINT"
            case SIGTERM: return "SIGTERM"
            default: service.returnMemory(&memory)
            }
        }
        return "deadline"
    }

    /// How long after the first SIGTERM a second one means it. A supervisor asks twice at the same moment: everybody
    /// below it, and then each one.
    private static let insistence = Duration.seconds(1)

    /// Takes the service out of the way, and does not wait longer than it should take: a name service that hangs holds
    /// up a proxy, and must not hold up the end.
    private func end(_ service: Service, _ signals: inout sigset_t) {
        let began = bootTime()
        let done = DispatchSemaphore(value: 0)
        let grace = drain.duration
        Task {
            await service.stop(draining: grace)
            done.signal()
        }
        while bootTime() - began < grace + .seconds(1), done.wait(timeout: .now()) == .timedOut {
            var time = timespec(tv_sec: 0, tv_nsec: 10_000_000)
            switch sigtimedwait(&signals, nil, &time) {
            // Who presses Ctrl-C twice does not want to wait.
            case SIGINT: return
            case SIGTERM: if bootTime() - began >= Self.insistence { return }
            default: break
            }
        }
    }

    private func level() -> LogLevel {
        let word = getenv("LOG_LEVEL").map { String(cString: $0) } ?? ""
        if let level = LogLevel(word) { return level }
        note("muster-net: unknown LOG_LEVEL '\(word)': taken as info")
        return .info
    }

    private func announce(_ service: Service) throws {
        say("muster-net: the API listens on \(service.address) (seed \(service.seed))")
        guard let readyFile else { return }
        // In one piece: whoever sees the file sees the line.
        let part = readyFile + ".part"
        guard let file = fopen(part, "w") else { throw refusal("--ready-file \(readyFile): \(errorText())") }
        fputs("\(service.address)\n", file)
        guard fclose(file) == 0, rename(part, readyFile) == 0 else {
            throw refusal("--ready-file \(readyFile): \(errorText())")
        }
    }

    /// As many as the machine allows: every connection takes two.
    private func raiseDescriptors() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(kind, &limit)
    }

    private func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<Value, any Error>?>(nil)
        Task {
            let value: Result<Value, any Error>
            do { value = .success(try await body()) } catch { value = .failure(error) }
            result.withLock { $0 = value }
            done.signal()
        }
        done.wait()
        guard let value = result.withLock({ $0 }) else { preconditionFailure("the task gave no result") }
        return try value.get()
    }
}

/// Says what is wrong, and ends with the code for something that is not possible here.
func refusal(_ message: String, _ ending: Ending = .refused) -> any Error {
    note("muster-net: \(message)")
    return ArgumentParser.ExitCode(ending.rawValue)
}

func errorText() -> String { String(cString: strerror(errno)) }
