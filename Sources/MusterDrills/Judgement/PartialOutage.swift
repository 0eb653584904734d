public import MusterCore

/// An outage that several endpoints saw differently: what a service lost is neither what the luckiest nor what the
/// unluckiest of them lost.
public struct PartialOutage: Hashable, Sendable {
    /// The recovery time of each endpoint; zero for one that was never down.
    private let times: [Interval]
    /// How long each was down altogether.
    private let down: [Interval]

    /// - Parameters:
    ///   - times: recovery time actual of each endpoint; nil for one that saw no outage.
    ///   - down: how long each was down altogether.
    public init(times: [Interval?], down: [Interval]) {
        self.times = times.map { $0 ?? Interval(lower: .zero, upper: .zero) }
        self.down = down
    }

    /// When a share of the endpoints was back: the time of the fastest so many that make up the share.
    /// - Parameter share: θ, over 0 to 1.
    public func time(share: Double) -> Interval? {
        guard !times.isEmpty else { return nil }
        let rank = min(times.count, max(1, Int((share * Double(times.count) - 1e-9).rounded(.up))))
        let lowers = times.map(\.lower).sorted()
        let uppers = times.compactMap(\.upper).sorted()
        return Interval(lower: lowers[rank - 1], upper: rank <= uppers.count ? uppers[rank - 1] : nil)
    }

    public var first: Interval? { time(share: 0) }
    public var all: Interval? { time(share: 1) }

    /// Σ (1 − share that is up) · dt: as long as a whole outage would have lasted that costs as much.
    public var equivalent: Interval? {
        guard !down.isEmpty else { return nil }
        let count = Int64(down.count)
        let uppers = down.compactMap { $0.upper?.nanoseconds }
        return Interval(
            lower: .nanoseconds(down.reduce(0) { $0 + $1.lower.nanoseconds } / count),
            upper: uppers.count < down.count ? nil : .nanoseconds((uppers.reduce(0, +) + count - 1) / count))
    }
}

extension AvailabilityGoal {
    /// How long a service may be down in the window.
    public var budget: Duration {
        .nanoseconds(Int64((window.inSeconds * Double(1_000_000 - min.millionths) * 1000).rounded()))
    }

    /// The share of the budget that an outage spends, at least and at most; nil at most when it is not over, or when
    /// the goal allows no outage at all.
    public func spent(by outage: Interval) -> (atLeast: Double, atMost: Double?)? {
        guard budget > .zero else { return nil }
        return (
            outage.lower.inSeconds / budget.inSeconds, outage.upper.map { $0.inSeconds / budget.inSeconds }
        )
    }
}
