import MusterCore

/// What was due to a signal in a window that starts at the fault.
struct WindowCount {
    /// What was not answered took for ever.
    static let never = Duration.nanoseconds(Int64.max)

    private(set) var up = 0
    private(set) var down = 0
    /// Neither: not seen by the instrument, not observed any more, or perhaps outside of the window.
    private(set) var unknown = 0
    /// Whether of an answer it is not known when it came, because the instrument had not looked.
    private var isBlind = false
    private let signals: [Signal]
    /// What was due from the one to the other may belong to the window, what was due between the inner two does.
    private let outer: Bracket
    private let inner: Bracket
    private let length: Duration
    private let end: Instant
    private let blackouts: Blackouts

    /// - Parameters:
    ///   - signals: of one probe, or of all writers of one workload.
    ///   - end: of observation.
    init(
        of signals: [Signal], fault: Bracket, length: Duration, until end: Instant, _ blackouts: Blackouts
    ) {
        self.signals = signals
        // Where in its bracket the fault struck is not known.
        outer = Bracket(fault.lower, fault.upper + length)
        inner = Bracket(fault.upper, max(fault.upper, fault.lower + length))
        self.length = length
        self.end = end
        self.blackouts = blackouts
        var (up, down, unknown, isBlind) = (0, 0, 0, false)
        visit { sample in
            guard let sample else {
                unknown += 1
                return
            }
            if sample.isUp { up += 1 } else { down += 1 }
            if sample.isUp, sample.blindNanoseconds > 0 { isBlind = true }
        }
        (self.up, self.down, self.unknown, self.isBlind) = (up, down, unknown, isBlind)
    }

    /// Calls `body` for everything that was due; with nil where what became of it is not known.
    private func visit(_ body: (Sample?) -> Void) {
        for signal in signals {
            // Until when a write that failed kept its writer from writing.
            var blocked = Instant(nanoseconds: .min)
            var due = 0
            // A sample is never sent before it is due.
            for sample in signal.samples.sent(from: outer.lower) where sample.due >= outer.lower {
                if sample.started > end { break }
                if sample.due >= outer.upper { continue }
                due += 1
                body(known(sample, of: signal, blocked))
                if sample.isDown { blocked = max(blocked, sample.finished) }
            }
            // What was due and is not there at all.
            let expected = Int(length.nanoseconds / max(1, signal.every.nanoseconds))
            for _ in 0..<max(0, expected - due) { body(nil) }
        }
    }

    private func known(_ sample: Sample, of signal: Signal, _ blocked: Instant) -> Sample? {
        guard sample.due >= inner.lower, sample.due < inner.upper else { return nil }
        if sample.outcome == .unknown, signal.writer != nil, sample.started <= blocked {
            // It could not be written, because the one before was not answered.
            return Sample(
                due: sample.due, started: sample.started, finished: sample.finished, outcome: .error)
        }
        let isSeen = sample.finished <= end || sample.isDown
        return sample.outcome == .unknown || !isSeen || blackouts.cover(sample) ? nil : sample
    }

    /// ok / due, rounded down.
    var upAtLeast: Percentage { share(of: up, roundingUp: false) }
    /// (ok + unknown) / due, rounded up.
    var upAtMost: Percentage { share(of: up + unknown, roundingUp: true) }

    private func share(of part: Int, roundingUp: Bool) -> Percentage {
        let due = up + down + unknown
        guard due > 0 else { return Percentage(millionths: roundingUp ? 1_000_000 : 0) }
        return Percentage(millionths: Int64((part * 1_000_000 + (roundingUp ? due - 1 : 0)) / due))
    }

    /// Bounds of a quantile (nearest rank) of the time from due to the answer.
    func latency(quantile: Percentage) -> Interval? {
        let due = up + down + unknown
        guard due > 0 else { return nil }
        let share = Int64(due) * quantile.millionths
        let rank = max(1, Int((share + 999_999) / 1_000_000))
        // Once as if all that is not known had been answered at once, once as if it had never been.
        // What the instrument looked at too late may have been there for as long as it did not look.
        let least = rank > unknown ? answer(rank: rank - unknown, atLeast: true) : 0
        let most = unknown == 0 && !isBlind ? least : answer(rank: rank, atLeast: false)
        return Interval(
            lower: least == .max ? Self.never : .nanoseconds(Int64(clamping: least)),
            upper: most == .max ? nil : .nanoseconds(Int64(clamping: most)))
    }

    /// Of what is known, in nanoseconds; what failed or is not there took for ever.
    private func answer(rank: Int, atLeast: Bool) -> UInt64 {
        RankSelection.value(rank: rank) { body in
            visit { sample in
                guard let sample else { return }
                let blind = atLeast ? sample.blindNanoseconds : 0
                let took = sample.finished.nanoseconds &- sample.due.nanoseconds &- blind
                body(sample.isUp ? UInt64(max(0, took)) : .max)
            }
        } ?? .max
    }
}
