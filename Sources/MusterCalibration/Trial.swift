public import MusterCore
public import MusterDrills

/// One outage of known length that the instrument is to measure.
public struct TrialPlan: Hashable, Sendable {
    public var number: Int
    public var mode: DarkMode
    /// After the beginning of its batch: where in the grid of probes the outage falls is chance.
    public var delay: Duration
    public var seed: UInt64

    public init(number: Int, mode: DarkMode, delay: Duration, seed: UInt64) {
        self.number = number
        self.mode = mode
        self.delay = delay
        self.seed = seed
    }

    /// Trials in batches that run at the same time; each batch holds every mode once, as far as the count allows.
    /// - Parameters:
    ///   - count: of trials.
    ///   - every: the interval between probes.
    ///   - seed: the same seed gives the same plan.
    public static func batches(_ count: Int, every: Duration, seed: UInt64) -> [[TrialPlan]] {
        var random = SplitMix64(seed: seed)
        var batches: [[TrialPlan]] = []
        var number = 0
        while number < count {
            let modes = DarkMode.allCases.shuffled(using: &random).prefix(count - number)
            batches.append(
                modes.map { mode in
                    number += 1
                    let span = UInt64(10 * every.nanoseconds)
                    return TrialPlan(
                        number: number, mode: mode, delay: .nanoseconds(Int64(random.next() % span)),
                        seed: random.next())
                })
        }
        return batches
    }
}

/// What the instrument says of one outage.
public struct TrialClaim: Hashable, Sendable {
    public var status: RecoveryStatus
    /// Recovery time, counted from the true beginning; nil when it saw no outage.
    public var recovery: Interval?
    public var downtime: Interval?
    /// The sum of all times in which answers were slow or failed; nil where it is not told apart.
    public var slowTotal: Interval?
    /// An outage of this length or a shorter one may have gone unseen.
    public var blindSpot: Duration

    public init(
        status: RecoveryStatus, recovery: Interval? = nil, downtime: Interval? = nil,
        slowTotal: Interval? = nil, blindSpot: Duration
    ) {
        self.status = status
        self.recovery = recovery
        self.downtime = downtime
        self.slowTotal = slowTotal
        self.blindSpot = blindSpot
    }

    /// The same with every interval moved: what a broken instrument would say. Calibration must notice.
    public func shifted(by distance: Duration) -> TrialClaim {
        var shifted = self
        shifted.recovery = recovery.map {
            Interval(lower: $0.lower + distance, upper: $0.upper.map { $0 + distance })
        }
        return shifted
    }
}

/// What really happened in one trial.
public struct TrialTruth: Sendable {
    public var darkness: Darkness
    public var log: DarkLog
    /// Times in which the server itself was kept from its work.
    public var stalls: [Bracket]

    public init(darkness: Darkness, log: DarkLog, stalls: [Bracket]) {
        self.darkness = darkness
        self.log = log
        self.stalls = stalls
    }

    /// The longest that an answer was late for the server's own reasons, where it owed one: while it is dark nobody is
    /// worse off.
    public var longestStall: Duration {
        stalls.filter { stall in
            !darkness.windows.contains { window in
                window.from <= stall.lower
                    && (window.to.map { stall.upper + darkness.mode.tolerance <= $0 } ?? true)
            }
        }.map(\.width).max() ?? .zero
    }

    /// When it was up again, counted from the beginning of the darkness: the instrument's interval must reach from the
    /// lower end, or before it, to the upper end, or beyond. nil when it never was.
    var recovery: (least: Duration, most: Duration)? {
        guard let began = darkness.began, let ended = darkness.ended else { return nil }
        switch darkness.mode {
        case .port:
            // The instant lies somewhere in listen(2); any part of that will do, so the ends change places.
            guard let opened = log.opened else { return nil }
            return (opened.upper - began, opened.lower - began)
        case .partial:
            // It fails only some requests: the last that failed and the next that did not are what there is to see.
            guard let last = log.asked.lastIndex(where: \.isDark), last + 1 < log.asked.count else {
                return nil
            }
            return (log.asked[last].decided - began, log.asked[last + 1].decided - began)
        default: return (ended - began, ended - began)
        }
    }

    /// Whether requests were served between its two times of darkness, and failed in both.
    var wasSeenFlapping: Bool {
        let windows = darkness.windows
        guard windows.count == 2, let up = windows[0].to else { return false }
        let dark = log.asked.filter(\.isDark).map(\.decided)
        let served = log.asked.count { !$0.isDark && $0.decided >= up && $0.decided < windows[1].from }
        return served > 1 && dark.contains { $0 < up } && dark.contains { $0 >= windows[1].from }
    }
}

/// What came of one trial.
public enum TrialFinding: Hashable, Sendable {
    /// The truth lies in what the instrument claimed; `width`: of its interval, nil when that has no upper end.
    case covered(width: Duration?)
    /// The same, by saying truly that it saw nothing.
    case unseen
    /// The instrument claimed what is not so.
    case missed(String)
    /// The server itself was kept from its work for long enough to look like an outage: it proves nothing.
    case disturbed(String)
}

extension TrialTruth {
    /// Holds the instrument's claim against the truth.
    public func check(_ claim: TrialClaim) -> TrialFinding {
        let mode = darkness.mode
        if longestStall * 5 >= mode.tolerance * 2 {
            return .disturbed("the server stood still for \(longestStall.forPeople)")
        }
        if claim.status == .noOutage { return checkUnseen(claim) }
        // It looked away, and says so: no claim but how long it cannot tell of.
        if claim.status == .instrumentSuspect, claim.recovery == nil { return checkBlind(claim) }
        guard mode != .null else { return .missed("an outage that never was: \(claim.status.rawValue)") }
        guard let interval = claim.recovery else {
            return .missed("\(claim.status.rawValue) without a recovery time")
        }
        if mode != .port, log.failed == 0 {
            return .missed("\(interval.forPeople) of outage, though every request was served")
        }
        if mode == .never {
            guard interval.isCensored, claim.status == .notRecovered else {
                return .missed("recovered in \(interval.forPeople), though it never did")
            }
            return .covered(width: nil)
        }
        guard let truth = recovery else { return .disturbed("the server's own record has no end") }
        if interval.lower > truth.least || interval.upper.map({ $0 < truth.most }) ?? false {
            return .missed(
                "recovered in \(interval.forPeople); the truth is \(truth.most.exactText)"
                    + (truth.least == truth.most ? "" : " (\(truth.least.exactText))"))
        }
        return checkMore(claim, interval)
    }

    private func checkUnseen(_ claim: TrialClaim) -> TrialFinding {
        let mode = darkness.mode
        if mode == .null { return .unseen }
        if mode != .port, log.failed > 0 {
            return .missed("no outage, though \(log.failed) requests failed")
        }
        return checkBlind(claim)
    }

    private func checkBlind(_ claim: TrialClaim) -> TrialFinding {
        for window in darkness.windows {
            guard let end = window.to, end - window.from <= claim.blindSpot else {
                return .missed("no outage longer than \(claim.blindSpot.forPeople), though there was one")
            }
        }
        return .unseen
    }

    /// What else it says of the same outage.
    private func checkMore(_ claim: TrialClaim, _ interval: Interval) -> TrialFinding {
        let mode = darkness.mode
        if mode == .flapping, wasSeenFlapping, claim.status == .recovered {
            return .missed("one outage, though there were two")
        }
        guard let began = darkness.began, let ended = darkness.ended else { return .covered(width: nil) }
        let length = ended - began
        if mode != .port, mode != .partial, let downtime = claim.downtime, !downtime.holds(length) {
            return .missed("down for \(downtime.forPeople); the truth is \(length.exactText)")
        }
        if mode == .slow {
            guard let slow = claim.slowTotal else { return .missed("no slow answers, though there were") }
            guard slow.holds(length) else {
                return .missed("slow for \(slow.forPeople); the truth is \(length.exactText)")
            }
        }
        return .covered(width: interval.width)
    }
}

extension Interval {
    /// Whether a length of time lies in it.
    func holds(_ length: Duration) -> Bool { lower <= length && (upper.map { length <= $0 } ?? true) }
}

extension Duration {
    /// All of it, in milliseconds: `1234.000391 ms`.
    var exactText: String {
        let fraction = String(nanoseconds % 1_000_000 + 1_000_000).dropFirst()
        return "\(nanoseconds / 1_000_000).\(fraction) ms"
    }
}
