import MusterCore

/// What the judge reads from a run's events: its contract with whoever runs the drill.
///
/// | kind | subject | read |
/// |---|---|---|
/// | `steady` | – | its presence: the steady state was proven before the fault |
/// | `injecting` | injection | `at`: lower end of F where `injected` has no bracket |
/// | `injected` | injection, as the drill's `as:` | `bracket`: F; without one, from `injecting` to `at` |
/// | `effective` | injection | its presence: the effect is proven; `text`: the proof; `bracket`: F where the drill says `clock: effective` |
/// | `effect-missing` | injection | `text`: why not; overruled by a later `effective` |
/// | `lifting` | injection | `at`, or the lower end of `bracket`: H⁻ |
/// | `lifted` | injection | `bracket`: H; without one, from `lifting` to `at` |
/// | `ended-early` | injection, or the fixture that it works through | its presence: the fault did not last; `text`: why |
/// | `undone` | injection | `bracket`: H of what was never lifted by a step; of what an abort put back |
/// | `abort` | who or what | `at`, `text`: the reason. Emitted before the undo begins |
/// | `writers-stopped` | – | `at`: the end of observation; without it, the last sample is |
/// | `fixture-ready` | fixture | its presence: tells a drill that could not start from one that was not steady |
/// | `runbook-started` | path | `bracket` or `at`: Q; `actor`: `muster` is scripted, anybody else is human |
/// | `runbook-finished`, `step-finished` | path, step | `detail.ok == false`: it failed, the run stops and undoes; `text`: why |
/// | `instrument-suspect` | signal, workload or empty for all | `bracket`: when, nil for all along; `text`: why; `detail.trouble`: see `InstrumentTrouble` |
/// | `alert-watch` | source | `bracket`: from when it was listened to; `detail.over`: until when |
/// | `alert` | expected alert | `bracket`: when it was heard of; `detail.status`, `.fingerprint`, `.source`; `.startsAt`: its own time |
/// | `alert-blind` | source | `bracket`: when it may not have been heard; `text`: why |
/// | `not-steady-again` | – | `text`, as a warning |
///
/// Everything else is for people.
struct RunFacts {
    struct Strike {
        var name: String
        var step: InjectStep
        /// F: when it was injected, or with `clock: effective` when its effect was there.
        var injected: Bracket
        var isProven: Bool
        /// Why the effect is not proven, in the guard's words.
        var missing: String?
        /// Why it was over before it was lifted; nil when it was not.
        var endedEarly: String?
        /// H, for held faults.
        var lifted: Bracket?
        /// A held fault without a word on recovery must be survived.
        var recovery: InjectStep.Recovery? {
            step.recovery ?? (step.fault.persistence == .held ? .despite : nil)
        }
    }

    var strikes: [Strike] = []
    var isSteady: Bool
    /// From when the system was steady.
    var steadySince: Instant?
    var abort: Event?
    /// Where the undo began that ends all observation of the fault.
    var undoBegan: Instant?
    /// The end of observation that the run itself declared.
    var observedUntil: Instant?
    /// Faults of the drill that were never injected, such as those after an abort.
    var neverInjected: [String] = []
    var areFixturesReady: Bool
    /// The first runbook after the first fault, and before the system was stable again.
    var runbook: Event?
    var suspects: [Event]
    /// Stretches in which the instrument was in trouble, and bounds and samples account for it.
    var troubles: [Event]
    var failures: [Event]
    var notSteadyAgain: Event?

    init(_ drill: Drill, _ events: [Event]) {
        let steady = events.first { $0.kind == .steady }
        isSteady = steady != nil
        steadySince = steady.map { $0.at - drill.steady.duration }
        abort = events.first { $0.kind == .abort }
        suspects = events.filter { $0.kind == .instrumentSuspect && !InstrumentTrouble.isAnswered($0) }
        troubles = events.filter { $0.kind == .instrumentSuspect && InstrumentTrouble.isAnswered($0) }
        failures = events.filter {
            ($0.kind == .stepFinished || $0.kind == .runbookFinished) && $0.detail["ok"]?.asBool == false
        }
        notSteadyAgain = events.last { $0.kind == .notSteadyAgain }
        for step in Self.injections(drill.steps) {
            let own = events.filter { $0.subject == step.name }
            guard let injected = own.first(where: { $0.kind == .injected }) else { continue }
            let begun = own.first { $0.kind == .injecting }?.at ?? injected.at
            let missing = own.last { $0.kind == .effectMissing }
            let struck = injected.bracket ?? Bracket(min(begun, injected.at), injected.at)
            strikes.append(
                Strike(
                    name: step.name, step: step, injected: Self.start(of: struck, step, own),
                    isProven: own.contains { $0.kind == .effective }, missing: missing?.text,
                    endedEarly: Self.earlyEnd(of: step, drill, events),
                    lifted: Self.lift(own)))
        }
        strikes.sort { $0.injected.lower < $1.injected.lower }
        let names = Set(strikes.map(\.name))
        neverInjected = Self.injections(drill.steps).map(\.name).filter { !names.contains($0) }
        if let first = strikes.first {
            let later = events.filter { $0.at >= first.injected.lower }
            observedUntil = later.first { $0.kind == .writersStopped }?.at
            undoBegan = Self.undo(later)
        }
        areFixturesReady = drill.fixtures.allSatisfy { fixture in
            events.contains { $0.kind == .fixtureReady && $0.subject == fixture.name }
        }
        if let first = strikes.first {
            // What begins once the system was stable, such as a rejoin, has brought nothing back.
            runbook = events.filter { $0.at >= first.injected.lower }
                .prefix { $0.kind != .stable }.first { $0.kind == .runbookStarted }
        }
    }

    /// F: the injection, or its effect where the drill counts from that.
    private static func start(of injected: Bracket, _ step: InjectStep, _ own: [Event]) -> Bracket {
        guard step.clock == .effective, let effect = own.first(where: { $0.kind == .effective })?.bracket
        else {
            return injected
        }
        // It cannot have had an effect before it was injected.
        let lower = max(effect.lower, injected.lower)
        return Bracket(lower, max(effect.upper, lower))
    }

    /// A fault on a proxy that nobody is led to any more is over, too.
    private static func earlyEnd(of step: InjectStep, _ drill: Drill, _ events: [Event]) -> String? {
        var subjects = [step.name]
        if case .fixtureProxy(let name) = drill.targets[step.target]?.selector { subjects.append(name) }
        return events.first { $0.kind == .endedEarly && subjects.contains($0.subject) }?.text
    }

    /// The injections of steps and of what runs in parallel in them.
    static func injections(_ steps: [Step]) -> [InjectStep] {
        steps.flatMap { step -> [InjectStep] in
            switch step.action {
            case .inject(let inject): [inject]
            case .parallel(let steps): injections(steps)
            case .wait, .lift, .runbook, .alert: []
            }
        }
    }

    /// An abort or a failed step begins the undo; what it puts back did not recover. At the end of a run that
    /// went well it comes after everything that counts.
    private static func undo(_ events: [Event]) -> Instant? {
        let stop = events.first {
            $0.kind == .abort
                || ($0.kind == .stepFinished || $0.kind == .runbookFinished)
                    && $0.detail["ok"]?.asBool == false
        }
        let begun = events.compactMap { event -> Instant? in
            switch event.kind {
            case .undone: event.bracket?.lower ?? stop?.at ?? event.at
            case .lifting: stop.flatMap { event.at >= $0.at ? event.at : nil }
            default: nil
            }
        }
        return begun.min() ?? stop?.at
    }

    private static func lift(_ own: [Event]) -> Bracket? {
        let lifting = own.first { $0.kind == .lifting }
        let begun = lifting.map { $0.bracket?.lower ?? $0.at }
        if let over = own.first(where: { $0.kind == .lifted || $0.kind == .undone }) {
            if let bracket = over.bracket { return bracket }
            return Bracket(min(begun ?? over.at, over.at), over.at)
        }
        return begun.map { Bracket($0, $0) }
    }

    /// Why nothing that this run yielded can be held against an objective; nil when it can.
    var invalid: String? {
        if !isSteady { return "the steady state before the fault is not proven" }
        if let strike = strikes.first(where: { !$0.isProven }) {
            let why = strike.missing.map { ": \($0)" } ?? ""
            return "the fault '\(strike.name)' is not proven to have taken effect\(why)"
        }
        if let strike = strikes.first(where: { $0.endedEarly != nil }), let why = strike.endedEarly {
            return "the fault '\(strike.name)' did not last as long as the drill says: \(why)"
        }
        return nil
    }

    /// Q: when somebody began to act.
    var declared: Bracket? { runbook.map { $0.bracket ?? Bracket($0.at, $0.at) } }

    /// Whether the drill itself started the recovery, so that nobody had to notice anything.
    var isScripted: Bool { runbook?.actor == "muster" }

    /// Why the instrument cannot be trusted about `subject` in the time that counts.
    func suspicion(of subject: String, until end: Instant) -> String? {
        guard let first = strikes.first else { return nil }
        return suspects.first {
            ($0.subject.isEmpty || $0.subject == subject)
                && ($0.bracket.map { $0.upper >= first.injected.lower && $0.lower <= end } ?? true)
        }?.text
    }
}
