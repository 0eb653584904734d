/// Holds what the ruling signals saw in a window after the fault against availability, latency and degradation
/// (MEASUREMENT, section 6, rule 7). Every figure is bounded: what is not known is counted once as bad and once as
/// good.
struct WindowJudge {
    let drill: Drill
    let facts: RunFacts
    let signals: [RulingSignal]
    /// Why nothing can be judged at all; nil when something can.
    let invalid: String?

    func objectives() -> [ObjectiveResult] {
        [availability(), latency(), degradation()].compactMap { $0 }
    }

    // MARK: Availability

    private func availability() -> ObjectiveResult? {
        guard let goal = drill.objectives.availability else { return nil }
        let name = "availability"
        let wanted = "\(goal.min.forPeople) for \(goal.window.forPeople)"
        if let invalid { return unjudged(name, wanted, invalid) }
        let counts = signals.map { ($0.name, count: window($0, goal.window)) }
        // The worst of all signals, by the bound that makes it so.
        guard let least = counts.min(by: { $0.count.upAtLeast < $1.count.upAtLeast }),
            let worst = counts.min(by: { $0.count.upAtMost < $1.count.upAtMost })
        else { return unjudged(name, wanted, "there is nothing that it could be taken from") }
        let measured = Self.words(least.count.upAtLeast, worst.count.upAtMost)
        let result: ObjectiveResult.Result =
            least.count.upAtLeast >= goal.min
            ? .met : worst.count.upAtMost < goal.min ? .missed : .inconclusive
        let reason =
            switch result {
            case .met:
                "\(measured) of what was due after the fault was answered, at least \(goal.min.forPeople) wanted"
            case .missed:
                "\(measured) of what was due to '\(worst.0)' in \(goal.window.forPeople) after the fault was answered; "
                    + "\(goal.min.forPeople) were wanted"
            case .inconclusive:
                "\(measured) of what was due to '\(least.0)' after the fault was answered: these bounds lie on both "
                    + "sides of the \(goal.min.forPeople) wanted" + unseen(goal.window)
            }
        return ObjectiveResult(
            name: name, objective: wanted, measured: measured, interval: nil, result: result, reason: reason)
    }

    // MARK: Latency

    private func latency() -> ObjectiveResult? {
        guard let goal = drill.objectives.latency else { return nil }
        let name = "latency"
        let wanted = "\(goal.quantile.forPeople) within \(goal.max.forPeople) for \(goal.window.forPeople)"
        if let invalid { return unjudged(name, wanted, invalid) }
        let all = signals.map { window($0, goal.window).latency(quantile: goal.quantile) }
        guard let worst = all.reduce(nil, Interval.worst) else {
            return unjudged(name, wanted, "there is nothing that it could be taken from")
        }
        let measured = worst.isCensored && worst.lower == WindowCount.never ? "not answered" : worst.forPeople
        let words = "\(goal.quantile.forPeople) of what was due was answered within"
        let result = ObjectiveResult.Result(worst, within: goal.max)
        let reason =
            switch result {
            case .met: "\(words) \(worst.forPeople), at most \(goal.max.forPeople) wanted"
            case .missed where measured == "not answered":
                "less than \(goal.quantile.forPeople) of what was due was answered at all, "
                    + "within \(goal.max.forPeople) wanted"
            case .missed: "\(words) \(worst.forPeople), not \(goal.max.forPeople) as wanted"
            case .inconclusive:
                "\(words) \(worst.forPeople): these bounds lie on both sides of the \(goal.max.forPeople) wanted"
                    + unseen(goal.window)
            }
        return ObjectiveResult(
            name: name, objective: wanted, measured: measured,
            interval: measured == "not answered" ? nil : worst, result: result, reason: reason)
    }

    // MARK: Degradation

    private func degradation() -> ObjectiveResult? {
        guard let limit = drill.objectives.degradation else { return nil }
        let name = "degradation"
        let wanted = "at most \(limit.forPeople)"
        if let invalid { return unjudged(name, wanted, invalid) }
        // Of several faults, each timeline holds what followed it, so that the longest holds all.
        let totals = signals.flatMap { signal in
            signal.recoveries.map { recovery in
                recovery.slow.count == 0
                    ? Interval(lower: .zero, upper: .zero) : recovery.slowFigures.total
            }
        }
        guard let worst = totals.reduce(nil, Interval.worst) else {
            return unjudged(name, wanted, "there is nothing that it could be taken from")
        }
        var result = ObjectiveResult.Result(worst, within: limit)
        // What was cut off by a lift or an undo might have gone on.
        let isCut = signals.contains { $0.recoveries.contains { $0.rule.ending == .abortUndone } }
        if result == .met, isCut { result = .inconclusive }
        let words = "down or slow for \(worst.forPeople) altogether"
        let reason =
            switch result {
            case .met: "\(words), within the \(limit.forPeople) allowed"
            case .missed: "\(words); \(limit.forPeople) were allowed"
            case .inconclusive where isCut: "\(words) until the run was stopped"
            case .inconclusive: "\(words): these bounds lie on both sides of the \(limit.forPeople) allowed"
            }
        return ObjectiveResult(
            name: name, objective: wanted, measured: worst.forPeople, interval: worst, result: result,
            reason: reason)
    }

    // MARK: Parts

    private func unjudged(_ name: String, _ wanted: String, _ reason: String) -> ObjectiveResult {
        ObjectiveResult(
            name: name, objective: wanted, measured: "not measured", interval: nil, result: .inconclusive,
            reason: reason)
    }

    private func window(_ signal: RulingSignal, _ length: Duration) -> WindowCount {
        WindowCount(
            of: signal.signals, fault: facts.strikes[0].injected, length: length, until: signal.until,
            signal.blackouts)
    }

    /// Where the bounds come from, where it is the observation that ended too early.
    private func unseen(_ length: Duration) -> String {
        let end = facts.strikes[0].injected.upper + length
        guard let until = signals.map(\.until).min(), until < end else { return "" }
        let seen = max(.zero, until - facts.strikes[0].injected.upper)
        return "; only \(seen.forPeople) of the window of \(length.forPeople) were observed"
    }

    /// `99.12 % to 99.5 %`: to hundredths, rounded away from each other.
    static func words(_ least: Percentage, _ most: Percentage) -> String {
        let low = Percentage(millionths: least.millionths / 100 * 100)
        let high = Percentage(millionths: (most.millionths + 99) / 100 * 100)
        return low == high ? low.forPeople : "\(low.forPeople) to \(high.forPeople)"
    }
}

/// What was due to a signal in a window that starts at the fault.
struct WindowCount {
    /// What was not answered took for ever.
    static let never = Duration.nanoseconds(Int64.max)

    private(set) var up = 0
    private(set) var down = 0
    /// Neither: not seen by the instrument, not observed any more, or perhaps outside of the window.
    private(set) var unknown = 0
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
        var (up, down, unknown) = (0, 0, 0)
        visit { sample in
            guard let sample else {
                unknown += 1
                return
            }
            if sample.isUp { up += 1 } else { down += 1 }
        }
        (self.up, self.down, self.unknown) = (up, down, unknown)
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
        let least = rank > unknown ? answer(rank: rank - unknown) : 0
        let most = unknown == 0 ? least : answer(rank: rank)
        return Interval(
            lower: least == .max ? Self.never : .nanoseconds(Int64(clamping: least)),
            upper: most == .max ? nil : .nanoseconds(Int64(clamping: most)))
    }

    /// Of what is known, in nanoseconds; what failed or is not there took for ever.
    private func answer(rank: Int) -> UInt64 {
        RankSelection.value(rank: rank) { body in
            visit { sample in
                guard let sample else { return }
                let took = sample.finished.nanoseconds &- sample.due.nanoseconds
                body(sample.isUp ? UInt64(max(0, took)) : .max)
            }
        } ?? .max
    }
}
