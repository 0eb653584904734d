public import MusterCore

/// What became of alerts while a drill ran: takes what sources say, and gives what goes on record. Without input,
/// output or clock, so that what is heard late, twice, out of order or by the thousand can be tested by hand.
///
/// A source that is asked says each time everything that fires; one that sends says what changed, and says it again
/// from time to time. Both end as the same records.
public struct AlertBook: Sendable {
    /// Something for the record.
    public struct Note: Sendable {
        public var kind: Event.Kind
        public var subject: String
        public var text: String
        public var bracket: Bracket?
        public var detail: Value
    }

    /// Alerts that are followed, of all sources; more are not told from each other any more.
    static let mostFollowed = 4096
    /// Records of one expected alert, and of all others: an alert that flaps for hours is told of often enough.
    static let mostNotes = 200
    static let mostOthers = 20

    private struct Key: Hashable {
        var source: String
        var expected: String
        var fingerprint: String
    }

    private let sources: [AlertSource]
    private let expected: [ExpectedAlert]
    /// Those that fire.
    private var standing: Set<Key> = []
    /// When each expected alert was heard of last as newly firing.
    private var lastNew: [String: Instant] = [:]
    private var notes: [String: Int] = [:]
    private var watched: Set<String> = []
    /// When a source was last asked with success.
    private var lastAsked: [String: Instant] = [:]
    private var failingSince: [String: (from: Instant, why: String)] = [:]
    private var others = 0
    private var isOver = false

    public init(_ drill: Drill) {
        sources = drill.alertSources
        expected = drill.alerts
    }

    /// What the state machine of a run waits for.
    public var state: DrillRunner.AlertState {
        DrillRunner.AlertState(
            unheard: sources.map(\.name).filter { !watched.contains($0) },
            firing: expected.map(\.name).filter { name in standing.contains { $0.expected == name } },
            noticed: lastNew)
    }

    // MARK: Sources that send

    /// A webhook listens.
    public mutating func listening(_ source: String, at now: Instant, _ text: String) -> [Note] {
        watched.insert(source)
        return [note(.alertWatch, source, text, Bracket(now, now))]
    }

    /// A message came.
    /// - Parameters:
    ///   - alerts: of Alertmanager's format; empty for other messages.
    ///   - document: the whole message.
    public mutating func received(
        _ alerts: [Alert], document: Value, from source: String, _ bracket: Bracket
    ) -> [Note] {
        guard !isOver else { return [] }
        var result: [Note] = []
        var isKnown = !alerts.isEmpty
        for alert in alerts { result += take(alert, source, bracket) }
        for expectation in expected where expectation.source == source {
            guard let status = expectation.status(in: document) else { continue }
            isKnown = true
            result += take(
                Alert(status, labels: [:], fingerprint: "message"), as: expectation, source, bracket)
        }
        if let left = document["truncatedAlerts"]?.asInt, left > 0 {
            result.append(
                note(
                    .alertBlind, source,
                    "a message to '\(source)' left out \(left) alerts: max_alerts cut it", bracket))
        }
        if !isKnown { result += other("a message that is about no expected alert", source, bracket, .null) }
        return result
    }

    /// What came to a source in this time may not have been heard.
    public mutating func deaf(_ source: String, _ bracket: Bracket, _ why: String) -> [Note] {
        isOver ? [] : [note(.alertBlind, source, why, bracket)]
    }

    // MARK: Sources that are asked

    /// Everything that fires, as of between `sent` and `finished`.
    public mutating func asked(
        _ source: String, sent: Instant, finished: Instant, _ firing: [Alert]
    ) -> [Note] {
        guard !isOver else { return [] }
        var result: [Note] = []
        if let failing = failingSince.removeValue(forKey: source) {
            result.append(
                note(
                    .alertBlind, source, "'\(source)' could not be asked: \(failing.why)",
                    Bracket(min(failing.from, finished), finished)))
        }
        if watched.insert(source).inserted {
            result.append(
                note(
                    .alertWatch, source, "'\(source)' answers; \(firing.count) alerts fire",
                    Bracket(sent, finished)))
        }
        let lower = min(lastAsked[source] ?? sent, finished)
        lastAsked[source] = sent
        let bracket = Bracket(lower, finished)
        var seen: Set<Key> = []
        for alert in firing {
            for key in keys(alert, source) { seen.insert(key) }
            result += take(alert, source, bracket)
        }
        for key in standing.filter({ $0.source == source && !seen.contains($0) }).sorted(by: Self.order) {
            standing.remove(key)
            guard let expectation = expected.first(where: { $0.name == key.expected }) else { continue }
            let over = Alert(.resolved, labels: [:], fingerprint: key.fingerprint)
            result += tell(over, as: expectation, source, bracket)
        }
        return result
    }

    /// It gave no answer that counts.
    public mutating func failed(_ source: String, sent: Instant, finished: Instant, _ why: String) -> [Note] {
        guard !isOver, watched.contains(source), failingSince[source] == nil else { return [] }
        failingSince[source] = (lastAsked[source] ?? sent, why)
        return []
    }

    // MARK: The end

    /// Nothing is listened to any more.
    public mutating func end(at now: Instant) -> [Note] {
        guard !isOver else { return [] }
        var result: [Note] = []
        for (source, failing) in failingSince.sorted(by: { $0.key < $1.key }) {
            result.append(
                note(
                    .alertBlind, source, "'\(source)' could not be asked: \(failing.why)",
                    Bracket(min(failing.from, now), now)))
        }
        isOver = true
        if others > Self.mostOthers {
            result.append(
                note(
                    .alertOther, "",
                    "\(others - Self.mostOthers) more alerts and messages about something else",
                    nil, ["count": .int(Int64(others - Self.mostOthers))]))
        }
        for source in sources where watched.contains(source.name) {
            let last = min(now, lastAsked[source.name] ?? now)
            result.append(
                note(
                    .alertWatch, source.name, "'\(source.name)' is no longer listened to", Bracket(last, now),
                    ["over": true]))
        }
        return result
    }

    // MARK: One alert

    private func keys(_ alert: Alert, _ source: String) -> [Key] {
        let own = expected.filter { $0.source == source && $0.matches(alert) }.map(\.name)
        return (own.isEmpty ? [""] : own).map {
            Key(source: source, expected: $0, fingerprint: alert.fingerprint)
        }
    }

    private mutating func take(_ alert: Alert, _ source: String, _ bracket: Bracket) -> [Note] {
        let own = expected.filter { $0.source == source && $0.matches(alert) }
        if !own.isEmpty { return own.flatMap { take(alert, as: $0, source, bracket) } }
        let key = Key(source: source, expected: "", fingerprint: alert.fingerprint)
        guard alert.status == .firing else {
            standing.remove(key)
            return []
        }
        guard standing.count < Self.mostFollowed, standing.insert(key).inserted else { return [] }
        return other("\(alert.inWords) fires, which is no expected alert", source, bracket, alert.value)
    }

    private mutating func take(
        _ alert: Alert, as expectation: ExpectedAlert, _ source: String, _ bracket: Bracket
    ) -> [Note] {
        let key = Key(source: source, expected: expectation.name, fingerprint: alert.fingerprint)
        switch alert.status {
        case .firing:
            if standing.contains(key) { return [] }
            if standing.count < Self.mostFollowed * 2 { standing.insert(key) }
            lastNew[expectation.name] = max(lastNew[expectation.name] ?? bracket.upper, bracket.upper)
        case .resolved: standing.remove(key)
        }
        return tell(alert, as: expectation, source, bracket)
    }

    private mutating func tell(
        _ alert: Alert, as expectation: ExpectedAlert, _ source: String, _ bracket: Bracket
    ) -> [Note] {
        let count = notes[expectation.name, default: 0]
        notes[expectation.name] = count + 1
        guard count < Self.mostNotes else { return [] }
        let what = alert.inWords.isEmpty ? "" : ": \(alert.inWords)"
        let own = alert.startsAt.map { "; since \(utcText(nanoseconds: $0)) by its own clock" } ?? ""
        let text =
            alert.status == .firing
            ? "alert '\(expectation.name)' fires\(what)\(own)" : "alert '\(expectation.name)' is over\(what)"
        guard case .map(var detail) = alert.value else { return [] }
        detail["source"] = .text(source)
        return [note(.alert, expectation.name, text, bracket, .map(detail))]
    }

    private mutating func other(_ text: String, _ source: String, _ bracket: Bracket, _ value: Value)
        -> [Note]
    {
        others += 1
        guard others <= Self.mostOthers else { return [] }
        var detail = value.asMap ?? [:]
        detail["source"] = .text(source)
        return [note(.alertOther, "", text, bracket, .map(detail))]
    }

    private func note(
        _ kind: Event.Kind, _ subject: String, _ text: String, _ bracket: Bracket?, _ detail: Value = .null
    ) -> Note { Note(kind: kind, subject: subject, text: text, bracket: bracket, detail: detail) }

    private static func order(_ a: Key, _ b: Key) -> Bool {
        (a.expected, a.fingerprint) < (b.expected, b.fingerprint)
    }
}
