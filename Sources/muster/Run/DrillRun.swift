import Foundation
import MusterCore
import MusterDocuments
import MusterGuard
import MusterOutcomes
import MusterProbes
import MusterSystem

/// One run from the decoded drill to the recorded outcome: brings store, guard and instrument together, and
/// whatever happens, ends with an outcome and a report.
struct DrillRun {
    private let prepared: PreparedDrill
    private let lease: Duration
    private let storeOptions: StoreOptions
    private let isJSON: Bool
    private let isRealtime: Bool
    private let clock = SystemTimekeeper()

    init(_ prepared: PreparedDrill, lease: Duration, store: StoreOptions, json: Bool, isRealtime: Bool) {
        self.prepared = prepared
        self.lease = lease
        storeOptions = store
        isJSON = json
        self.isRealtime = isRealtime
    }

    func run() throws -> Status {
        let inbox = Inbox<DrillSession.Message>()
        // From here on a signal asks for an abort instead of ending the process.
        let signals = SignalWatch { inbox.post(.signal($0)) }
        defer { withExtendedLifetime(signals) {} }
        let start = clock.monotonic()
        let binary = BinaryHash()
        let view = LiveView(start: start, isSilent: isJSON)
        view.objective = prepared.drill.objectives.rto
        let storePath = prepared.project.outcomesPath(storeOptions.outcomes)
        let ledgers = ledgerDirectory
        let heart = Heart()
        // Before the store: a host that is taken, or a guard that cannot serve, leaves no outcome behind.
        let local = try LocalGuard.start(
            state: prepared.state, lease: lease, run: prepared.runID, directory: prepared.project.root,
            protected: [storePath, ledgers], isAlive: { [lease] in heart.isBeating(within: lease / 2) },
            onEvent: { inbox.post(.guardEvent($0)) },
            onLoss: { inbox.post(.input(.guardLost($0.message))) })
        let store = try storeOptions.open(prepared.project, access: .readWrite)
        let header = try RunHeaders.make(
            prepared, start: start, hello: local.client.hello, binaryHash: binary.text)
        let number = try store.begin(header)
        let writer = StoreWriter(store, run: header.id) { text in
            Terminal.complain(
                text, advice: "the drill goes on and puts everything back; its outcome is incomplete")
        }
        let events = RunEvents(hiding: Redaction(prepared.secrets)) { event in
            writer.append(event)
            inbox.post(.event(event))
        }
        view.title(
            "\(prepared.drill.name)  outcome #\(number) · \(prepared.drill.environment.rawValue)"
                + (prepared.drill.service.map { " · service \($0)" } ?? ""))
        events.record(.runStarted, "", "run \(header.id) of '\(prepared.drill.name)' began")
        for report in local.client.hello.mended {
            events.record(
                .note, report.name, "an earlier drill had left '\(report.name)' open; it was undone",
                actor: "guard")
        }
        let names = SignalNames(prepared.drill)
        var configuration = MeasuringEngine.Configuration()
        configuration.isRealtime = isRealtime
        let engine = try MeasuringEngine(
            probes: prepared.drill.probes, workloads: prepared.drill.workloads, runID: header.id,
            seed: UInt64.random(in: 0 ... .max), ledgerDirectory: ledgers, configuration: configuration
        ) { signal, samples in writer.append(samples, of: names[signal]) }
        let session = DrillSession(
            prepared, client: local.client, engine: engine, writer: writer, inbox: inbox, events: events,
            view: view,
            heart: heart)
        let result = session.run()
        local.wait(for: .seconds(5))
        return try conclude(result, header, number, store, writer, events)
    }

    private func conclude(
        _ result: SessionResult, _ header: RunHeader, _ number: Int, _ store: OutcomeStore,
        _ writer: StoreWriter,
        _ events: RunEvents
    ) throws -> Status {
        let closing = Conclusion.make(
            prepared.drill, result, hiding: Redaction(prepared.secrets), now: clock)
        events.record(.verdict, "", "\(closing.judgement.verdict.rawValue): \(closing.judgement.reason)")
        events.record(.runFinished, "", "run \(header.id) ended: \(closing.ending.rawValue)")
        var report: String?
        do {
            try writer.finish(closing)
            KeptLedger.prune(prepared.state)
            report = try ReportFiles.write(number, store, prepared.project)
        } catch {
            Terminal.complain(
                "the outcome could not be kept: \(error)",
                advice: "keep what stands below, and make room before the next run")
        }
        if isJSON {
            var map = OutcomeText.value(closing)
            map["number"] = .int(Int64(number))
            map["id"] = .text(header.id)
            map["drill"] = .text(header.drill)
            if let report { map["report"] = .text(report) }
            Terminal.line(Value.map(map).prettyJSON)
        } else {
            OutcomeText.summary(closing)
            Terminal.line(
                "outcome #\(number) · "
                    + (report.map { "report \(ReportFiles.shown($0)) (and .html)" } ?? "NOT RECORDED"))
        }
        // What is still broken is told before anything else; a verdict that nobody can look up proves nothing.
        let status = Status(rawValue: closing.exitCode) ?? .internalError
        return report == nil && status != .residue ? .inconclusive : status
    }

    /// The ledger's frames lie on a disk of the controller's own, out of the reach of what is drilled.
    private var ledgerDirectory: String { KeptLedger.directory(prepared.state) + "/" + prepared.runID }
}

extension ReadBack {
    /// What a store or a program said while it was read back ends up in the judgement's reasons.
    fileprivate mutating func hide(_ redaction: Redaction) {
        problems = problems.map(redaction.text)
        hints = hints.map(redaction.text)
        for index in replicas.indices {
            replicas[index].name = redaction.text(replicas[index].name)
            replicas[index].problems = replicas[index].problems.map(redaction.text)
        }
    }
}

/// What a run's verdict, ending and exit code are made of.
enum Conclusion {
    static func make(
        _ drill: Drill, _ result: SessionResult, hiding redaction: Redaction, now clock: SystemTimekeeper
    ) -> RunClosing {
        let ledgers = result.ledgers.map { ledger in
            var ledger = ledger
            ledger.readBack?.hide(redaction)
            return ledger
        }
        let history = History(events: result.events, signals: result.signals, ledgers: ledgers)
        let judgement = DrillJudge.judge(drill, history)
        let runner = result.runner
        var residue = result.residue.map(redaction.text)
        for record in result.injections where record.state != .closed && record.state != .forgotten {
            if !residue.contains(where: { $0.contains("'\(record.name)'") }) {
                residue.append("'\(record.name)' (\(record.fault)) is not known to be closed")
            }
        }
        if residue.isEmpty, !runner.isUndoSettled {
            residue.append("the system is not steady after the undo")
        }
        let ending: Ending = runner.abortReason == nil && runner.failure == nil ? .completed : .aborted
        var code = Status.of(judgement.verdict, ending, hasResidue: !residue.isEmpty)
        // Nothing was broken and nothing is left: the drill could not be carried out on this host.
        if judgement.verdict == .error, runner.firstInjection == nil, residue.isEmpty { code = .refused }
        return RunClosing(
            ending: ending, judgement: judgement, exitCode: code.rawValue, residue: residue,
            finishedAt: clock.monotonic(), finishedAtUTC: clock.utcNanoseconds())
    }
}

/// The names under which samples are stored, in the order of the engine's signals.
struct SignalNames: Sendable {
    private let signals: [Signal]

    init(_ drill: Drill) {
        var signals = drill.probes.map { Signal(name: $0.name, every: $0.setting.every) }
        for workload in drill.workloads {
            let period = workload.setting.rate.period * workload.setting.writers
            signals += (0..<workload.setting.writers).map {
                Signal(name: workload.name, writer: $0, every: period)
            }
        }
        self.signals = signals
    }

    subscript(index: Int) -> Signal { signals[index] }
}
