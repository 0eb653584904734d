import Glibc
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterProbes
import MusterSystem

// Measures the measuring engine and the store of outcomes; prints one line of JSON. Processor time is the
// kernel's (proc(5), /proc/self/task/*/schedstat: nanoseconds on a processor).
//
//   measuring probes URL PER-SECOND SECONDS [realtime]     kept-alive http probes, each at most a thousand a second
//   measuring fresh URL PER-SECOND SECONDS [realtime]      the same, each on a connection of its own
//   measuring ledger redis://… STREAMS PER-SECOND SECONDS DIRECTORY [realtime]
//   measuring growth redis://… STREAMS PER-SECOND DIRECTORY WRITES,WRITES,…   resident memory after so many
//   measuring readback "host=… port=… user=… dbname=…" STREAMS WRITES TIMES DIRECTORY
//   measuring store FILE SAMPLES BATCH

func fail(_ text: String) -> Never {
    print(text)
    exit(2)
}

/// Nanoseconds on a processor by the name of the thread.
func processorTime() -> [String: Int64] {
    var times: [String: Int64] = [:]
    guard let folder = opendir("/proc/self/task") else { return [:] }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name.first?.isNumber == true,
            let label = try? readSmallFile("/proc/self/task/\(name)/comm"),
            let line = try? readSmallFile("/proc/self/task/\(name)/schedstat"),
            let spent = line.split(separator: " ").first.flatMap({ Int64($0) })
        else { continue }
        times[String(label.filter { !$0.isNewline }), default: 0] += spent
    }
    return times
}

func residentBytes() -> Int64 {
    let text = (try? readSmallFile("/proc/self/status")) ?? nil
    let line = text?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0) * 1024
}

let clock = SystemTimekeeper()

/// Runs something for a while after a second to warm up.
/// - Returns: shares of one core by thread, and the time between the two looks.
func spent(_ seconds: Int) -> (shares: [String: Double], seconds: Double) {
    clock.sleep(for: .seconds(1))
    let (before, began) = (processorTime(), clock.monotonic())
    clock.sleep(for: .seconds(seconds))
    let (after, ended) = (processorTime(), clock.monotonic())
    let passed = Double((ended - began).nanoseconds)
    var shares: [String: Double] = [:]
    for (name, time) in after { shares[name] = Double(time - (before[name] ?? 0)) / passed }
    return (shares, passed / 1e9)
}

func show(_ values: [String: Value], _ shares: [String: Double]) {
    var all = values
    all["shares"] = .map(shares.mapValues { .double($0) })
    all["allThreads"] = .double(shares.values.reduce(0, +))
    print(Value.map(all).canonicalJSON)
}

func temporaryFolder() -> String {
    var template = Array("/tmp/muster-measuring-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fail("no temporary folder") }
    return String(cString: made)
}

func probes(_ url: String, _ rate: Int, _ seconds: Int, keepAlive: Bool, realtime: Bool) throws {
    var probe = HTTPProbe()
    probe.http = url
    probe.keepAlive = keepAlive
    let count = (rate + 999) / 1000
    let setting = ProbeSetting(
        every: .nanoseconds(1_000_000_000 * Int64(count) / Int64(rate)), timeout: .seconds(1))
    let all = (0..<count).map { DrillProbe(name: "p\($0)", kind: "http", probe: probe, setting: setting) }
    var configuration = MeasuringEngine.Configuration()
    configuration.isRealtime = realtime
    let folder = temporaryFolder()
    defer { rmdir(folder) }
    let engine = try MeasuringEngine(
        probes: all, workloads: [], runID: "bench", seed: 1, ledgerDirectory: folder,
        configuration: configuration)
    try engine.start()
    let (shares, passed) = spent(seconds)
    let began = clock.monotonic() - .nanoseconds(Int64(passed * 1e9))
    let instrument = engine.snapshot().instrument
    engine.stop()
    let samples = engine.signals().flatMap(\.samples).filter {
        $0.due >= began && $0.due < began + .seconds(seconds)
    }
    // Of the time that is measured alone: the first connections are made before it.
    let late = samples.map { ($0.started - $0.due).nanoseconds }.sorted()
    let latency = samples.filter(\.isUp).map { $0.latency.nanoseconds }.sorted()
    func quantile(_ sorted: [Int64], _ share: Double) -> Value {
        sorted.isEmpty ? .null : .int(sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))])
    }
    show(
        [
            "perSecond": .double(Double(samples.filter(\.isUp).count) / passed),
            "failed": .int(Int64(samples.filter(\.isDown).count)),
            "unknown": .int(Int64(samples.filter { $0.outcome == .unknown }.count)),
            "lateP50": quantile(late, 0.5), "lateP99": quantile(late, 0.99), "lateMax": quantile(late, 1),
            "tookP50": quantile(latency, 0.5), "tookP99": quantile(latency, 0.99),
            "dropped": .int(Int64(instrument.dropped)),
        ], shares)
}

func writing(_ url: String, _ streams: Int, _ rate: Int, _ folder: String, realtime: Bool) throws
    -> MeasuringEngine
{
    var workload = RedisWorkload()
    workload.redis = url
    var configuration = MeasuringEngine.Configuration()
    configuration.isRealtime = realtime
    let setting = WorkloadSetting(
        writers: streams, rate: Rate(perSecondThousandths: Int64(rate) * 1000), timeout: .seconds(5))
    let engine = try MeasuringEngine(
        probes: [],
        workloads: [DrillWorkload(name: "w", kind: "redis", workload: workload, setting: setting)],
        runID: "bench\(getpid())", seed: 1, ledgerDirectory: folder, configuration: configuration)
    try engine.start()
    engine.startWorkloads()
    return engine
}

func growth(_ url: String, _ streams: Int, _ rate: Int, _ folder: String, _ counts: [Int], realtime: Bool)
    throws
{
    let engine = try writing(url, streams, rate, folder, realtime: realtime)
    var resident: [Value] = []
    // Three times what it takes at this rate: a store or a disk that cannot keep up is no measurement of memory.
    let limit = Duration.seconds(60 + 3 * (counts.max() ?? 0) / max(1, rate))
    let deadline = clock.monotonic() + limit
    for count in counts {
        var status = engine.snapshot().workloads[0]
        while status.acknowledged < count {
            if let failure = status.ledgerFailure { fail("the ledger failed: \(failure)") }
            guard clock.monotonic() < deadline else {
                fail(
                    "only \(status.acknowledged) of \(count) writes were acknowledged within \(limit.forPeople): "
                        + "a lower rate, or a quieter machine, is needed")
            }
            clock.sleep(for: .milliseconds(50))
            status = engine.snapshot().workloads[0]
        }
        resident.append(.int(residentBytes()))
    }
    engine.stopWorkloads()
    let missed = engine.snapshot().workloads[0].missed
    engine.stop()
    show(["resident": .list(resident), "missed": .int(Int64(missed))], [:])
}

func ledger(_ url: String, _ streams: Int, _ rate: Int, _ seconds: Int, _ folder: String, realtime: Bool)
    throws
{
    let engine = try writing(url, streams, rate, folder, realtime: realtime)
    clock.sleep(for: .seconds(1))
    let before = engine.snapshot().workloads[0]
    let (shares, passed) = spent(seconds)
    let after = engine.snapshot().workloads[0]
    engine.stopWorkloads()
    let began = clock.monotonic()
    let ledger = engine.ledgers()[0]
    let read = clock.monotonic() - began
    engine.stop()
    show(
        [
            // `spent` warms up for a second of its own.
            "perSecond": .double(Double(after.acknowledged - before.acknowledged) / (passed + 1)),
            "missed": .int(Int64(after.missed - before.missed)), "inDoubt": .int(Int64(after.inDoubt)),
            "entries": .int(Int64(ledger.entries.count)), "readNanoseconds": .int(read.nanoseconds),
        ], shares)
}

func store(_ path: String, _ count: Int, _ batch: Int) throws {
    let store = try OutcomeStore(path: path, hash: { _ in "none" })
    let header = RunHeader(
        id: "01JD8Q6Z5W4R8T2M1N0P9XCVBA", drill: "bench", drillPath: "", drillText: "", drillHash: "",
        service: nil,
        owner: nil, environment: .lab, failureMode: nil, expect: nil, variables: [:],
        durabilityScope: "process",
        host: "", bootID: "", kernel: "", timeZone: "", actor: "", toolVersion: "", protocolVersion: 1,
        judgeVersion: 1, binaryHash: "", startedAt: clock.monotonic(), startedAtUTC: clock.utcNanoseconds())
    _ = try store.begin(header)
    let signals = (0..<4).map { Signal(name: "p\($0)", every: .milliseconds(1)) }
    let start = clock.monotonic()
    let samples = (0..<batch / 4).map { number in
        let due = start + .milliseconds(number)
        return Sample(
            due: due, started: due + .microseconds(50), finished: due + .microseconds(250), outcome: .ok,
            code: 200)
    }
    var batchOfAll = StoreBatch()
    for signal in signals { batchOfAll.add(samples, of: signal) }
    let began = clock.monotonic()
    var written = 0
    while written < count {
        try store.append(batchOfAll, to: header.id)
        written += batchOfAll.sampleCount
    }
    let took = clock.monotonic() - began
    show(
        [
            "perSecond": .double(Double(written) * 1e9 / Double(took.nanoseconds)),
            "written": .int(Int64(written)),
        ], processorTime().mapValues { Double($0) / Double(took.nanoseconds) })
    try store.close()
}

signal(SIGPIPE, SIG_IGN)
let words = Array(CommandLine.arguments.dropFirst())
let isRealtime = words.last == "realtime"
switch (words.first, words.count - (isRealtime ? 1 : 0)) {
case ("probes", 4), ("fresh", 4):
    guard let rate = Int(words[2]), let seconds = Int(words[3]), rate > 0, seconds > 0 else {
        fail("not numbers")
    }
    try probes(words[1], rate, seconds, keepAlive: words[0] == "probes", realtime: isRealtime)
case ("ledger", 6):
    guard let streams = Int(words[2]), let rate = Int(words[3]), let seconds = Int(words[4]) else {
        fail("not numbers")
    }
    try ledger(words[1], streams, rate, seconds, words[5], realtime: isRealtime)
case ("growth", 6):
    let counts = words[5].split(separator: ",").compactMap { Int($0) }
    guard let streams = Int(words[2]), let rate = Int(words[3]), !counts.isEmpty else { fail("not numbers") }
    try growth(words[1], streams, rate, words[4], counts, realtime: isRealtime)
case ("readback", 6):
    guard let streams = Int(words[2]), let count = Int(words[3]), let times = Int(words[4]) else {
        fail("not numbers")
    }
    try readBack(words[1], streams, count, times, words[5])
case ("store", 4):
    guard let count = Int(words[2]), let batch = Int(words[3]), batch >= 4 else { fail("not numbers") }
    try store(words[1], count, batch)
default:
    fail(
        "usage: measuring probes|fresh URL RATE SECONDS | ledger URL STREAMS RATE SECONDS DIR | growth URL STREAMS RATE DIR COUNTS | readback ADDRESS STREAMS COUNT TIMES DIR | store FILE COUNT BATCH"
    )
}
