import MusterCore

/// When a loop's thread looked at its descriptors, and for how long it did not: others had the processor, the process
/// was stopped, or there was more to do than it could. A value of the loop's, without a clock of its own.
struct Attention {
    /// While somebody waits for an answer, the loop looks as often as this.
    static let tick = Duration.milliseconds(5)
    /// What lies further apart than this was not looked at in time; less is a tick, and what waking up takes.
    static let unnoticed = tick + .milliseconds(1)

    /// Whatever was ready before this instant has been handled.
    private(set) var lastWhole: Instant
    /// For how long altogether it did not look.
    private var neglected = Duration.zero

    init(from start: Instant) { lastWhole = start }

    /// Everything that was ready when this look began has been handled.
    mutating func looked(at began: Instant) {
        neglected = neglected(until: began)
        lastWhole = max(lastWhole, began)
    }

    /// For how long altogether it had not looked by `now`. Only differences mean anything.
    func neglected(until now: Instant) -> Duration { neglected + gap(from: lastWhole, to: now).counted }

    /// What may have been there since `earlier` without being looked at.
    /// - Parameter now: when it was looked at.
    /// - Returns: as far as it counts, and as far as it is too short to tell from a loop that looks in time.
    func gap(from earlier: Instant, to now: Instant) -> (counted: Duration, small: Duration) {
        let gap = now - max(earlier, lastWhole)
        return gap > Self.unnoticed ? (gap, .zero) : (.zero, max(.zero, gap))
    }
}
