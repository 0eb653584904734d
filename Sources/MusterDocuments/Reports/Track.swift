import MusterCore
import MusterDrills

/// What one probe saw, or all writers of one workload together.
struct Track {
    var name: String
    /// One for each writer; a probe has one.
    var signals: [Signal]
    /// Times in which somebody was down, in order and without overlap. The worst of all writers counts.
    var outages: [Outage]

    struct Outage: Hashable {
        /// When the first bad sample was sent.
        var from: Instant
        /// When the first good answer after it was in; nil when there was none.
        var to: Instant?
        var failures: Int
    }

    init(name: String, signals: [Signal]) {
        self.name = name
        self.signals = signals
        outages = Self.united(signals.flatMap(Self.outages))
    }

    static func tracks(_ signals: [Signal]) -> [Track] {
        var names: [String] = []
        for signal in signals where !names.contains(signal.name) { names.append(signal.name) }
        return names.map { name in Track(name: name, signals: signals.filter { $0.name == name }) }
    }

    func count(_ matches: (Sample) -> Bool) -> Int {
        signals.reduce(0) { sum, signal in sum + signal.samples.reduce(0) { $0 + (matches($1) ? 1 : 0) } }
    }

    var total: Int { signals.reduce(0) { $0 + $1.samples.count } }
    var first: Instant? { signals.compactMap { $0.samples.first?.started }.min() }
    var last: Instant? { signals.compactMap(\.samples.lastFinished).max() }

    /// Samples of one outcome and code.
    struct Saying: Hashable {
        var outcome: Sample.Outcome
        var code: Int32
        var count = 0
        var first: Instant
        var last: Instant
    }

    /// Bad and unknown samples by what they say, the most frequent first; good ones where they say more than a
    /// status or nothing, such as how long a certificate is valid.
    var sayings: [Saying] {
        struct Key: Hashable {
            var outcome: Sample.Outcome
            var code: Int32
        }
        var found: [Key: Saying] = [:]
        for sample in signals.lazy.flatMap(\.samples) where !sample.isUp || sample.code >= 1000 {
            let key = Key(outcome: sample.outcome, code: sample.code)
            var saying =
                found[key]
                ?? Saying(
                    outcome: sample.outcome, code: sample.code, first: sample.started, last: sample.started)
            saying.count += 1
            saying.first = min(saying.first, sample.started)
            saying.last = max(saying.last, sample.started)
            found[key] = saying
        }
        return found.values.sorted {
            ($1.count, $0.first, $0.code, $0.outcome.rawValue) < (
                $0.count, $1.first, $1.code, $1.outcome.rawValue
            )
        }
    }

    /// From when they were due until they were answered, in nanoseconds, sorted; answers only.
    var latencies: [Int64] {
        signals.flatMap { $0.samples.filter(\.isUp).map { ($0.finished - $0.due).nanoseconds } }.sorted()
    }

    /// How late samples were sent, in nanoseconds, sorted: what the instrument itself adds.
    var lateness: [Int64] {
        signals.flatMap { $0.samples.map { ($0.started - $0.due).nanoseconds } }.sorted()
    }

    /// The longest time in which a signal was not looked at: shorter outages may have gone unseen.
    var largestGap: Duration? {
        var largest: Duration?
        for signal in signals {
            for (one, next) in zip(signal.samples, signal.samples.dropFirst()) {
                largest = max(largest ?? .zero, next.started - one.started)
            }
        }
        return largest
    }

    private static func outages(_ signal: Signal) -> [Outage] {
        var found: [Outage] = []
        var current: Outage?
        for sample in signal.samples {
            if sample.isDown {
                if current == nil { current = Outage(from: sample.started, to: nil, failures: 0) }
                current?.failures += 1
            } else if sample.isUp, var outage = current {
                outage.to = sample.finished
                found.append(outage)
                current = nil
            }
        }
        return found + (current.map { [$0] } ?? [])
    }

    private static func united(_ outages: [Outage]) -> [Outage] {
        var united: [Outage] = []
        for outage in outages.sorted(by: { $0.from < $1.from }) {
            guard var last = united.last, last.to.map({ outage.from <= $0 }) ?? true else {
                united.append(outage)
                continue
            }
            if let end = last.to { last.to = outage.to.map { max(end, $0) } }
            last.failures += outage.failures
            united[united.count - 1] = last
        }
        return united
    }
}

/// The nearest-rank quantile of sorted values; nil when there are none.
func quantile(_ sorted: [Int64], _ hundredths: Int) -> Int64? {
    guard !sorted.isEmpty else { return nil }
    return sorted[max(0, (sorted.count * hundredths + 99) / 100 - 1)]
}
