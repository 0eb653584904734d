public import MusterCore

/// What is kept of a signal always, whether its samples are kept or not: one row each.
public struct SignalSummary: Hashable, Sendable {
    public var name: String
    /// The writer's number within its workload; nil for a probe.
    public var writer: Int?
    public var every: Duration
    public var ok = 0
    public var slow = 0
    public var error = 0
    public var timeout = 0
    public var unknown = 0
    /// When the first sample was sent, and when the last one was over; nil without samples.
    public var observed: Bracket?
    /// Latencies of answers since they were due; nil without answers.
    public var latency: Spread?
    /// From due to sent; nil without samples.
    public var lateness: Spread?

    /// Quantiles by nearest rank.
    public struct Spread: Hashable, Sendable {
        public var median: Duration
        public var p99: Duration
        public var maximum: Duration
        public init(median: Duration, p99: Duration, maximum: Duration) {
            self.median = median
            self.p99 = p99
            self.maximum = maximum
        }

        /// nil of nothing.
        init?(_ nanoseconds: [Int64]) {
            let sorted = nanoseconds.sorted()
            guard let last = sorted.last else { return nil }
            func rank(_ hundredths: Int) -> Duration {
                .nanoseconds(sorted[max(0, (hundredths * sorted.count + 99) / 100 - 1)])
            }
            self.init(median: rank(50), p99: rank(99), maximum: .nanoseconds(last))
        }
    }

    public init(name: String, writer: Int?, every: Duration) {
        self.name = name
        self.writer = writer
        self.every = every
    }

    public init(of signal: Signal) {
        self.init(name: signal.name, writer: signal.writer, every: signal.every)
        var latencies: [Int64] = []
        var lateness: [Int64] = []
        for sample in signal.samples {
            switch sample.outcome {
            case .ok: ok += 1
            case .slow: slow += 1
            case .error: error += 1
            case .timeout: timeout += 1
            case .unknown: unknown += 1
            }
            if sample.isUp { latencies.append((sample.finished - sample.due).nanoseconds) }
            lateness.append((sample.started - sample.due).nanoseconds)
            observed = Bracket(
                min(observed?.lower ?? sample.started, sample.started),
                max(observed?.upper ?? sample.finished, sample.finished))
        }
        latency = Spread(latencies)
        self.lateness = Spread(lateness)
    }

    public var total: Int { ok + slow + error + timeout + unknown }
    public var failed: Int { error + timeout }
}
