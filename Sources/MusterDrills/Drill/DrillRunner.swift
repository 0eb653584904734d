public import MusterCore

/// The life of a drill as a state machine without input or output: events go in, effects come out. Leases,
/// aborts and settling are events like any other, so tests feed events and need no clock.
///
/// `fixtures → steady → workloads → steps → recovery → after → read back → undo → steady again → fixtures down`
///
/// An abort is one latch; its first reason wins. It cancels steps, never undo, settling or recording: the
/// faults are lifted first, measuring goes on until the system is steady or the deadline passes, and then the
/// ledger is read back as ever.
public struct DrillRunner: Sendable {
    public enum Input: Sendable {
        case begin
        case fixtureReady(String)
        case fixtureFailed(String, String)
        /// What must be known of the data before anything is broken is known, or why it cannot be.
        case dataPrepared(problem: String?)
        /// Ten times a second: what the signals look like.
        case observed(Observation)
        case injected(String, Bracket)
        case injectFailed(String, String)
        /// Looking for an injection's effect is over, whether one was seen (between these instants) or not.
        case effect(String, Bracket?)
        case lifted(String, Bracket, settled: Bool)
        case runbookFinished(Int, succeeded: Bool, text: String)
        case writersStopped
        case readBackDone
        case undone(settled: Bool)
        case fixturesDown(settled: Bool)
        case abort(String)
        case guardLost(String)
    }

    public enum Effect: Sendable {
        case startFixture(Fixture)
        /// Reads the datasets, and looks whether what is restored has a place to go to.
        case prepareData
        case startProbes
        case startWorkloads
        case inject(InjectStep)
        case lift(String)
        case runRunbook(Int, RunbookStep)
        /// Ends a runbook that is under way.
        case cancelRunbooks
        case stopWriters
        case readBack
        /// Undoes every injection but the fixtures. `recovered`: the recovery was seen, so that data faults
        /// are superseded instead of restored.
        case undoInjections(recovered: Bool)
        case takeDownFixtures
        /// `seen`: when it was, where that is known better than by the moment of recording.
        case record(Event.Kind, subject: String, text: String, detail: Value, seen: Instant?)
        case finish
    }

    public enum Phase: String, Sendable {
        case fixtures, preparing, steady, warmingUp, waiting, steps, recovering, after, stopping, readingBack,
            undoing,
            steadyAgain,
            fixturesDown, finished
    }

    public internal(set) var phase = Phase.fixtures
    public internal(set) var abortReason: String?
    /// Why the drill could not be carried out; nil when it could.
    public internal(set) var failure: String?
    public internal(set) var firstInjection: Bracket?
    /// Injections that stand open, by name.
    public internal(set) var open: [String: InjectStep] = [:]
    public internal(set) var isUndoSettled = true
    public internal(set) var isGuardLost = false
    /// The moment at which it wants to be shown the signals, so that a fault strikes when its phase says and not at
    /// the next look; nil when any look will do.
    public internal(set) var strikeDue: Instant?

    let drill: Drill
    let faultPhase: Duration
    let ruling: Set<String>
    let workloads: Set<String>
    var phaseStart = Instant(nanoseconds: 0)
    var runStart = Instant(nanoseconds: 0)
    var fixturesLeft: ArraySlice<Fixture>
    var program: StepProgram
    var liftsDue: [String: Instant] = [:]
    var lifting: Set<String> = []
    /// From when recovery can be counted: the fault, or the lift of one with `recovery: after`.
    var clockStart: Instant?
    /// From when windows after the fault are counted: those of availability and latency.
    var windowStart: Instant?
    var wasDown: Set<String> = []
    var isDown: Set<String> = []
    var sawOutage = false
    var isRecovered = false
    var isReadBack = false
    /// When each expected alert was heard of last as newly firing.
    var noticed: [String: Instant] = [:]

    /// - Parameter faultPhase: how long the steps wait once everything is steady, see `FaultPhase`.
    public init(_ drill: Drill, faultPhase: Duration = .zero) {
        self.drill = drill
        self.faultPhase = faultPhase
        ruling = Set(drill.ruling)
        workloads = Set(drill.workloads.map(\.name))
        fixturesLeft = drill.fixtures[...]
        program = StepProgram(drill.steps)
    }

    /// - Parameter now: on the monotonic clock; never goes back.
    public mutating func handle(_ input: Input, at now: Instant) -> [Effect] {
        switch input {
        case .begin:
            runStart = now
            return nextFixture(now)
        case .fixtureReady(let name):
            return [record(.fixtureReady, name, "fixture '\(name)' is ready")]
                + (phase == .fixtures ? nextFixture(now) : [])
        case .fixtureFailed(let name, let reason):
            return cannotRun("fixture '\(name)' did not start: \(reason)", now)
        case .dataPrepared(let problem):
            if let problem { return cannotRun(problem, now) }
            return phase == .preparing ? beginProbing(now) : []
        case .observed(let observation): return observe(observation, now)
        case .injected(let name, let bracket): return injected(name, bracket, now)
        case .injectFailed(let name, let reason):
            return cannotRun("injection '\(name)' failed: \(reason)", now)
        case .effect(let name, let seen):
            if let seen { noteEffect(name, seen) }
            program.effectSettled(name)
            return advance(now)
        case .lifted(let name, let bracket, let settled):
            open[name] = nil
            lifting.remove(name)
            if !settled { isUndoSettled = false }
            if clockStart != nil || phase != .fixtures {
                clockStart = max(clockStart ?? bracket.upper, bracket.upper)
            }
            program.lifted(name)
            return advance(now)
        case .runbookFinished(let index, let succeeded, let text):
            program.finished(runbook: index)
            if !succeeded { return cannotRun(text, now) }
            return advance(now)
        case .writersStopped:
            guard phase == .stopping else { return [] }
            if firstInjection != nil || isGuardLost { return enter(.readingBack, now) + [.readBack] }
            // Nothing was broken, so there is nothing to account for.
            isReadBack = true
            return startUndo(now)
        case .readBackDone:
            guard phase == .readingBack else { return [] }
            isReadBack = true
            return startUndo(now)
        case .undone(let settled):
            // It was asked for all that is open, also for what an earlier lift had failed at.
            isUndoSettled = settled
            guard phase == .undoing else { return [] }
            open = [:]
            if areFixturesGone { return endWithoutFixtures(now) }
            if !isReadBack, firstInjection == nil { return enter(.stopping, now) + [.stopWriters] }
            // Stopped early: the faults are gone now, and measuring goes on until the system is back.
            return enter(isReadBack ? .steadyAgain : .recovering, now)
        case .fixturesDown(let settled):
            // Without its guard, what could not be asked for on the way was done by the warden: the journal's
            // standing at the end is what counts.
            isUndoSettled = settled && (isGuardLost || isUndoSettled)
            guard phase == .fixturesDown else { return [] }
            return enter(.finished, now) + [.finish]
        case .abort(let reason): return abort(reason, now)
        case .guardLost(let reason): return loseGuard(reason, now)
        }
    }

    // MARK: Going on

    mutating func nextFixture(_ now: Instant) -> [Effect] {
        if let fixture = fixturesLeft.popFirst() {
            return [
                record(.fixtureStarting, fixture.name, "starting fixture '\(fixture.name)'"),
                .startFixture(fixture),
            ]
        }
        if drill.datasets.isEmpty, drill.restores.isEmpty { return beginProbing(now) }
        return enter(.preparing, now) + [.prepareData]
    }

    private mutating func beginProbing(_ now: Instant) -> [Effect] {
        enter(.steady, now) + [.startProbes]
    }

    mutating func enter(_ next: Phase, _ now: Instant) -> [Effect] {
        phase = next
        phaseStart = now
        strikeDue = nil
        return []
    }

    mutating func injected(_ name: String, _ bracket: Bracket, _ now: Instant) -> [Effect] {
        if firstInjection == nil {
            firstInjection = bracket
            windowStart = bracket.upper
        }
        clockStart = max(clockStart ?? bracket.upper, bracket.upper)
        let step = program.injected(name, at: now)
        if let step, step.fault.persistence == .held {
            open[name] = step
            // It struck while the run was stopped, perhaps after the undo had looked for what is open. The goodbye
            // undoes it as well.
            if isEndingEarly, !isGuardLost, ![.fixturesDown, .finished].contains(phase) { return lift(name) }
            if let hold = step.hold { liftsDue[name] = bracket.upper + hold }
        }
        return advance(now)
    }

    /// With `clock: effective` time runs from when the effect was there.
    private mutating func noteEffect(_ name: String, _ seen: Bracket) {
        guard program.step(named: name)?.clock == .effective else { return }
        if program.firstInjected == name { windowStart = seen.upper }
        clockStart = max(clockStart ?? seen.upper, seen.upper)
    }

    /// Runs what is due of the steps, and leaves the phase when all are over.
    mutating func advance(_ now: Instant) -> [Effect] {
        guard phase == .steps || phase == .after else { return [] }
        var effects = program.due(now, firstInjection: firstInjection?.upper, noticed: noticed)
            .flatMap { start($0) }
        if program.isFinished {
            if phase == .steps {
                // A held fault after whose lift the clock runs, and that nothing lifts: the end of the steps does.
                for (name, step) in open.sorted(by: { $0.key < $1.key })
                where step.hold == nil && step.recovery == .after {
                    effects += lift(name)
                }
                effects += enter(.recovering, now)
            } else {
                effects += enter(.stopping, now) + [.stopWriters]
            }
        }
        return effects
    }

    mutating func start(_ action: StepProgram.Started) -> [Effect] {
        switch action {
        case .inject(let step): return [.inject(step)]
        case .lift(let name): return lift(name)
        case .runbook(let index, let step): return [.runRunbook(index, step)]
        }
    }

    mutating func lift(_ name: String) -> [Effect] {
        liftsDue[name] = nil
        guard open[name] != nil else {
            // It was lifted by its own `for:` already.
            program.lifted(name)
            return []
        }
        return lifting.insert(name).inserted ? [.lift(name)] : []
    }

    mutating func startUndo(_ now: Instant) -> [Effect] {
        if isGuardLost { return enter(.fixturesDown, now) + [.takeDownFixtures] }
        return enter(.undoing, now) + [.undoInjections(recovered: isRecovered)]
    }
}
