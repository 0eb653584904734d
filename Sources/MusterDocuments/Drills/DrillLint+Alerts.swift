import MusterCore
import MusterDrills

extension DrillLint {
    mutating func checkAlerts() {
        checkAlertSources()
        let objectives = tree["objectives"]
        let isRead = !unread.contains("alerts") && !unread.contains("alertSources")
        if drill.alerts.isEmpty, isRead {
            if drill.objectives.detect != nil {
                error(
                    "detection is to be judged, and no alert is expected", objectives?["detect"],
                    "alerts: { NAME: { from: SOURCE, labels: { alertname: NAME } } }")
            }
            if drill.objectives.rto != nil, drill.objectives.rtoFrom == .detected {
                error(
                    "the clock starts when an expected alert fires, and none is expected",
                    objectives?["rto"]?["from"], "from: fault, or alerts:")
            }
        }
        if drill.objectives.detectBudget != nil, steps.runbooks.isEmpty {
            warn(
                "detectBudget counts only where the drill starts a runbook, and it starts none",
                objectives?["rto"]?["detectBudget"])
        }
        guard let limit = drill.objectives.detect else { return }
        for injection in steps.injections {
            if let hold = injection.step.hold, hold < limit {
                warn(
                    "the fault is lifted before it must have been noticed", injection.node["for"],
                    "at least \(limit.unitsText), the objective for detection")
            }
        }
        if drill.abort.after <= limit {
            error(
                "the run is broken off before a missed detection could be told",
                tree["abort"]?["after"] ?? tree,
                "more than \(limit.unitsText), the objective for detection")
        }
        for source in drill.alertSources where source.isPolled && source.every >= limit {
            error(
                "'\(source.name)' is asked too seldom to tell whether detection was in time",
                tree["alertSources"]?[source.name]?["every"] ?? tree["alertSources"]?[source.name],
                "every: less than the \(limit.unitsText) allowed, better a tenth of it")
        }
    }

    private mutating func checkAlertSources() {
        let names = tree["alertSources"]?.entries?.map(\.key) ?? []
        for entry in tree["alerts"]?.entries ?? [] {
            guard let node = entry.value["from"], let name = node.text else { continue }
            guard names.contains(name) else {
                error(
                    "unknown source '\(name)'", node,
                    names.isEmpty
                        ? "a name under 'alertSources:'" : "one of " + names.joined(separator: ", "),
                    nearest: nearestWord(to: name, among: names))
                continue
            }
            if entry.value["json"] != nil,
                drill.alertSources.first(where: { $0.name == name })?.isPolled == true
            {
                error(
                    "'\(name)' is asked for alerts, which have labels", entry.value["json"],
                    "labels:, or a source with webhook:")
            }
        }
        let alerts = tree["alerts"]?.entries?.map(\.key) ?? []
        for (name, node) in steps.alerts where !alerts.contains(name) {
            error(
                "no alert '\(name)' is expected", node["alert"],
                alerts.isEmpty ? "a name under 'alerts:'" : "one of " + alerts.joined(separator: ", "),
                nearest: nearestWord(to: name, among: alerts))
        }
        for source in drill.alertSources {
            let node = tree["alertSources"]?[source.name]
            if !drill.alerts.contains(where: { $0.source == source.name }), !unread.contains("alerts") {
                warn("no alert is expected from '\(source.name)'", node)
            }
        }
    }
}
