public import MusterCore

/// What a signal was like in the steady state before the fault.
public struct Baseline: Hashable, Sendable {
    /// Samples of which the outcome is known, and those of them that were up.
    public private(set) var known = 0
    public private(set) var up = 0
    /// 99th percentile of the answers' latency since they were due (nearest rank).
    public private(set) var p99: Duration?
    /// The same since they were sent, of those only that the instrument looked at in time: what the service alone took.
    public private(set) var servedP99: Duration?
    /// Where the true 99th percentile lies at most, at 95 % confidence; nil with fewer than 299 answers.
    public private(set) var p99AtMost: Duration?
    /// Successes per second.
    public private(set) var rate = 0.0

    /// - Parameters:
    ///   - signals: of one probe, or of all writers of one workload.
    ///   - start: of the steady state.
    ///   - fault: what was over by then cannot be its doing.
    init(of signals: [Signal], from start: Instant, until fault: Instant, _ blackouts: Blackouts) {
        var first = fault
        func visit(_ body: (Sample) -> Void) {
            for signal in signals {
                for sample in signal.samples.sent(from: start) {
                    if sample.started >= fault { break }
                    if sample.outcome != .unknown, sample.finished <= fault, !blackouts.cover(sample) {
                        body(sample)
                    }
                }
            }
        }
        var known = 0
        var up = 0
        visit { sample in
            known += 1
            up += sample.isUp ? 1 : 0
            first = min(first, sample.due)
        }
        self.known = known
        self.up = up
        guard up > 0 else { return }
        func latencies(_ body: (UInt64) -> Void) {
            visit { sample in
                let took = sample.finished.nanoseconds &- sample.due.nanoseconds
                if sample.isUp { body(UInt64(max(0, took))) }
            }
        }
        var seen = 0
        visit { seen += $0.isUp && $0.blindNanoseconds == 0 ? 1 : 0 }
        let served = RankSelection.value(rank: (seen * 99 + 99) / 100) { body in
            visit { sample in
                guard sample.isUp, sample.blindNanoseconds == 0 else { return }
                body(UInt64(max(0, sample.latency.nanoseconds)))
            }
        }
        servedP99 = seen > 0 ? Self.duration(served) : nil
        p99 = Self.duration(RankSelection.value(rank: (up * 99 + 99) / 100, latencies))
        if up >= 299 {
            let above = RareHits(tries: up, probability: 0.01).least
            p99AtMost = Self.duration(RankSelection.value(rank: up - max(1, above) + 1, latencies))
        }
        if fault > first { rate = Double(up) / (fault - first).inSeconds }
    }

    private static func duration(_ nanoseconds: UInt64?) -> Duration? {
        nanoseconds.map { .nanoseconds(Int64(clamping: $0)) }
    }

    /// λ where the drill declares no `slow:`. Without a single answer that the instrument looked at in time there is none:
    /// a limit made of its own stalls would let every slow answer pass, and one made of nothing would let none.
    public var slow: Duration? {
        if up == 0 { return .milliseconds(50) }
        return servedP99.map { max($0 * 5, .milliseconds(50)) }
    }
}

/// P: when latency and throughput were what they had been before the fault.
///
/// A window of W_p counts as good when its 99th percentile is at most a tenth (or a millisecond, where that is more)
/// over the baseline's, and its successes are at most a tenth fewer. Of both percentiles only a sample is known:
/// "not reached" is said only where chance does not explain it at 95 % confidence, and nothing is said with a
/// baseline of fewer than 299 answers.
public enum Performance: Hashable, Sendable {
    case reached(Bracket)
    /// In no whole window that was observed; the last of them began then.
    case notReached(Instant)
    case unknown

    /// How far from the baseline it may be.
    static let share = 0.1
    /// Windows begin at every tenth of a window.
    private static let steps = 10
    /// So many steps at most are told apart; longer observation makes them longer.
    private static let mostBins = 5000

    private struct Bin {
        var all = 0
        var late = 0
        var good = 0
    }

    /// - Parameters:
    ///   - sustained: S, of the writer that came back last.
    ///   - window: W_p.
    init(
        of signals: [Signal], after sustained: Bracket, baseline: Baseline, window: Duration,
        until end: Instant,
        _ blackouts: Blackouts
    ) {
        let observed = (end - sustained.upper).nanoseconds
        let step = max(window.nanoseconds / Int64(Self.steps), observed / Int64(Self.mostBins), 1)
        let count = Int(observed / step)
        guard let p99 = baseline.p99AtMost, baseline.rate > 0, count >= Self.steps else {
            self = .unknown
            return
        }
        let limit = max(
            Int64(Double(p99.nanoseconds) * (1 + Self.share)), p99.nanoseconds + 1_000_000)
        var bins = [Bin](repeating: Bin(), count: count)
        for signal in signals {
            for sample in signal.samples.sent(from: sustained.upper) where sample.due >= sustained.upper {
                let index = Int((sample.due.nanoseconds &- sustained.upper.nanoseconds) / step)
                guard index < count else { continue }
                guard sample.outcome != .unknown, !blackouts.cover(sample) else {
                    // What the instrument did not see counts as good here: it is no proof of the contrary. But a
                    // writer that could not write still waited for its last answer.
                    bins[index].good += signal.writer == nil ? 1 : 0
                    continue
                }
                bins[index].good += sample.isUp ? 1 : 0
                let pace = sample.pace(nanoseconds: limit)
                // The instrument's own lateness is no proof either.
                if sample.isUp, pace == .unknown { continue }
                bins[index].all += 1
                bins[index].late += sample.isDown || pace == .late ? 1 : 0
            }
        }
        let wanted = baseline.rate * Double(step) / 1e9 * Double(Self.steps) * (1 - Self.share)
        let first = (0...(count - Self.steps)).first { start in
            let bins = bins[start..<start + Self.steps]
            let all = bins.reduce(0) { $0 + $1.all }
            let late = bins.reduce(0) { $0 + $1.late }
            let good = bins.reduce(0) { $0 + $1.good }
            return Double(good) >= wanted && late <= RareHits(tries: all, probability: 0.01).most
        }
        let edge = { (index: Int) in sustained.upper + .nanoseconds(Int64(index) * step) }
        self =
            switch first {
            case 0: .reached(sustained)
            case let index?: .reached(Bracket(edge(index - 1), edge(index)))
            case nil: .notReached(edge(count - Self.steps))
            }
    }

    /// P − F.
    func time(since origin: Bracket) -> Interval? {
        switch self {
        case .reached(let bracket):
            Interval(
                lower: max(.zero, bracket.lower - origin.upper),
                upper: max(.zero, bracket.upper - origin.lower))
        case .notReached(let instant): Interval(lower: max(.zero, instant - origin.upper), upper: nil)
        case .unknown: nil
        }
    }
}
