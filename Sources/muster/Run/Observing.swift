import MusterCore
import MusterProbes

/// What the engine's snapshot means to the person.
enum Observing {
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
        case .preparing: "reading the datasets"
        case .steady: "waiting for the steady state"
        case .warmingUp: "warming up the workload"
        case .waiting: "waiting for the moment of the fault"
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
