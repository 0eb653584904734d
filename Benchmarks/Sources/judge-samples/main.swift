import Glibc
import MusterCore
import MusterDrills

// Times the judgement of a long run, and what it takes of memory.
// Usage: judge-samples COUNT OUTAGES; prints, one a line: nanoseconds to record the samples, nanoseconds to judge them,
// bytes of all samples, and the most memory that the process ever had (VmHWM of proc(5)), in bytes.

func monotonic() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

func peakMemory() -> Int64 {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("VmHWM:") else { continue }
        return (text.split { !$0.isNumber }.first.flatMap { Int64($0) } ?? 0) * 1024
    }
    return 0
}

struct Kill: Fault {
    static let form = Form("kill", "Stands for any fault.", blank: Kill(), fields: [])
    static let targets: Set<Target.Kind> = [.process]
    var persistence: Persistence { .instant }
    static func readiness(on host: any HostReader) -> Readiness { .ready("nothing") }
    func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        UndoPlan(facts: [], touches: [])
    }
    func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {}
    func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect { .proven("nothing") }
}

struct Ping: Probe {
    static let form = Form("ping", "Stands for any probe.", blank: Ping(), fields: [])
}

struct Write: Workload {
    static let form = Form("write", "Stands for any workload.", blank: Write(), fields: [])
}

func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

/// A signal every millisecond, with some jitter: outages of a second at even distances, whose last half are timeouts
/// that come in a second late.
func signal(_ name: String, writer: Int?, count: Int, outages: Int) -> Signal {
    var random = SplitMix64(seed: UInt64(writer ?? 99))
    var samples = SampleSeries()
    var late: [Sample] = []
    let distance = count / (outages + 1)
    for index in 0..<count {
        let due = 1_000_000_000_000 + Int64(index) * 1_000_000
        let started = due + Int64(random.next() % 200_000)
        let took = 200_000 + Int64(random.next() % 800_000)
        while let first = late.first, first.finished.nanoseconds < started {
            samples.append(first)
            late.removeFirst()
        }
        let sinceOutage = index < distance ? .max : index % distance
        let outcome: Sample.Outcome = sinceOutage < 500 ? .error : sinceOutage < 1000 ? .timeout : .ok
        let sample = Sample(
            due: at(due), started: at(started),
            finished: at(started + (outcome == .timeout ? 1_000_000_000 : took)), outcome: outcome,
            code: outcome == .error ? 111 : 0)
        if outcome == .timeout { late.append(sample) } else { samples.append(sample) }
    }
    for sample in late { samples.append(sample) }
    return Signal(name: name, writer: writer, every: .milliseconds(1), samples: samples)
}

let words = CommandLine.arguments
guard words.count == 3, let count = Int(words[1]), let outages = Int(words[2]), count >= 100_000,
    (4...count / 5000).contains(outages)
else {
    print("usage: judge-samples COUNT OUTAGES (COUNT 100000 or more; OUTAGES from 4 to COUNT / 5000)")
    exit(2)
}

// Half of them from a probe, half from four writers.
var drill = Drill(name: "long")
drill.objectives.rto = .seconds(60)
drill.objectives.availability = AvailabilityGoal(
    min: Percentage(millionths: 500_000), window: .seconds(3600))
drill.objectives.latency = LatencyGoal(
    quantile: Percentage(millionths: 500_000), max: .milliseconds(100), window: .seconds(3600))
drill.objectives.degradation = .seconds(36_000)
drill.steady.success = Percentage(millionths: 990_000)
drill.probes = [DrillProbe(name: "ping", kind: "ping", probe: Ping(), setting: ProbeSetting())]
drill.workloads = [
    DrillWorkload(name: "writes", kind: "write", workload: Write(), setting: WorkloadSetting())
]
let step = InjectStep(name: "crash", faultName: "process-kill", fault: Kill(), target: "it")
drill.steps = [Step(.inject(step))]

let began = monotonic()
var signals = [signal("ping", writer: nil, count: count / 2, outages: outages)]
for writer in 0..<4 {
    signals.append(signal("writes", writer: writer, count: count / 8, outages: outages / 4))
}
let recorded = monotonic()
/// The fault struck where the probe's first outage begins.
let fault = 1_000_000_000_000 + Int64(count / 2 / (outages + 1)) * 1_000_000
let event = { (kind: Event.Kind, time: Int64, bracket: Bracket?) in
    Event(kind, at: at(time), utc: 0, bracket: bracket, subject: "crash", text: "")
}
let history = History(
    events: [
        event(.steady, 1_002_000_000_000, nil),
        event(.injected, fault + 100_000, Bracket(at(fault - 200_000), at(fault + 100_000))),
        event(.effective, fault + 2_000_000, nil),
    ], signals: signals, ledgers: [])
let judgement = DrillJudge.judge(drill, history)
let judged = monotonic()
guard judgement.status != .invalid, judgement.objectives.count == 4 else {
    print("judge-samples: the run was not judged: \(judgement.reason)")
    exit(70)
}
print(recorded - began)
print(judged - recorded)
print(signals.reduce(0) { $0 + $1.samples.encodedBytes })
print(peakMemory())
