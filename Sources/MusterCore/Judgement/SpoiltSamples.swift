/// What an `instrument-suspect` event says of a stretch of time, in its detail's `trouble`.
public enum InstrumentTrouble {
    /// Looks were sent late. Bounds are made of when they were really sent, so nothing is left to hold
    /// against them.
    public static let late = "late"
    /// Our own server did not answer us. Samples that overlap it are taken for unknown, which leaves nothing
    /// to hold against the others.
    public static let canary = "canary"

    /// Whether what is wrong is answered for already, and nothing is inconclusive for it alone.
    static func isAnswered(_ event: Event) -> Bool {
        event.bracket != nil && [late, canary].contains(event.detail["trouble"]?.asText)
    }
}

extension History {
    /// As the judge sees it (MEASUREMENT, section 6, rule 6): samples that overlap a failure of the canary
    /// are unknown. They make neither a last bad one nor a first good one; the bounds grow to the next that
    /// count.
    var withoutSpoiltSamples: History {
        let spoilt = events.filter {
            $0.kind == .instrumentSuspect && $0.detail["trouble"]?.asText == InstrumentTrouble.canary
        }.compactMap(\.bracket)
        guard !spoilt.isEmpty else { return self }
        var history = self
        for signal in history.signals.indices {
            for index in history.signals[signal].samples.indices {
                let sample = history.signals[signal].samples[index]
                let isSpoilt = spoilt.contains { $0.lower <= sample.finished && sample.started <= $0.upper }
                if isSpoilt { history.signals[signal].samples[index].outcome = .unknown }
            }
        }
        return history
    }
}
