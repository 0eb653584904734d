import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterProbes
import MusterSystem

/// A drill that runs: carries out what the runner asks for, and feeds it what happens. One control thread; what
/// takes time runs on threads of its own and reports through the inbox.
final class DrillSession: @unchecked Sendable {
    enum Message: Sendable {
        case input(DrillRunner.Input)
        case event(Event)
        case signal(String)
        case guardEvent(GuardEvent)
        /// The outcomes cannot be written: why.
        case storeFailed(String)
        /// A runbook asks a person: what is shown for it; nil: it is answered.
        case question([String]?)
    }

    let prepared: PreparedDrill
    let client: GuardClient
    let engine: MeasuringEngine
    let writer: StoreWriter
    let inbox: Inbox<Message>
    let events: RunEvents
    let view: LiveView
    let alerts: AlertWatch
    let clock = SystemTimekeeper()
    /// Beats with every turn of the control loop; the lease is renewed only while it does.
    let heart: Heart
    let desk: RunDesk

    /// Used by one worker at a time: before the first step, and after the last.
    let datasets: DatasetTaker
    // Only touched by the control thread.
    private var runner: DrillRunner
    private var signalsSeen = 0
    private var instrument = InstrumentEvents()
    private var nextLook: Instant
    private var nextPulse: Instant
    private var lastPhase: DrillRunner.Phase?
    /// What the workloads came to, when it was counted last.
    private var counted: [RunPulse.Workload] = []
    private var isMeasuring = true
    private var isReadingBack = false

    // Guarded by `lock`.
    private let lock = NSLock()
    private var injections: [InjectionRecord] = []
    private var fixtureIDs: [String: InjectionID] = [:]
    private var readBackLedgers: [Ledger] = []
    private var datasetFindings: [DatasetFindings] = []
    private var residueLines: [String] = []
    private var runbookCancelled = false
    private var guardGone = false
    private var readBackEnded = false
    private var runbookStep: RunPulse.Step?

    init(
        _ prepared: PreparedDrill, client: GuardClient, engine: MeasuringEngine, writer: StoreWriter,
        inbox: Inbox<Message>, events: RunEvents, view: LiveView, heart: Heart, desk: RunDesk
    ) {
        self.prepared = prepared
        self.client = client
        self.engine = engine
        self.writer = writer
        self.inbox = inbox
        self.events = events
        self.view = view
        self.heart = heart
        self.desk = desk
        alerts = AlertWatch(prepared.drill, tokens: prepared.alertTokens, events: events)
        datasets = DatasetTaker(
            prepared.drill.datasets, workloads: prepared.drill.workloads, run: prepared.runID,
            directory: prepared.ledgerDirectory)
        runner = DrillRunner(prepared.drill, faultPhase: prepared.phase?.wait ?? .zero)
        nextLook = clock.monotonic()
        nextPulse = nextLook
    }

    var drill: Drill { prepared.drill }

    /// Runs the drill to its end, whatever happens on the way.
    func run() -> SessionResult {
        var isBegun = false
        onWorker("scratch") { [self] in
            do {
                try makeScratch()
                try listen()
                inbox.post(.input(.begin))
            } catch {
                inbox.post(.input(.fixtureFailed("scratch", words(error))))
            }
        }
        while runner.phase != .finished {
            heart.beat(clock.monotonic())
            let wake = min(nextLook, runner.strikeDue ?? nextLook)
            if let message = inbox.take(waiting: max(.milliseconds(1), wake - clock.monotonic())) {
                if case .input(.begin) = message { isBegun = true }
                take(message)
            }
            if isBegun, clock.monotonic() >= wake { look() }
        }
        view.end()
        stopMeasuring()
        return SessionResult(
            runner: runner, events: events.all, signals: engine.signals(),
            ledgers: locked { readBackLedgers }, datasets: locked { datasetFindings },
            injections: locked { injections }, residue: locked { residueLines })
    }

    // MARK: The control thread

    private func take(_ message: Message) {
        switch message {
        case .input(let input):
            if case .guardLost = input { locked { guardGone = true } }
            if case .readBackDone = input { isReadingBack = false }
            if case .injected(_, let bracket) = input, view.fault == nil { view.fault = bracket.upper }
            feed(input)
        case .event(let event): view.event(event)
        case .question(let lines): view.question = lines ?? []
        case .storeFailed(let why):
            let reason = InstrumentEvents.storeFailed(why, in: events)
            feed(.abort(reason))
        case .guardEvent(let event):
            // After our own goodbye it undoes because we asked it to.
            if [.fixturesDown, .finished].contains(runner.phase) { return }
            events.record(.note, "", "the guard: \(event.text)", actor: "guard")
            if [.wardenLost, .handsLost, .undoing].contains(event.kind) {
                // It does so with everything, fixtures and all, and takes no more orders.
                inbox.post(.input(.guardLost("it puts everything back: \(event.text)")))
            }
        case .signal(let reason):
            signalsSeen += 1
            if signalsSeen == 1 {
                feed(.abort(reason))
            } else if isReadingBack {
                locked { readBackEnded = true }
                events.record(
                    .note, "",
                    "\(reason) again: the read-back ends here, incomplete; the rest is put back next")
            } else {
                events.record(
                    .note, "",
                    "\(reason) again: still putting things back; wait for it, or run `muster undo` in another terminal"
                        + " (once more while writes are read back ends the read-back, incomplete)"
                )
            }
        }
    }

    private func feed(_ input: DrillRunner.Input) {
        for effect in runner.handle(input, at: clock.monotonic()) { perform(effect) }
    }

    /// Ten times a second: what the signals look like, for the runner and for the person.
    private func look() {
        nextLook = clock.monotonic() + .milliseconds(100)
        guard isMeasuring else { return pulse(nil) }
        let snapshot = engine.snapshot()
        pulse(snapshot)
        if let reason = instrument.record(snapshot, in: events) { feed(.abort(reason)) }
        var observation = engine.observation()
        observation.alerts = alerts.state
        feed(.observed(observation))
        view.draw(
            Observing.rows(snapshot, drill) + Observing.rows(observation.alerts, drill),
            phase: runner.phase.words, now: clock.monotonic())
    }

    /// Twice a second, and whenever the phase changes: how the run stands, for other terminals.
    private func pulse(_ snapshot: MeasuringSnapshot?) {
        let now = clock.monotonic()
        guard now >= nextPulse || runner.phase != lastPhase else { return }
        nextPulse = now + .milliseconds(500)
        lastPhase = runner.phase
        var pulse = Observing.pulse(
            snapshot, drill, phase: runner.phase, step: locked { runbookStep }, at: now)
        // Once the instrument has stopped it counts nothing more; what was written stays written.
        if snapshot == nil { pulse.workloads = counted } else { counted = pulse.workloads }
        writer.append(pulse)
    }

    private func stopMeasuring() {
        guard isMeasuring else { return }
        isMeasuring = false
        alerts.stop()
        instrument.noteMissed(engine.snapshot(), in: events)
        engine.stop()
        instrument.conclude(engine.snapshot(), in: events)
    }

    private func perform(_ effect: DrillRunner.Effect) {
        switch effect {
        case .record(let kind, let subject, let text, let detail, let seen):
            events.record(kind, subject, text, bracket: seen.map { Bracket($0, $0) }, detail: detail)
        case .prepareData: onWorker("data") { [self] in prepareData() }
        case .startProbes:
            do { try engine.start() } catch {
                inbox.post(.input(.abort("the probes did not start: \(words(error))")))
            }
        case .startWorkloads:
            engine.startWorkloads()
            for workload in drill.workloads {
                events.record(
                    .workloadStarted, workload.name,
                    "'\(workload.name)' writes: \(workload.setting.writers) writers, \(workload.setting.rate.unitsText)"
                )
            }
        case .cancelRunbooks: locked { runbookCancelled = true }
        case .startFixture(let fixture): onWorker("fixture") { [self] in start(fixture) }
        case .inject(let step): onWorker("inject") { [self] in inject(step) }
        case .lift(let name): onWorker("lift") { [self] in lift(name) }
        case .runRunbook(let index, let step): onWorker("runbook") { [self] in runRunbook(index, step) }
        case .stopWriters: onWorker("writers") { [self] in stopWriters() }
        case .readBack:
            isReadingBack = true
            onWorker("read-back") { [self] in readBack() }
        case .undoInjections(let recovered): onWorker("undo") { [self] in undoInjections(recovered) }
        case .takeDownFixtures:
            // What goes down now goes down because we take it down, and is no outage.
            stopMeasuring()
            onWorker("fixtures") { [self] in takeDownFixtures() }
        case .finish: break
        }
    }

    private func onWorker(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = "muster-\(name)"
        thread.stackSize = 1 << 20
        thread.start()
    }

    // MARK: What workers share

    func locked<T>(_ body: () throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }

    /// Which step of a runbook is under way; nil: none.
    func note(step: String?, of runbook: String) {
        let begun = clock.monotonic()
        locked { runbookStep = step.map { RunPulse.Step(runbook: runbook, name: $0, begun: begun) } }
    }

    var isCancelled: Bool { locked { runbookCancelled } }
    var isGuardGone: Bool { locked { guardGone } }
    var isReadBackEnded: Bool { locked { readBackEnded } }

    /// - Throws: when the guard's tag is not one that can stand in an id.
    func newID() throws -> InjectionID {
        guard let id = InjectionID("\(client.hello.tag)-\(ULID.make())") else {
            throw Refusal(
                .internalError, "the guard's tag '\(client.hello.tag)' cannot stand in an id",
                advice: "install the same version of Muster on both sides")
        }
        return id
    }

    func id(ofFixture name: String) -> InjectionID? { locked { fixtureIDs[name] } }
    func remember(fixture name: String, _ id: InjectionID) { locked { fixtureIDs[name] = id } }
    var fixtures: [String: InjectionID] { locked { fixtureIDs } }
    func keep(_ ledgers: [Ledger]) { locked { readBackLedgers = ledgers } }
    func keep(_ findings: [DatasetFindings]) { locked { datasetFindings = findings } }
    func note(residue: [String]) { locked { residueLines += residue } }

    /// Remembers an injection, durably before its guard is asked for it.
    func remember(_ record: InjectionRecord) throws {
        locked { injections.append(record) }
        try writer.recordNow(record)
    }

    func update(_ id: InjectionID, _ change: (inout InjectionRecord) -> Void) {
        let changed: InjectionRecord? = locked {
            guard let index = injections.firstIndex(where: { $0.id == id }) else { return nil }
            change(&injections[index])
            return injections[index]
        }
        if let changed { writer.record(changed) }
    }

    func records(_ included: (InjectionRecord) -> Bool) -> [InjectionRecord] {
        locked { injections.filter(included) }
    }
}
