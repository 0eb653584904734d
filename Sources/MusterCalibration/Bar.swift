import MusterCore

/// What all trials of one mode came to.
public struct ModeFigures: Hashable, Sendable {
    public var mode: DarkMode
    public var trials = 0
    public var covered = 0
    public var unseen = 0
    public var missed = 0
    public var disturbed = 0
    /// Of every interval that has an upper end, ascending.
    public var widths: [Duration] = []
    /// Recoveries that were not seen to hold, so that their intervals have no upper end.
    public var openEnded = 0

    public init(_ mode: DarkMode) { self.mode = mode }

    public mutating func add(_ finding: TrialFinding) {
        trials += 1
        switch finding {
        case .covered(let width):
            covered += 1
            guard mode.hasWidth else { return }
            if let width {
                widths.insert(width, at: widths.firstIndex { $0 > width } ?? widths.count)
            } else {
                openEnded += 1
            }
        case .unseen: unseen += 1
        case .missed: missed += 1
        case .disturbed: disturbed += 1
        }
    }

    /// An interval without an upper end counts as wider than any other.
    public var median: Duration? {
        let count = widths.count + openEnded
        guard count > 0 else { return nil }
        let middle = (count - 1) / 2
        return middle < widths.count ? widths[middle] : nil
    }
    public var widest: Duration? { openEnded > 0 ? nil : widths.last }
    /// Whether there is anything to judge widths by.
    public var isMeasured: Bool { widths.count + openEnded > 0 }
}

/// What a calibrated instrument must reach; bounds, once they are right, are as wide as the interval between probes and
/// what sending and answering take.
public struct CalibrationBar: Hashable, Sendable {
    public var every: Duration
    public init(every: Duration) { self.every = every }

    public func median(of mode: DarkMode) -> Duration { every + mode.inherentWidth + .milliseconds(2) }
    public func widest(of mode: DarkMode) -> Duration { every * 2 + mode.inherentWidth + .milliseconds(5) }

    /// Whether widths keep within it; true where there are none.
    public func isKept(by figures: ModeFigures) -> Bool {
        guard figures.isMeasured else { return true }
        guard let middle = figures.median, let widest = figures.widest else { return false }
        return middle <= median(of: figures.mode) && widest <= self.widest(of: figures.mode)
    }
}

/// Values of which quantiles are wanted.
public struct Quantiles: Hashable, Sendable {
    private let sorted: [Duration]
    public init(_ values: [Duration]) { sorted = values.sorted() }

    /// The least value that a share of at least `share` does not exceed; zero without values.
    public func value(_ share: Double) -> Duration {
        guard !sorted.isEmpty else { return .zero }
        return sorted[max(0, min(sorted.count, Int((share * Double(sorted.count)).rounded(.up))) - 1)]
    }
}
