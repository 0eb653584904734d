public import MusterCore

/// How the recovery stands against its objective, by the samples that are in the store.
public struct RecoveryStanding: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// No fault has struck.
        case beforeFault
        /// The recovery is counted from the lift of a fault that holds.
        case beforeLift
        /// No ruling signal was seen to be down since the fault.
        case noOutage
        case down
        /// All are up again, for so long without a break.
        case back(for: Duration)
    }
    public var state: State
    /// The recovery time as far as it is measured: open above while something is down; nil without an outage, or
    /// without samples.
    public var measured: Interval?
    /// A ruling signal that is down, or was so the longest.
    public var signal: String?
    /// Since the fault, or its lift; nil before it.
    public var elapsed: Duration?
}

extension RunBoard {
    /// - Parameter now: on the clock of the run.
    public func recovery(at now: Instant) -> RecoveryStanding {
        guard let fault = strike, let struck = fault.struck else {
            return RecoveryStanding(state: .beforeFault)
        }
        let step = plan?.steps.first { $0.kind == .inject && $0.name == fault.name }
        var origin = struck
        if step?.countsFromLift == true {
            guard let closed = fault.closed else {
                return RecoveryStanding(
                    state: .beforeLift, signal: downByPulse.first, elapsed: now - struck.upper)
            }
            origin = Bracket(closed, closed)
        }
        let elapsed = max(.zero, now - origin.upper)
        let outages = timelines.compactMap { name, timeline in timeline.last.map { (name, $0) } }
        guard !outages.isEmpty else {
            // Samples may not be kept.
            let down = strips.isEmpty ? downByPulse.first : nil
            return RecoveryStanding(state: down == nil ? .noOutage : .down, signal: down, elapsed: elapsed)
        }
        var measured: Interval?
        var worst: (name: String, lower: Duration)?
        var backSince: Instant?
        var isDown = false
        for (name, outage) in outages {
            let lower = max(.zero, (outage.ended?.lower ?? outage.lastBadStarted) - origin.upper)
            let upper = outage.ended.map { max(.zero, $0.upper - origin.lower) }
            measured = .worst(measured, Interval(lower: lower, upper: upper))
            // One that is down comes before all that are up.
            let isFirst = outage.ended == nil && !isDown
            if isFirst || lower > worst?.lower ?? .nanoseconds(-1), !isDown || outage.ended == nil {
                worst = (name, lower)
            }
            isDown = isDown || outage.ended == nil
            if let good = outage.firstGoodStarted { backSince = max(backSince ?? good, good) }
        }
        return RecoveryStanding(
            state: isDown ? .down : .back(for: max(.zero, now - (backSince ?? now))), measured: measured,
            signal: worst?.name, elapsed: elapsed)
    }

    private var downByPulse: [String] {
        let ruling = plan?.ruling ?? []
        return (pulse?.signals ?? []).filter { !$0.isGood && ruling.contains($0.name) }.map(\.name)
    }

    /// What is left of an abort criterion: for how long it has been failing, and its limit.
    public func headroom(of guarded: RunPlan.Guard, at now: Instant) -> (failing: Duration, left: Duration) {
        let bad = pulse?.signals.first { $0.name == guarded.probe }?.badSince
        let failing = strike == nil ? .zero : bad.map { max(.zero, now - $0) } ?? .zero
        return (failing, max(.zero, guarded.failing - failing))
    }
}
