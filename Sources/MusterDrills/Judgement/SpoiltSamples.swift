public import MusterCore

/// What an `instrument-suspect` event says of a stretch of time, in its detail's `trouble`.
public enum InstrumentTrouble {
    /// Looks were sent late. Bounds are made of when they were really sent, so nothing is left to hold against them.
    public static let late = "late"
    /// Our own server did not answer us. Samples that overlap it are taken for unknown, which leaves nothing to hold
    /// against the others.
    public static let canary = "canary"

    /// Whether what is wrong is answered for already, and nothing is inconclusive for it alone.
    static func isAnswered(_ event: Event) -> Bool {
        event.bracket != nil && [late, canary].contains(event.detail["trouble"]?.asText)
    }
}

/// Times in which the instrument's own canary failed (MEASUREMENT, section 6, rule 6): samples that overlap one are
/// unknown. They make neither a last bad one nor a first good one; the bounds grow to the next that count.
public struct Blackouts: Hashable, Sendable {
    /// In order and apart.
    public private(set) var windows: [Bracket] = []

    public init() {}

    /// - Parameter events: of which those of kind `instrument-suspect` with the trouble `canary` count.
    public init(_ events: [Event]) {
        let failed = events.filter {
            $0.kind == .instrumentSuspect && $0.detail["trouble"]?.asText == InstrumentTrouble.canary
        }.compactMap(\.bracket)
        for window in failed.sorted(by: { $0.lower < $1.lower }) {
            if let last = windows.last, window.lower <= last.upper {
                windows[windows.count - 1].upper = max(last.upper, window.upper)
            } else {
                windows.append(window)
            }
        }
    }

    /// Whether `sample` was under way in one of them.
    public func cover(_ sample: Sample) -> Bool {
        if windows.isEmpty { return false }
        var low = 0
        var high = windows.count
        while low < high {
            let middle = (low + high) / 2
            if windows[middle].upper < sample.started { low = middle + 1 } else { high = middle }
        }
        return low < windows.count && windows[low].lower <= sample.finished
    }
}
