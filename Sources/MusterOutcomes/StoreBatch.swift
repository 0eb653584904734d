import MusterCore
public import MusterDrills

/// Events and samples of one run that are written together.
public struct StoreBatch: Sendable {
    public var events: [Event]
    /// In the order in which they came; a signal may come more than once.
    public private(set) var samples: [(signal: Signal, samples: [Sample])] = []
    public private(set) var sampleCount = 0
    /// How the run stands, in place of what was kept of that before.
    public var pulse: RunPulse?

    public init(events: [Event] = []) { self.events = events }

    public var isEmpty: Bool { events.isEmpty && sampleCount == 0 && pulse == nil }

    /// - Parameter signal: only its name, writer and period count.
    public mutating func add(_ samples: [Sample], of signal: Signal) {
        guard !samples.isEmpty else { return }
        self.samples.append((signal, samples))
        sampleCount += samples.count
    }

    /// Both, this one first.
    public func followed(by other: StoreBatch) -> StoreBatch {
        var all = self
        all.events += other.events
        all.samples += other.samples
        all.sampleCount += other.sampleCount
        all.pulse = other.pulse ?? pulse
        return all
    }
}
