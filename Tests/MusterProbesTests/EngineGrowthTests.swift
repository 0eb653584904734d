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
            // What is made once stays: libcurl with its resolver, the arenas of threads.
            for _ in 0..<12 { try runOneEngine(server) }
            let memory = residentBytes()
            for _ in 0..<40 { try runOneEngine(server) }
            #expect(
                eventually { openDescriptors() <= descriptors + 8 },
                "\(descriptors), then \(openDescriptors())")
            #expect(eventually { threads() <= tasks + 8 }, "\(tasks) threads, then \(threads())")
            // Half a MB kept of each would be more than this.
            let grown = residentBytes() - memory
            #expect(grown < 16 << 20, "\(grown) bytes")
        }
    }
}

/// Kept-alive and fresh probes, one whose answers do not come, and a workload.
private func runOneEngine(_ server: TestServer) throws {
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

private func residentBytes() -> Int {
    let text = (try? readSmallFile("/proc/self/status")) ?? nil
    let line = text?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
}
