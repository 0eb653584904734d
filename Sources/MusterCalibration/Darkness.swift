public import MusterCore
import MusterDrills

/// How a dark server misbehaves, and for how long. Each mode is a case that misleads somebody's instrument.
public enum DarkMode: String, Sendable, CaseIterable {
    /// Reads the request, then ends the connection with RST.
    case reset
    /// Takes the request and never answers.
    case hang
    /// Takes requests and answers all of them once the outage is over.
    case queue
    /// Answers every request, far too late.
    case slow
    /// Fails about half of the requests.
    case partial
    /// A plain TCP port that nobody listens on.
    case port
    /// Dark for 3 ms, which most probes miss.
    case blink
    /// Dark, up for 200 ms, and dark again.
    case flapping
    /// Never comes back.
    case never
    /// The null drill: nothing happens.
    case null

    /// How a request is treated while it is dark.
    public var manner: Darkness.Manner {
        switch self {
        case .reset, .blink, .flapping, .never, .null: .reset
        case .hang: .silence
        case .queue: .queue
        case .slow: .late(.milliseconds(1500))
        case .partial: .partial
        case .port: .closed
        }
    }

    /// From when to when it is dark, counted from its beginning; nil: for ever.
    public var windows: [(from: Duration, to: Duration?)] {
        switch self {
        case .reset, .hang, .queue, .slow, .partial, .port: [(.zero, .milliseconds(1234))]
        case .blink: [(.zero, .milliseconds(3))]
        case .flapping: [(.zero, .milliseconds(400)), (.milliseconds(600), .milliseconds(1234))]
        case .never: [(.zero, nil)]
        case .null: []
        }
    }

    /// How long the probe waits for an answer. In `queue` it stands for the time that users have patience for.
    public var patience: Duration {
        switch self {
        case .queue: .milliseconds(50)
        case .slow: .seconds(4)
        default: .milliseconds(500)
        }
    }

    /// From when on an answer counts as slow; only in `slow`.
    public var slow: Duration? { self == .slow ? .seconds(1) : nil }

    /// An answer that is late by less than this is in good time.
    public var tolerance: Duration { slow ?? patience }

    /// Whether the bounds of its end have an upper one that can be held against the bar.
    public var hasWidth: Bool { self != .never && self != .null }

    /// What the width consists of besides the interval between probes: a request that was queued shortly before the
    /// end is answered in good time.
    public var inherentWidth: Duration { self == .queue ? patience : .zero }
}

/// What a server does at which time: a pure function of the clock, evaluated for each request, so that the truth has
/// no scheduling error.
public struct Darkness: Sendable {
    public enum Manner: Hashable, Sendable {
        case reset, silence, queue, partial, closed
        case late(Duration)
    }
    /// What is done with one request.
    public enum Treatment: Hashable, Sendable {
        case serve
        case serveAt(Instant)
        case reset
        case silence
    }
    public struct Window: Hashable, Sendable {
        public var from: Instant
        /// The first instant at which it is up again; nil: never.
        public var to: Instant?
    }

    public let mode: DarkMode
    public let windows: [Window]
    private let seed: UInt64

    /// - Parameters:
    ///   - began: when it goes dark for the first time.
    ///   - seed: which requests fail in mode `partial`.
    public init(_ mode: DarkMode, from began: Instant, seed: UInt64 = 0) {
        self.mode = mode
        self.seed = seed
        windows = mode.windows.map { Window(from: began + $0.from, to: $0.to.map { began + $0 }) }
    }

    public var began: Instant? { windows.first?.from }
    /// When it is up for good; nil when it never is, or never was anything else.
    public var ended: Instant? { windows.last?.to }

    public func window(at now: Instant) -> Window? {
        windows.first { window in
            window.from <= now && (window.to.map { now < $0 } ?? true)
        }
    }

    /// - Parameter number: of the request; decides in mode `partial`.
    public func treatment(at now: Instant, number: Int) -> Treatment {
        guard let window = window(at: now) else { return .serve }
        switch mode.manner {
        case .reset: return .reset
        case .silence: return .silence
        // A listener that is closed answers nothing; what was accepted before is served.
        case .closed: return .serve
        case .queue: return window.to.map { .serveAt($0) } ?? .silence
        case .late(let delay): return .serveAt(now + delay)
        case .partial:
            return SplitMix64.mix(seed ^ UInt64(truncatingIfNeeded: number)) & 1 == 0 ? .reset : .serve
        }
    }

    /// The next instant after `now` at which a listener opens or closes; nil when there is none.
    func nextChange(after now: Instant) -> Instant? {
        windows.flatMap { [$0.from, $0.to] }.compactMap(\.self).filter { $0 > now }.min()
    }
}

/// What a dark server really did.
public struct DarkLog: Sendable {
    /// One request.
    public struct Asked: Hashable, Sendable {
        /// When the request was whole and was decided on.
        public var decided: Instant
        public var isDark: Bool
        public init(decided: Instant, isDark: Bool) {
            self.decided = decided
            self.isDark = isDark
        }
    }
    public var asked: [Asked] = []
    /// In mode `port`: between these the listener was closed, and opened again.
    public var closed: Bracket?
    public var opened: Bracket?
    public init() {}

    public var failed: Int { asked.count(where: \.isDark) }
}
