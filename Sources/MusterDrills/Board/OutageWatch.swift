import MusterCore

/// Finds the outages of one probe or one writer as its samples come in, by the judge's own rule: for a terminal that
/// looks on while the run goes on.
///
/// Samples come in the order in which they were over, and the rule wants the order of sending: the newest wait until
/// nothing can come before them any more, and are only reckoned with in what is asked for in between.
struct OutageWatch: Sendable {
    /// Since the fault that struck last; nil before any did.
    private var settled: OutageTimeline?
    /// In the order of sending.
    private var recent: [Sample] = []
    private let horizon: Duration

    /// - Parameter timeout: the longest that a sample can be under way.
    init(timeout: Duration) { horizon = timeout + .seconds(2) }

    mutating func add(_ sample: Sample) {
        guard sample.outcome != .unknown else { return }
        var index = recent.count
        while index > 0, sample.started < recent[index - 1].started { index -= 1 }
        recent.insert(sample, at: index)
        guard let first = recent.first, sample.started - first.started > horizon * 2 else { return }
        let old = recent.firstIndex { $0.started > sample.started - horizon } ?? 0
        for sample in recent[..<old] { _ = settled?.add(sample, isBad: sample.isDown) }
        recent.removeFirst(old)
    }

    /// A fault has struck: outages before it are not its doing.
    mutating func strike(_ fault: Bracket) { settled = OutageTimeline(since: fault) }

    /// As far as it is known; nil before a fault.
    var timeline: OutageTimeline? {
        guard var timeline = settled else { return nil }
        for sample in recent { _ = timeline.add(sample, isBad: sample.isDown) }
        return timeline
    }
}
