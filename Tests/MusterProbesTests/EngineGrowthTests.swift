import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterProbes

/// An engine takes everything with it, however many there were: `muster run --repeat` starts a thousand in one process.
@Suite struct EngineGrowthTests {
    /// In a process of its own: other tests open descriptors and take memory meanwhile.
    @Test func manyEnginesLeaveNeitherDescriptorsNorMemory() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer { $0.path == "/3" ? .hang : .status(200, "") }
            defer { server.stop() }
            let (descriptors, tasks) = (openDescriptors(), threads())
            var gone: [Weak] = []
            // What is made once stays: libcurl with its resolver, the arenas of threads.
            for _ in 0..<12 { gone += try runOneEngine(server) }
            let before = try settle(server, tasks)
            for _ in 0..<40 { gone += try runOneEngine(server) }
            let after = try settle(server, tasks)
            #expect(
                eventually { openDescriptors() <= descriptors + 8 },
                "\(descriptors), then \(openDescriptors())")
            #expect(eventually { gone.allSatisfy { $0.object == nil } })
            // Of each engine: 25 kB of objects, which is a transfer or two; half of what its rings may take; and 200 kB
            // of pages.
            #expect(after.inUse - before.inUse < 1 << 20, "\(before), then \(after)")
            #expect(after.mapped - before.mapped < 512 << 20, "\(before), then \(after)")
            #expect(after.resident - before.resident < 8 << 20, "\(before), then \(after)")
        }
    }
}

private struct Weak { weak var object: AnyObject? }

/// Bytes of this process.
private struct Memory {
    /// What malloc has handed out and not got back.
    var inUse: Int
    /// Of its address space.
    var mapped: Int
    var resident: Int
}

/// Waits until the server's threads have let go of their connections, and has an engine that does nothing give back
/// what they left free.
private func settle(_ server: TestServer, _ tasks: Int) throws -> Memory {
    #expect(eventually { threads() <= tasks + 8 }, "\(tasks) threads, then \(threads())")
    server.forget()
    try MeasuringEngine(in: TemporaryFolder()).stop()
    return Memory(inUse: try bytesInUse(), mapped: bytes("VmSize:"), resident: bytes("VmRSS:"))
}

/// Kept-alive and fresh probes, one whose answers do not come, and a workload.
/// - Returns: what must be gone once nobody holds on to the engine.
private func runOneEngine(_ server: TestServer) throws -> [Weak] {
    let folder = try TemporaryFolder()
    var kept = httpProbe(server.url)
    kept.keepAlive = true
    var configuration = MeasuringEngine.Configuration()
    configuration.samplesInMemory = 0
    let engine = try MeasuringEngine(
        [
            drillProbe(kept, every: .milliseconds(1), timeout: .seconds(60)),
            drillProbe(httpProbe(server.url), every: .milliseconds(5), timeout: .seconds(60)),
            drillProbe(httpProbe(server.url + "/3"), every: .milliseconds(5), timeout: .seconds(60)),
            drillProbe(TCPProbe("127.0.0.1:\(server.port)"), every: .milliseconds(5), timeout: .seconds(60)),
        ], [drillWorkload(httpWorkload(server), writers: 4, perSecond: 400, timeout: .milliseconds(300))],
        in: folder, configuration: configuration)
    try engine.start()
    engine.startWorkloads()
    #expect(
        eventually {
            let snapshot = engine.snapshot()
            return snapshot.signals[0].ok >= 100 && snapshot.workloads[0].acknowledged >= 20
        })
    engine.stopWorkloads()
    _ = engine.readBack(gap: .milliseconds(1), within: .milliseconds(200))
    engine.stop()
    #expect(!engine.signals().isEmpty)
    return [Weak(object: engine)] + engine.loops.map { Weak(object: $0) }
        + engine.ledgerFiles.map { Weak(object: $0) }
}

private func entries(of path: String) -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // "." and "..".
    return count - 2
}

private func openDescriptors() -> Int { entries(of: "/proc/self/fd") }
private func threads() -> Int { entries(of: "/proc/self/task") }

/// A line of proc_pid_status(5).
private func bytes(_ name: String) -> Int {
    let text = (try? readSmallFile("/proc/self/status")) ?? nil
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
}

/// What malloc has handed out, of all arenas and of mappings of its own (malloc_info(3)).
private func bytesInUse() throws -> Int {
    // Glibc's module does not offer it.
    typealias Report = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
    let symbol = try #require(dlsym(dlopen(nil, RTLD_NOW), "malloc_info"))
    var text: UnsafeMutablePointer<CChar>?
    var size = 0
    let file = try #require(open_memstream(&text, &size))
    let code = unsafeBitCast(symbol, to: Report.self)(0, file)
    fclose(file)
    defer { free(text) }
    try #require(code == 0)
    let report = String(cString: try #require(text))
    return try sum("current", in: report) + sum("mmap", in: report) - sum("fast", in: report)
        - sum("rest", in: report)
}

/// The sums of all arenas come last: `<total type="fast" count="0" size="0"/>`.
private func sum(_ type: String, in report: String) throws -> Int {
    let line = try #require(report.split(separator: "\n").last { $0.contains("type=\"\(type)\"") })
    return try #require(line.split(separator: "\"").dropLast().last.flatMap { Int($0) })
}
