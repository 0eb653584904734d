import MusterCore

/// Finds the outages of one probe or one writer as its samples come in, by the judge's own rule: for a terminal that
/// looks on while the run goes on.
///
/// Samples that still wait for their place are only reckoned with in what is asked for in between.
struct OutageWatch: Sendable {
    /// Since the fault that struck last; nil before any did.
    private var settled: OutageTimeline?
    private var order: SendOrder

    /// - Parameter timeout: the longest that a sample can be under way.
    init(timeout: Duration) { order = SendOrder(timeout: timeout) }

    mutating func add(_ sample: Sample) {
        guard sample.outcome != .unknown else { return }
        for sample in order.add(sample) { _ = settled?.add(sample, isBad: sample.isDown) }
    }

    /// A fault has struck: outages before it are not its doing.
    mutating func strike(_ fault: Bracket) { settled = OutageTimeline(since: fault) }

    /// As far as it is known; nil before a fault.
    var timeline: OutageTimeline? {
        guard var timeline = settled else { return nil }
        for sample in order.waiting { _ = timeline.add(sample, isBad: sample.isDown) }
        return timeline
    }
}
