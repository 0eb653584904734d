import MusterCore
import MusterDrills

/// Times in the hand-made histories are milliseconds.
func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64((milliseconds * 1e6).rounded())) }
func ms(_ milliseconds: Double) -> Duration { .nanoseconds(Int64((milliseconds * 1e6).rounded())) }
func bracket(_ lower: Double, _ upper: Double) -> Bracket { Bracket(at(lower), at(upper)) }
func interval(_ lower: Double, _ upper: Double?) -> Interval {
    Interval(lower: ms(lower), upper: upper.map(ms))
}

struct GivenFault: Fault {
    var isHeld = false
    static let form = Form("given", "A fault of the tests.", blank: GivenFault(), fields: [])
    static let targets: Set<Target.Kind> = [.process]
    var persistence: Persistence { isHeld ? .held : .instant }
    static func readiness(on host: any HostReader) -> Readiness { .ready("nothing") }
    func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        UndoPlan(facts: [], touches: [])
    }
    func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {}
    func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect { .proven("given") }
}

struct GivenProbe: Probe {
    static let form = Form("given", "A probe of the tests.", blank: GivenProbe(), fields: [])
}

struct GivenWorkload: Workload {
    static let form = Form("given", "A workload of the tests.", blank: GivenWorkload(), fields: [])
}

/// A signal written as it was seen.
struct Seen {
    var signal: Signal
    init(_ name: String = "ping", writer: Int? = nil, every: Double = 10) {
        signal = Signal(name: name, writer: writer, every: ms(every))
    }

    /// Samples every period from `from` up to and including `to`.
    func then(
        _ outcome: Sample.Outcome, _ from: Double, _ to: Double, takes: Double = 0.7
    ) -> Seen {
        var copy = self
        var time = from
        while time <= to {
            copy.signal.samples.append(
                Sample(due: at(time), started: at(time), finished: at(time + takes), outcome: outcome))
            time += signal.every.inSeconds * 1000
        }
        return copy
    }
}

/// The outage of MEASUREMENT's bounds vector: F = [1000.0, 1000.2], errors sent 1000 ... 2230, ok from 2240 on.
func boundsVector(
    _ name: String = "ping", writer: Int? = nil, until end: Double = 40_000
) -> Signal {
    Seen(name, writer: writer).then(.ok, 0, 990).then(.error, 1000, 2230).then(.ok, 2240, end).signal
}

/// A whole run to be judged, good in every respect until a test spoils it.
struct GivenRun {
    var drill = Drill(name: "given")
    var events: [Event] = []
    var signals: [Signal] = []
    var ledgers: [Ledger] = []

    init(
        rto: Double? = 2000, rpo: Double? = nil, held: Bool = false, recovery: InjectStep.Recovery? = nil,
        probes: [String] = ["ping"], workloads: [String] = []
    ) {
        drill.objectives.rto = rto.map(ms)
        drill.objectives.rpo = rpo.map(ms)
        drill.probes = probes.map {
            DrillProbe(name: $0, kind: "given", probe: GivenProbe(), setting: ProbeSetting())
        }
        drill.workloads = workloads.map {
            DrillWorkload(name: $0, kind: "given", workload: GivenWorkload(), setting: WorkloadSetting())
        }
        drill.steps = [inject("crash", held: held, recovery: recovery)]
        note(.steady, 900)
        note(.injecting, 1000, "crash")
        note(.injected, 1000.3, "crash", bracket(1000, 1000.2))
        note(.effective, 1001, "crash")
    }

    func inject(_ name: String, held: Bool = false, recovery: InjectStep.Recovery? = nil) -> Step {
        Step(
            .inject(
                InjectStep(
                    name: name, faultName: "process-kill", fault: GivenFault(isHeld: held), target: "it",
                    recovery: recovery)))
    }

    mutating func note(
        _ kind: Event.Kind, _ time: Double, _ subject: String = "", _ bracket: Bracket? = nil,
        actor: String = "muster", text: String = "as the test says", detail: Value = .null
    ) {
        events.append(
            Event(
                kind, at: at(time), utc: 0, bracket: bracket, subject: subject, actor: actor, text: text,
                detail: detail))
    }

    mutating func forget(_ kind: Event.Kind) { events.removeAll { $0.kind == kind } }

    var judgement: Judgement {
        DrillJudge.judge(drill, History(events: events, signals: signals, ledgers: ledgers))
    }

    func result(_ name: String = "rto") -> ObjectiveResult? {
        judgement.objectives.first { $0.name == name }
    }
}

/// The ledger of MEASUREMENT's test vector, and its read-back.
func ledgerVector() -> Ledger {
    var entries = (1...10).map { index in
        LedgerEntry(
            key: EntryKey(stream: 1, sequence: Int64(index)), sent: at(Double(index) * 100),
            finished: at(Double(index) * 100 + 20), outcome: .ok)
    }
    entries.append(
        LedgerEntry(
            key: EntryKey(stream: 1, sequence: 11), sent: at(1100), finished: at(1150), outcome: .info))
    entries.append(
        LedgerEntry(
            key: EntryKey(stream: 1, sequence: 12), sent: at(1200), finished: at(1201), outcome: .fail))
    let found = [1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 99].map { number in
        ReadBack.Found(
            key: EntryKey(stream: 1, sequence: number), isIntact: number != 4, count: number == 5 ? 2 : 1)
    }
    return Ledger(
        workload: "writes", entries: entries, readBack: ReadBack(found: found, agreed: true, passes: 2),
        payloadBytes: 64, rate: Rate(perSecondThousandths: 10_000))
}

/// A ledger of one stream: a write every 100 ms from 100 on, acknowledged 20 ms later, all there but `missing`.
func ledger(_ numbers: ClosedRange<Int64>, missing: Set<Int64> = [], stream: Int32 = 1) -> Ledger {
    let entries = numbers.map { number in
        LedgerEntry(
            key: EntryKey(stream: stream, sequence: number), sent: at(Double(number) * 100),
            finished: at(Double(number) * 100 + 20), outcome: .ok)
    }
    let found = entries.map(\.key).filter { !missing.contains($0.sequence) }
        .map { ReadBack.Found(key: $0, isIntact: true) }
    return Ledger(
        workload: "writes", entries: entries, readBack: ReadBack(found: found, agreed: true, passes: 2),
        payloadBytes: 64, rate: Rate(perSecondThousandths: 10_000))
}
