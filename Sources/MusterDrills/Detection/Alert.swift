public import MusterCore

/// What an alerting system said about one alert, whoever it said it to.
public struct Alert: Hashable, Sendable {
    public enum Status: String, Sendable, Codable { case firing, resolved }

    public var status: Status
    /// As Prometheus and Alertmanager have them; empty for what is no alert of theirs.
    public var labels: [String: String]
    /// What tells it from other alerts of the same source, whatever becomes of it.
    public var fingerprint: String
    /// When it began by the alerting system's own clock, in nanoseconds since 1970 UTC; nil when it did not say.
    /// Kept apart from when it was seen here: that clock may be another machine's.
    public var startsAt: Int64?

    /// - Parameter fingerprint: empty: the labels are what tells it from others.
    public init(
        _ status: Status, labels: [String: String], fingerprint: String = "", startsAt: Int64? = nil
    ) {
        self.status = status
        self.labels = labels
        self.startsAt = startsAt
        self.fingerprint =
            fingerprint.isEmpty ? Value.map(labels.mapValues { .text($0) }).canonicalJSON : fingerprint
    }

    /// Labels that are shown and kept, and how much of each: an alert may carry anything.
    private static let (most, longest) = (16, 128)

    /// For people: `ServiceDown{instance="kv", job="kv"}`.
    public var inWords: String {
        let name = labels["alertname"].map { String($0.prefix(Self.longest)) } ?? ""
        let others = labels.filter { $0.key != "alertname" }.sorted { $0.key < $1.key }
        if others.isEmpty { return name }
        let shown = others.prefix(Self.most).map { key, text in
            "\(key.prefix(Self.longest))=\"\(text.prefix(Self.longest))\""
        }
        return name + "{" + shown.joined(separator: ", ") + (others.count > Self.most ? ", …" : "") + "}"
    }

    /// For the record, bounded.
    var value: Value {
        let kept = labels.sorted { $0.key < $1.key }.prefix(Self.most).map { key, text in
            (String(key.prefix(Self.longest)), Value.text(String(text.prefix(Self.longest))))
        }
        return [
            "status": .text(status.rawValue), "fingerprint": .text(String(fingerprint.prefix(256))),
            "labels": .map(Dictionary(kept, uniquingKeysWith: { first, _ in first })),
            "startsAt": startsAt.map { .int($0) } ?? .null,
        ]
    }
}

/// A text that may hold `*` for anything, also for nothing. Time to match grows with the lengths only, whoever wrote
/// the text that is matched.
public struct TextPattern: Hashable, Sendable, FormValue {
    public var text: String
    public init(_ text: String) { self.text = text }

    public static var shape: Shape { .text }
    public init(node: FormNode) throws { text = try String(node: node) }
    public var value: Value { .text(text) }

    /// Greedy, from one star to the next: only the last one has to be tried again.
    public func matches(_ other: String) -> Bool {
        let pattern = Array(text.unicodeScalars)
        let given = Array(other.unicodeScalars)
        var (at, place) = (0, 0)
        var star: (at: Int, place: Int)?
        while place < given.count {
            if at < pattern.count, pattern[at] == "*" {
                star = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == given[place] {
                at += 1
                place += 1
            } else if let last = star {
                star = (last.at, last.place + 1)
                (at, place) = (last.at + 1, last.place + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }
}
