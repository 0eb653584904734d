public import MusterCore
import MusterDrills

/// A stretch of time in which the instrument itself was in trouble.
public struct InstrumentWindow: Hashable, Sendable {
    public enum Trouble: String, Sendable, CaseIterable {
        /// Looks were sent later than their period: others had the processor, or the process stood still.
        /// Bounds are made of when looks were really sent, so they are wider for it, and true.
        case late
        /// Our own server, in our own process, did not answer us: what others seem not to have answered in
        /// this time proves nothing against them.
        case canary
        /// Samples were lost, because nothing took them off their queue in time.
        case dropped
    }

    public var trouble: Trouble
    public var bracket: Bracket
    /// How many looks it concerns.
    public var count: Int
    /// The greatest lateness among them.
    public var lateness: Duration

    /// In words, for the event that records it.
    public var text: String {
        let looks = count == 1 ? "1 look was" : "\(count) looks were"
        return switch trouble {
        case .late:
            "\(looks) sent up to \(lateness.forPeople) late, later than their period: the host is busy, or this "
                + "process stood still; bounds are wider for it"
        case .canary:
            "\(count == 1 ? "a look" : "\(count) looks") at our own server failed: samples of this time count for "
                + "nothing"
        case .dropped:
            "\(count == 1 ? "1 sample was" : "\(count) samples were") lost: they could not be stored in time"
        }
    }
}

/// Finds the windows in which the instrument was in trouble, from the samples it took.
struct InstrumentWatch {
    private var windows: [InstrumentWindow] = []
    private var open: [InstrumentWindow.Trouble: InstrumentWindow] = [:]
    private var drops = [0, 0]
    private var lastLook: [Instant?] = [nil, nil]
    private(set) var canaryFailures = 0

    /// A row of troubles that goes on for longer is told in pieces.
    private static let longest = Duration.seconds(10)

    /// A look at what is measured.
    mutating func add(_ sample: Sample, every period: Duration) {
        let late = sample.started - sample.due
        if late > period { add(.late, Bracket(sample.due, sample.started), lateness: late) }
    }

    /// A look at our own server.
    mutating func addCanary(_ sample: Sample) {
        add(sample, every: Canary.period)
        guard sample.isDown else { return }
        canaryFailures += 1
        add(.canary, Bracket(sample.started, sample.finished))
    }

    /// What a lane has dropped so far, looked at `now`.
    mutating func add(_ found: (count: Int, first: Int64, last: Int64), lane: Int, now: Instant) {
        defer { lastLook[lane] = now }
        let count = found.count - drops[lane]
        guard count > 0 else { return }
        drops[lane] = found.count
        // Only the newest row of drops is dated; an earlier one began after the last look.
        let newest = Instant(nanoseconds: found.first)
        let first = min(newest, lastLook[lane] ?? newest)
        add(.dropped, Bracket(first, max(first, Instant(nanoseconds: found.last))), count: count)
    }

    private mutating func add(
        _ trouble: InstrumentWindow.Trouble, _ bracket: Bracket, count: Int = 1, lateness: Duration = .zero
    ) {
        if var window = open[trouble] {
            // What is known to be good between two failures of the canary stays good.
            let gap = trouble == .canary ? Canary.period * 2 : .seconds(1)
            if bracket.lower <= window.bracket.upper + gap, window.bracket.width < Self.longest {
                window.bracket = Bracket(
                    min(window.bracket.lower, bracket.lower), max(window.bracket.upper, bracket.upper))
                window.count += count
                window.lateness = max(window.lateness, lateness)
                open[trouble] = window
                return
            }
            windows.append(window)
        }
        open[trouble] = InstrumentWindow(trouble: trouble, bracket: bracket, count: count, lateness: lateness)
    }

    /// Every window that is over; they are only ever added to.
    /// - Parameter now: nil when nothing will be added any more.
    mutating func closed(by now: Instant?) -> [InstrumentWindow] {
        for trouble in InstrumentWindow.Trouble.allCases {
            guard let window = open[trouble] else { continue }
            if let now, window.bracket.upper + .seconds(1) > now { continue }
            windows.append(window)
            open[trouble] = nil
        }
        return windows
    }
}
