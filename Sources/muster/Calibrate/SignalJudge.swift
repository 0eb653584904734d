import MusterCore
import MusterDrills
import MusterFaults
import MusterProbes

/// One probe's claim about one outage, by way of the drill judge.
struct SignalJudge {
    let signal: Signal
    let slow: Duration?
    let fault: Bracket
    let until: Instant
    let stable: Duration

    var claim: [String: Value] {
        let known = signal.samples.filter { $0.outcome != .unknown }
        // Where slowness is measured, a slow answer is as bad as none; the sum of both is taken from the judge, which
        // tells them apart.
        let hard = slow == nil ? signal : asDown(signal)
        let judgement = judged(hard)
        let recovery = Recovery(
            of: hard, by: RecoveryRule(fault: fault, stable: stable, until: until))
        let gap = recovery.largestGap(from: fault.lower, to: until)
        let latency = known.map(\.latency).max() ?? .zero
        func measured(_ name: String, in judgement: Judgement) -> Value {
            judgement.measurements.first { $0.name == name }.map { .of($0.interval) } ?? .null
        }
        return [
            "status": .text(judgement.status.rawValue), "rta": measured("rta", in: judgement),
            "downtime": measured("downtime", in: judgement),
            "slow": slow == nil ? .null : measured("slow-total", in: judged(signal)),
            "blindSpot": .int((gap + latency).nanoseconds),
            "lags": .text(known.map { String(($0.started - $0.due).nanoseconds) }.joined(separator: " ")),
        ]
    }

    private func asDown(_ signal: Signal) -> Signal {
        let samples = signal.samples.map { sample in
            var sample = sample
            if sample.outcome == .slow { sample.outcome = .timeout }
            return sample
        }
        return Signal(name: signal.name, every: signal.every, samples: samples)
    }

    private func judged(_ signal: Signal) -> Judgement {
        var drill = Drill(name: "calibration")
        drill.probes = [
            DrillProbe(name: signal.name, kind: "http", probe: HTTPProbe(), setting: ProbeSetting())
        ]
        drill.recovered.stable = stable
        drill.steps = [
            Step(
                .inject(
                    InjectStep(
                        name: "dark", faultName: "process-kill", fault: ProcessKill(), target: "server")))
        ]
        func event(_ kind: Event.Kind, _ at: Instant, _ bracket: Bracket? = nil) -> Event {
            Event(kind, at: at, utc: 0, bracket: bracket, subject: "dark", text: "")
        }
        let events = [
            event(.steady, fault.lower), event(.injected, fault.upper, fault), event(.effective, fault.upper),
            event(.writersStopped, until),
        ]
        return DrillJudge.judge(drill, History(events: events, signals: [signal], ledgers: []))
    }
}
