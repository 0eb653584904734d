public import MusterCore

/// What customers notice of a drill while it runs, as its ruling signals see it: for how long any of them was down, and
/// how many answers came late. Folded from what the run writes into the store; for a game day's abort criteria.
///
/// Down is counted against the drill: from when the first bad sample was sent until the first good one that was sent
/// after it was over, from the first injection on, until the system is steady again after the undo. What happens once
/// fixtures come down is nobody's outage.
public struct CustomerWatch: Sendable {
    /// Signals that are judged; nil before the plan is known, and for runs of earlier versions: all.
    private var ruling: Set<String>?
    private var timeouts: [String: Duration] = [:]
    private let latency: GameDay.LatencyLimit?
    /// From the first injection on.
    public private(set) var begin: Instant?
    /// What comes later counts no more.
    public private(set) var end: Instant?
    private var signals: [Key: SignalState] = [:]
    /// Over all signals, in order, none touching another.
    private var down: [Stretch] = []
    private var answers: [String: AnswerCounts] = [:]

    private struct Key: Hashable {
        var name: String
        var writer: Int?
    }

    struct Stretch: Hashable, Sendable {
        var from: Instant
        var to: Instant
    }

    private struct SignalState {
        var order: SendOrder
        /// Sending of the first sample of the present run of bad ones.
        var badSince: Instant?

        /// - Returns: a stretch that is over.
        mutating func add(_ sample: Sample) -> Stretch? {
            if sample.isDown {
                badSince = badSince ?? sample.started
                return nil
            }
            defer { badSince = nil }
            return badSince.map { Stretch(from: $0, to: max($0, sample.finished)) }
        }
    }

    /// - Parameter latency: answers are counted against it; nil: they are not.
    public init(latency: GameDay.LatencyLimit? = nil) { self.latency = latency }

    /// - Parameter event: the next one of the run.
    public mutating func apply(_ event: Event) {
        switch event.kind {
        case .runStarted:
            guard let plan = RunPlan(event.detail) else { return }
            ruling = Set(plan.signals.filter(\.isRuling).map(\.name))
            for signal in plan.signals { timeouts[signal.name] = signal.timeout }
        case .injected:
            let at = event.bracket?.lower ?? event.at
            begin = min(begin ?? at, at)
        case .steadyAgain, .notSteadyAgain, .runFinished: end = end ?? event.at
        default: break
        }
    }

    /// - Parameters:
    ///   - samples: the next ones of a probe or of a writer, in the order in which they were over.
    ///   - writer: nil for a probe.
    public mutating func apply(_ samples: [Sample], of name: String, writer: Int?) {
        if let ruling, !ruling.contains(name) { return }
        let key = Key(name: name, writer: writer)
        var state =
            signals[key] ?? SignalState(order: SendOrder(timeout: timeouts[name] ?? .seconds(10)))
        for sample in samples where sample.outcome != .unknown {
            for settled in state.order.add(sample) {
                if let stretch = state.add(settled) { Self.join(stretch, to: &down) }
            }
            if let latency, sample.isUp { answers[name, default: AnswerCounts(latency)].add(sample) }
        }
        signals[key] = state
    }

    /// For how long any ruling signal was down since the first injection, as far as it is known at `now`.
    public func downTime(at now: Instant) -> Duration {
        guard let begin else { return .zero }
        let last = min(end ?? now, now)
        var stretches = down
        for var state in signals.values {
            for sample in state.order.waiting {
                if let stretch = state.add(sample) { Self.join(stretch, to: &stretches) }
            }
            if let since = state.badSince {
                Self.join(Stretch(from: since, to: max(since, now)), to: &stretches)
            }
        }
        return stretches.reduce(.zero) { sum, stretch in
            let (from, to) = (max(stretch.from, begin), min(stretch.to, last))
            return to > from ? sum + (to - from) : sum
        }
    }

    /// The slowest signal's answers of the limit's window before `now`: so many, and so many of them certainly later
    /// than the limit. nil before that long has passed since the first injection, and while too few came to be judged.
    public func late(at now: Instant) -> (signal: String, late: Int, answers: Int)? {
        guard let latency, let begin, end == nil, now - begin >= latency.window else { return nil }
        return answers.compactMap { name, counts -> (signal: String, late: Int, answers: Int)? in
            let (late, all) = counts.counts(since: now - latency.window)
            return all >= AnswerCounts.least ? (name, late, all) : nil
        }.max { Double($0.late) / Double($0.answers) < Double($1.late) / Double($1.answers) }
    }

    /// Puts a stretch in its place, made one with those that it touches.
    private static func join(_ stretch: Stretch, to all: inout [Stretch]) {
        var (low, high) = (all.count, all.count)
        while low > 0, all[low - 1].to >= stretch.from {
            low -= 1
            if all[low].from > stretch.to { high = low }
        }
        let touched = all[low..<high]
        let joined = Stretch(
            from: min(touched.first?.from ?? stretch.from, stretch.from),
            to: max(touched.last?.to ?? stretch.to, stretch.to))
        all.replaceSubrange(low..<high, with: [joined])
    }
}

/// Answers of one signal by tenths of a window, with how many of them were too late.
private struct AnswerCounts: Sendable {
    private let limit: Duration
    private let width: Int64
    private var buckets: [(number: Int64, late: Int, all: Int)] = []
    /// Fewer say nothing about a quantile.
    static let least = 20
    private static let kept = 40

    init(_ limit: GameDay.LatencyLimit) {
        self.limit = limit.max
        width = max(1, limit.window.nanoseconds / 10)
    }

    mutating func add(_ sample: Sample) {
        let pace = sample.pace(within: limit)
        guard pace != .unknown else { return }
        let number = sample.finished.nanoseconds / width
        let index = buckets.lastIndex { $0.number <= number } ?? -1
        if index >= 0, buckets[index].number == number {
            buckets[index].all += 1
            buckets[index].late += pace == .late ? 1 : 0
        } else {
            buckets.insert((number, pace == .late ? 1 : 0, 1), at: index + 1)
            if buckets.count > Self.kept { buckets.removeFirst() }
        }
    }

    func counts(since instant: Instant) -> (late: Int, all: Int) {
        buckets.filter { $0.number * width >= instant.nanoseconds }.reduce((0, 0)) {
            ($0.0 + $1.late, $0.1 + $1.all)
        }
    }
}
