import MusterCore
import MusterProbes

/// What the engine's snapshot means to the runner and to the person.
enum Observing {
    static func observation(_ snapshot: MeasuringSnapshot, _ drill: Drill) -> DrillRunner.Observation {
        var signals: [DrillRunner.Observation.Signal] = []
        for probe in drill.probes {
            guard let status = snapshot.signals.first(where: { $0.name == probe.name }) else { continue }
            signals.append(signal(probe.name, [status]))
        }
        for workload in drill.workloads {
            let writers = snapshot.signals.filter { $0.name == workload.name && $0.writer != nil }
            if writers.contains(where: { $0.sent > 0 }) { signals.append(signal(workload.name, writers)) }
        }
        return DrillRunner.Observation(signals: signals)
    }

    /// A workload is as bad as its worst writer: good since the last of them was, bad since the first.
    private static func signal(_ name: String, _ all: [SignalStatus]) -> DrillRunner.Observation.Signal {
        // Dated to the end of the first good answer, as the judge does: what is shown as stable is judged so.
        let good = all.map { $0.goodSince?.finished }
        let goodSince = good.contains(nil) ? nil : good.compactMap { $0 }.max()
        let bad = all.filter { $0.goodSince == nil && $0.lastBad != nil }
        let badSince = bad.map { $0.lastGood?.started ?? $0.lastBad?.started ?? Instant(nanoseconds: 0) }
            .min()
        return .init(name: name, goodSince: goodSince, badSince: badSince, p99: nil)
    }

    static func rows(_ snapshot: MeasuringSnapshot, _ drill: Drill) -> [LiveView.Row] {
        var rows: [LiveView.Row] = []
        for probe in drill.probes {
            guard let status = snapshot.signals.first(where: { $0.name == probe.name }) else { continue }
            let latency = status.lastLatency.map { " · last \($0.forPeople)" } ?? ""
            rows.append(
                .init(
                    name: probe.name, text: "\(status.ok) ok · \(status.failed) failed\(latency)",
                    isGood: status.goodSince != nil))
        }
        for workload in snapshot.workloads {
            let writers = snapshot.signals.filter { $0.name == workload.name && $0.writer != nil }
            rows.append(
                .init(
                    name: workload.name,
                    text: "\(workload.acknowledged) acknowledged · \(workload.inDoubt) in doubt · "
                        + "\(workload.refused) refused",
                    isGood: !writers.contains { $0.sent > 0 && $0.goodSince == nil }))
        }
        return rows
    }

    static func words(_ phase: DrillRunner.Phase) -> String {
        switch phase {
        case .fixtures: "starting fixtures"
        case .steady: "waiting for the steady state"
        case .warmingUp: "warming up the workload"
        case .steps: "running the steps"
        case .recovering: "watching the recovery"
        case .after: "running the steps after recovery"
        case .stopping: "stopping the writers"
        case .readingBack: "reading the ledger back"
        case .undoing: "undoing"
        case .steadyAgain: "proving the steady state again"
        case .fixturesDown: "taking the fixtures down"
        case .finished: "finished"
        }
    }

    /// `1 injection`, `3 injections`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
