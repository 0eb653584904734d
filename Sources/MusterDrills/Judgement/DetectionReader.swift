import MusterCore

/// Reads the records of alerts for the judge.
struct DetectionReader {
    let fault: Bracket
    /// When the fault struck, by the wall clock.
    let faultUTC: Int64?
    /// Where all listening ends.
    let until: Instant
    private let alerts: [Event]
    private let blind: [Event]
    private let ends: [String: Instant]
    /// By how much a source's last look may lie before the end of listening.
    private let steps: [String: Duration]

    init(_ drill: Drill, _ facts: RunFacts, _ events: [Event]) {
        fault = facts.strikes.first?.injected ?? Bracket(Instant(nanoseconds: 0), Instant(nanoseconds: 0))
        let lower = fault.lower
        faultUTC = events.first { $0.kind == .injected }.map {
            $0.utcNanoseconds + (lower - $0.at).nanoseconds
        }
        // What an undo changed is no alarm about the fault.
        let last = events.last?.at ?? fault.upper
        until = min(facts.undoBegan ?? last, facts.abort?.at ?? last)
        alerts = events.filter { $0.kind == .alert }
        blind = events.filter { $0.kind == .alertBlind }
        var ends: [String: Instant] = [:]
        for event in events where event.kind == .alertWatch && event.detail["over"]?.asBool == true {
            ends[event.subject] = event.bracket?.lower ?? event.at
        }
        self.ends = ends
        steps = Dictionary(
            drill.alertSources.map { ($0.name, $0.isPolled ? $0.every : .zero) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Why listening had a gap after the fault; nil when it had none.
    var gap: String? {
        blind.first { ($0.bracket?.upper ?? $0.at) > fault.lower && ($0.bracket?.lower ?? $0.at) < until }?
            .text
    }

    /// Until when a source was listened to without a gap after the fault.
    private func heard(_ source: String) -> Instant {
        let deaf = blind.filter { $0.subject == source }
            .compactMap { $0.bracket ?? Bracket($0.at, $0.at) }
            .filter { $0.upper > fault.lower }.map(\.lower).min()
        return min(until - (steps[source] ?? .zero), ends[source] ?? until, deaf ?? until)
    }

    func finding(_ expected: ExpectedAlert) -> DetectionJudge.Finding {
        var finding = DetectionJudge.Finding(
            name: expected.name, notBefore: max(.zero, heard(expected.source) - fault.upper))
        var standing: Set<String> = []
        var counted: Set<String> = []
        for event in alerts where event.subject == expected.name {
            let fingerprint = event.detail["fingerprint"]?.asText ?? ""
            let seen = event.bracket ?? Bracket(event.at, event.at)
            guard event.detail["status"]?.asText != Alert.Status.resolved.rawValue else {
                standing.remove(fingerprint)
                if counted.remove(fingerprint) != nil { finding.isOver = true }
                continue
            }
            if seen.upper <= fault.lower {
                standing.insert(fingerprint)
                finding.discounted =
                    "the alert '\(expected.name)' was firing before the fault, so that nobody can tell whether it was noticed"
                continue
            }
            if seen.lower > until { continue }
            if let why = isOld(event, seen) {
                finding.discounted = "the alert '\(expected.name)' does not count: \(why)"
                continue
            }
            counted.insert(fingerprint)
            finding.count += 1
            if finding.noticed.map({ seen.upper < $0.upper }) ?? true { finding.noticed = seen }
        }
        // One that was over by the time of the fault stands in nobody's way.
        if standing.isEmpty, finding.discounted?.contains("was firing before") == true {
            finding.discounted = nil
        }
        return finding
    }

    /// Why an alert that was heard of after the fault is not about it.
    private func isOld(_ event: Event, _ seen: Bracket) -> String? {
        let begun = event.detail["startsAt"]?.asInt
        if let begun, let faultUTC, begun < faultUTC - DetectionJudge.clockError.nanoseconds {
            let early = Duration.nanoseconds(faultUTC) - .nanoseconds(begun)
            return "by its own clock it began \(early.forPeople) before the fault"
        }
        // Heard of between a look before the fault and one after it.
        guard seen.lower < fault.lower else { return nil }
        if let begun, let faultUTC, begun >= faultUTC { return nil }
        return "it may have begun before the fault, between two looks that are \(seen.width.forPeople) apart"
    }
}
