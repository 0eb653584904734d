import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A folder of one test's own, removed with everything in it when the test lets go of it.
final class TemporaryFolder: Sendable {
    let path: String
    init() throws {
        var template = Array("/tmp/muster-probes-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("make a folder") }
        path = String(cString: made)
    }
    deinit { _ = try? Spawn(["/bin/rm", "-rf", path]).start().wait(for: .seconds(60)) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = try Descriptor(opening: "\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o755)
        try file.write(Array(text.utf8))
        return "\(path)/\(name)"
    }
}

/// Polls until `condition` holds; false when it does not within the time.
func eventually(within limit: Duration = .seconds(60), _ condition: () throws -> Bool) rethrows -> Bool {
    let clock = SystemTimekeeper()
    let deadline = clock.monotonic() + limit
    while try !condition() {
        if clock.monotonic() > deadline { return false }
        clock.sleep(for: .milliseconds(5))
    }
    return true
}

func rate(_ perSecond: Int64) -> Rate { Rate(perSecondThousandths: perSecond * 1000) }

func httpProbe(_ url: String) -> HTTPProbe {
    var probe = HTTPProbe()
    probe.http = url
    return probe
}

func httpWorkload(_ server: TestServer) -> HTTPWorkload {
    var workload = HTTPWorkload()
    workload.http = server.url + "/kv/{key}"
    return workload
}

extension MeasuringEngine {
    convenience init(
        _ probes: [DrillProbe] = [], _ workloads: [DrillWorkload] = [], in folder: TemporaryFolder,
        configuration: Configuration = Configuration(), sink: @escaping Sink = { _, _ in }
    ) throws {
        try self.init(
            probes: probes, workloads: workloads, runID: "t\(UInt32.random(in: 0 ... .max))", seed: 7,
            ledgerDirectory: folder.path + "/ledger", configuration: configuration, sink: sink)
    }
}

func drillProbe(_ probe: any Probe, every: Duration, timeout: Duration, slow: Duration? = nil) -> DrillProbe {
    DrillProbe(
        name: "probe", kind: "test", probe: probe,
        setting: ProbeSetting(every: every, timeout: timeout, slow: slow))
}

func drillWorkload(
    _ workload: any Workload, writers: Int = 4, perSecond: Int64 = 200, timeout: Duration = .seconds(30)
) -> DrillWorkload {
    DrillWorkload(
        name: "kv", kind: "test", workload: workload,
        setting: WorkloadSetting(writers: writers, rate: rate(perSecond), timeout: timeout))
}

/// Waits on the monotonic clock; for tests whose subject is the passing of time.
func pass(_ duration: Duration) { SystemTimekeeper().sleep(for: duration) }

struct NoNamespace: Error {}

/// Namespaces of a test's own (namespaces(7)), for root.
enum Namespace: Int32 {
    case mounts = 0x20000
    /// In which loopback is down at first.
    case network = 0x4000_0000
}

/// Runs `body` on a thread that alone, with the threads that it starts, is in a new namespace.
func withNamespace<Result: Sendable>(
    _ kind: Namespace, _ body: @escaping @Sendable () throws -> Result
) throws -> Result {
    let latch = Latch<Swift.Result<Result, any Error>>()
    try startThread(name: "test-namespace") {
        latch.set(
            Swift.Result {
                // unshare(2); Glibc's module does not offer it.
                typealias Unshare = @convention(c) (Int32) -> Int32
                guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "unshare"),
                    unsafeBitCast(symbol, to: Unshare.self)(kind.rawValue) == 0
                else { throw NoNamespace() }
                return try body()
            })
    }
    return try #require(latch.wait(until: monotonicNow() + .seconds(300))).get()
}
