import MusterCore
import MusterDrills
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

    /// - Parameter snapshot: nil once nothing is measured any more.
    static func pulse(
        _ snapshot: MeasuringSnapshot?, _ drill: Drill, phase: DrillRunner.Phase, step: RunPulse.Step?,
        at now: Instant
    ) -> RunPulse {
        var pulse = RunPulse(at: now, phase: phase.rawValue, step: step)
        guard let snapshot else { return pulse }
        for name in drill.probes.map(\.name) + drill.workloads.map(\.name) {
            let own = snapshot.signals.filter { $0.name == name }
            // Of a workload, as bad as its worst writer.
            let bad = own.compactMap(\.badSince?.finished).min()
            pulse.signals.append(
                RunPulse.Signal(
                    name: name, ok: own.reduce(0) { $0 + $1.ok }, failed: own.reduce(0) { $0 + $1.failed },
                    badSince: bad, isGood: bad == nil && own.contains { $0.goodSince != nil }))
        }
        pulse.workloads = snapshot.workloads.map { workload in
            let writers = snapshot.signals.filter { $0.name == workload.name && $0.writer != nil }
            return RunPulse.Workload(
                name: workload.name, acknowledged: workload.acknowledged, inDoubt: workload.inDoubt,
                refused: workload.refused, lastAcknowledged: writers.compactMap(\.lastGood?.finished).max())
        }
        return pulse
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
