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

    /// What expected alerts do.
    static func rows(_ alerts: DrillRunner.AlertState, _ drill: Drill) -> [LiveView.Row] {
        drill.alerts.map { alert in
            let fires = alerts.firing.contains(alert.name)
            return LiveView.Row(
                name: "alert \(alert.name)", text: "from \(alert.source)", isGood: !fires,
                mark: fires ? "FIRES" : alerts.unheard.contains(alert.source) ? "?" : "quiet")
        }
    }

    /// `1 injection`, `3 injections`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
