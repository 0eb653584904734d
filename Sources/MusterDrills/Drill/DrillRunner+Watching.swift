public import MusterCore

extension DrillRunner {
    /// What the signals look like at one moment.
    public struct Observation: Sendable {
        public struct Signal: Sendable {
            public var name: String
            /// When the first sample of the present unbroken run of good ones was sent; nil while it is bad
            /// or nothing was seen yet.
            public var goodSince: Instant?
            /// When the first sample of the present unbroken run of bad ones was over.
            public var badSince: Instant?
            /// 99th percentile of latency over the steady window.
            public var p99: Duration?
            /// How its newest bad sample went wrong, for people; nil while it is good.
            public var problem: String?
            public init(
                name: String, goodSince: Instant?, badSince: Instant?, p99: Duration? = nil,
                problem: String? = nil
            ) {
                self.name = name
                self.goodSince = goodSince
                self.badSince = badSince
                self.p99 = p99
                self.problem = problem
            }

            /// `'ping' (connection refused)`.
            var inWords: String { "'\(name)'" + (problem.map { " (\($0))" } ?? "") }
        }
        /// Probes, and one for each workload, which is as bad as its worst writer.
        public var signals: [Signal]
        public var alerts: AlertState
        public init(signals: [Signal], alerts: AlertState = AlertState()) {
            self.signals = signals
            self.alerts = alerts
        }
    }

    /// What is known of alerts at one moment.
    public struct AlertState: Hashable, Sendable {
        /// Sources that nothing was heard of yet.
        public var unheard: [String]
        /// Expected alerts that fire.
        public var firing: [String]
        /// When each expected alert was heard of last as newly firing.
        public var noticed: [String: Instant]
        public init(
            unheard: [String] = [], firing: [String] = [], noticed: [String: Instant] = [:]
        ) {
            self.unheard = unheard
            self.firing = firing
            self.noticed = noticed
        }

        /// Why nothing may be broken yet; nil when it may.
        var obstacle: String? {
            if let name = firing.first {
                return
                    "the expected alert '\(name)' fires already: nobody could tell whether the fault is noticed"
            }
            return unheard.first.map { "alerts cannot be heard of from '\($0)'" }
        }
    }
}

/// What a run waits for: steady states, lifts that are due, recovery, deadlines.
extension DrillRunner {
    mutating func observe(_ seen: Observation, _ now: Instant) -> [Effect] {
        var effects = noteEdges(seen)
        noticed = seen.alerts.noticed
        if now - runStart > drill.abort.after + faultPhase, !isEndingEarly, !isSettling {
            let failing = seen.signals.filter { $0.badSince != nil }.map { "'\($0.name)'" }
            effects += abort(
                "the run took longer than abort.after (\(drill.abort.after.forPeople))"
                    + (failing.isEmpty ? "" : "; failing: " + failing.joined(separator: ", ")), now)
        }
        for condition in drill.abort.when where abortReason == nil && firstInjection != nil {
            if let bad = seen.signals.first(where: { $0.name == condition.probe })?.badSince,
                now - bad >= condition.failing
            {
                effects += abort(
                    "probe '\(condition.probe)' was failing for \(condition.failing.forPeople)", now)
            }
        }
        for (name, due) in liftsDue.sorted(by: { $0.key < $1.key }) where now >= due { effects += lift(name) }
        switch phase {
        case .steady: effects += waitForSteady(seen, now)
        case .warmingUp: effects += waitForWarm(seen, now)
        case .waiting: effects += waitForStrike(seen, now)
        case .steps, .after: effects += advance(now)
        case .recovering: effects += waitForRecovery(seen, now)
        case .steadyAgain: effects += waitForSteadyAgain(seen, now)
        default: break
        }
        return effects
    }

    /// What can no longer be cut short: it is what an abort would do.
    private var isSettling: Bool {
        switch phase {
        case .stopping, .readingBack, .undoing, .steadyAgain, .fixturesDown, .finished: true
        case .fixtures, .preparing, .steady, .warmingUp, .waiting, .steps, .recovering, .after: false
        }
    }

    mutating func noteEdges(_ seen: Observation) -> [Effect] {
        // Once the fixtures come down, silence is what was asked for.
        guard firstInjection != nil, phase != .fixturesDown, phase != .finished else { return [] }
        var effects: [Effect] = []
        for signal in seen.signals {
            if let bad = signal.badSince, isDown.insert(signal.name).inserted {
                if ruling.contains(signal.name) { sawOutage = true }
                if wasDown.insert(signal.name).inserted {
                    effects.append(
                        record(
                            .firstFailure, signal.name, "'\(signal.name)' sees the first failure", seen: bad))
                }
            } else if let good = signal.goodSince, isDown.remove(signal.name) != nil {
                effects.append(
                    record(.firstSuccess, signal.name, "'\(signal.name)' answers again", seen: good))
            }
        }
        return effects
    }

    func areGood(
        _ seen: Observation, names: Set<String>, since start: Instant?, for window: Duration, _ now: Instant
    )
        -> Bool
    {
        let signals = seen.signals.filter { names.contains($0.name) }
        return signals.count == names.count
            && signals.allSatisfy { signal in
                guard let good = signal.goodSince else { return false }
                return now - max(good, start ?? good) >= window
            }
    }

    mutating func waitForSteady(_ seen: Observation, _ now: Instant) -> [Effect] {
        let probes = Set(seen.signals.map(\.name)).subtracting(workloads)
        let quick = seen.signals.allSatisfy { signal in
            guard let limit = drill.steady.p99, let p99 = signal.p99, probes.contains(signal.name) else {
                return true
            }
            return p99 <= limit
        }
        let quiet = seen.alerts.obstacle
        if areGood(seen, names: probes, since: nil, for: drill.steady.duration, now), quick, quiet == nil {
            let effects = [record(.steady, "", "steady for \(drill.steady.duration.forPeople)")]
            if workloads.isEmpty { return effects + beginSteps(now) }
            return effects + enter(.warmingUp, now) + [.startWorkloads]
        }
        guard now - phaseStart > drill.steady.within + drill.steady.duration else { return [] }
        return cannotRun(
            "the steady state was not reached within \(drill.steady.within.forPeople)"
                + (quiet.map { " (\($0))" } ?? (quick ? "" : " (p99 too high)"))
                + notGood(seen.signals.filter { probes.contains($0.name) }),
            now)
    }

    /// Every writer must have been acknowledged for a second, so that the ledger sees the moment of the fault.
    mutating func waitForWarm(_ seen: Observation, _ now: Instant) -> [Effect] {
        let quiet = seen.alerts.obstacle
        if areGood(seen, names: Set(seen.signals.map(\.name)), since: nil, for: .seconds(1), now),
            quiet == nil
        {
            return beginSteps(now)
        }
        guard now - phaseStart > drill.steady.within else { return [] }
        return cannotRun(
            quiet
                ?? "the workload was not acknowledged by every writer within \(drill.steady.within.forPeople)"
                + notGood(seen.signals), now)
    }

    /// What stands in the way, with how it fails: the name of a gate is what is missing.
    private func notGood(_ signals: [Observation.Signal]) -> String {
        let bad = signals.filter { $0.goodSince == nil }
        return bad.isEmpty ? "" : ": not good: " + bad.map(\.inWords).joined(separator: ", ")
    }

    /// The steps, or first the wait that gives the fault its phase.
    private mutating func beginSteps(_ now: Instant) -> [Effect] {
        guard faultPhase > .zero else { return enter(.steps, now) + advance(now) }
        let effects = enter(.waiting, now)
        strikeDue = now + faultPhase
        return effects
    }

    /// What was steady before the wait must still be so when the fault is due.
    private mutating func waitForStrike(_ seen: Observation, _ now: Instant) -> [Effect] {
        guard now - phaseStart >= faultPhase else { return [] }
        strikeDue = nil
        let window = workloads.isEmpty ? drill.steady.duration : min(drill.steady.duration, .seconds(1))
        let quiet = seen.alerts.obstacle
        if areGood(seen, names: Set(seen.signals.map(\.name)), since: nil, for: window, now), quiet == nil {
            return enter(.steps, now) + advance(now)
        }
        guard now - phaseStart > faultPhase + drill.steady.within else { return [] }
        return cannotRun(
            "it was no longer steady when the fault was due, and not again within "
                + drill.steady.within.forPeople + (quiet.map { " (\($0))" } ?? "") + notGood(seen.signals),
            now)
    }

    mutating func waitForRecovery(_ seen: Observation, _ now: Instant) -> [Effect] {
        let start = clockStart ?? phaseStart
        // After an abort nothing of ours is still to come: what stood open is undone, or is the warden's to undo.
        let settling =
            !isEndingEarly
            && (open.contains { $0.value.hold != nil } || !lifting.isEmpty || program.awaitsEffect)
        let rto = drill.objectives.rto ?? .zero
        // A system that never went down must be watched for RTO + W before that means anything.
        let watched = sawOutage || now - start >= rto + drill.recovered.stable
        let isOver = areWindowsOver(now) && isNoticingOver(seen.alerts, now)
        if !settling, watched, isOver,
            areGood(seen, names: ruling, since: start, for: drill.recovered.stable, now)
        {
            isRecovered = true
            let note = record(.stable, "", "stable for \(drill.recovered.stable.forPeople)")
            if abortReason == nil, failure == nil, !drill.after.isEmpty {
                program = StepProgram(drill.after)
                return [note] + enter(.after, now) + advance(now)
            }
            return [note] + enter(.stopping, now) + [.stopWriters]
        }
        let deadline = drill.recovered.deadline(rto: drill.objectives.rto)
        guard now - max(start, settling ? now : start) > deadline, isOver else { return [] }
        return [record(.deadlinePassed, "", "not recovered within \(deadline.forPeople)")]
            + enter(.stopping, now) + [.stopWriters]
    }

    /// Availability and latency are judged over a fixed window after the fault: it is observed to its end, and until
    /// what was due last in it is answered or given up.
    private func areWindowsOver(_ now: Instant) -> Bool {
        guard drill.objectives.window > .zero, let windowStart, !isEndingEarly else { return true }
        let timeouts =
            drill.probes.filter { ruling.contains($0.name) }.map(\.setting.timeout)
            + drill.workloads.filter { ruling.contains($0.name) }.map(\.setting.timeout)
        return now - windowStart > drill.objectives.window + (timeouts.max() ?? .zero)
    }

    /// Whoever waits for alerts waits for as long as they may take, and until what fired last could be heard of.
    private func isNoticingOver(_ seen: AlertState, _ now: Instant) -> Bool {
        guard drill.noticing > .zero, let windowStart, !isEndingEarly else { return true }
        if drill.alerts.allSatisfy({ (seen.noticed[$0.name] ?? runStart) > windowStart }) { return true }
        let polled = drill.alertSources.filter(\.isPolled).map { $0.every + $0.timeout }
        return now - windowStart > drill.noticing + (polled.max() ?? .zero) + .milliseconds(500)
    }

    mutating func waitForSteadyAgain(_ seen: Observation, _ now: Instant) -> [Effect] {
        let probes = Set(seen.signals.map(\.name)).subtracting(workloads)
        if firstInjection == nil
            || areGood(seen, names: probes, since: phaseStart, for: drill.steady.duration, now)
        {
            let note = record(.steadyAgain, "", "steady again after the undo")
            return (firstInjection == nil ? [] : [note]) + enter(.fixturesDown, now) + [.takeDownFixtures]
        }
        guard now - phaseStart > drill.steady.within + drill.steady.duration else { return [] }
        isUndoSettled = false
        return [
            record(
                .notSteadyAgain, "",
                "not steady again within \(drill.steady.within.forPeople) after the undo: recovery is incomplete"
            )
        ] + enter(.fixturesDown, now) + [.takeDownFixtures]
    }

    func record(_ kind: Event.Kind, _ subject: String, _ text: String, seen: Instant? = nil) -> Effect {
        .record(kind, subject: subject, text: text, detail: .null, seen: seen)
    }
}
