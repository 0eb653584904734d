import MusterCore
public import MusterDrills

extension MeasuringEngine {
    /// What the state machine of a run asks for ten times a second. Waits for no disk.
    public func observation() -> DrillRunner.Observation {
        let snapshot = snapshot()
        var names: [String] = []
        var groups: [String: [Int]] = [:]
        for (index, status) in snapshot.signals.enumerated() {
            if groups[status.name] == nil { names.append(status.name) }
            groups[status.name, default: []].append(index)
        }
        return DrillRunner.Observation(
            signals: names.map { name in
                let members = groups[name] ?? []
                let statuses = members.map { snapshot.signals[$0] }
                // Dated to the end of the first good answer, as the judge dates it: what looks stable here is judged so.
                let good = statuses.map { $0.goodSince?.finished }
                return DrillRunner.Observation.Signal(
                    name: name,
                    // As bad as its worst writer.
                    goodSince: good.contains(nil) ? nil : good.compactMap { $0 }.max(),
                    badSince: statuses.compactMap { $0.badSince?.finished }.min(),
                    p99: latency(of: members, quantile: 0.99, since: snapshot.at - configuration.window),
                    problem: statuses.first { $0.badSince != nil }?.lastBad.map(Self.problem))
            })
    }

    private static func problem(_ sample: Sample) -> String {
        sample.outcome == .timeout ? "no answer in time" : SampleCode.inWords(sample.code)
    }
}
