import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
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
    private let keepsSamples: Bool
    /// Who sits at the board; nil for lines.
    private let board: Attendee?
    private let clock = SystemTimekeeper()

    /// What came of it.
    struct Result {
        var status: Status
        /// Why no other run of the same drill should begin; nil when one may. A step that failed once the fault had
        /// struck is one way for a run to go.
        var obstacle: String?
        /// For `--json`.
        var value: [String: Value]
        /// nil when it could not be written.
        var report: ReportFiles.Written?
    }

    init(
        _ prepared: PreparedDrill, lease: Duration, store: StoreOptions, json: Bool, isRealtime: Bool,
        keepsSamples: Bool = true, board: Attendee? = nil
    ) {
        self.board = board
        self.keepsSamples = keepsSamples
        self.prepared = prepared
        self.lease = lease
        storeOptions = store
        isJSON = json
        self.isRealtime = isRealtime
    }

    /// Shows what happens as it does, and the result; for `--json` it shows nothing.
    /// - Parameter stop: a signal asks for an abort instead of ending the process.
    func run(_ stop: StopLatch) throws -> Result {
        let inbox = Inbox<DrillSession.Message>()
        stop.tell { inbox.post(.signal($0)) }
        defer { stop.tell(nil) }
        let start = clock.monotonic()
        let binary = BinaryHash()
        let view = LiveView(start: start, on: isJSON || board != nil ? nil : try Screen())
        defer {
            view.end()
            // Before an error is told, and the process with it: what was begun comes first.
            view.wait(until: clock.monotonic() + .seconds(1))
        }
        view.objective = prepared.drill.objectives.rto
        let storePath = prepared.project.outcomesPath(storeOptions.outcomes)
        let ledgers = prepared.ledgerDirectory
        let heart = Heart()
        // Before the store: a host that is taken, or a guard that cannot serve, leaves no outcome behind.
        let local = try LocalGuard.start(
            state: prepared.state, lease: lease, run: prepared.runID, directory: prepared.project.root,
            protected: [storePath, ledgers], isAlive: { [lease] in heart.isBeating(within: lease / 2) },
            onEvent: { inbox.post(.guardEvent($0)) },
            onLoss: { inbox.post(.input(.guardLost($0.message))) })
        let outlet = SampleOutlet(SignalNames(prepared.drill))
        let engine = try makeEngine(outlet)
        let store = try storeOptions.open(prepared.project, access: .readWrite)
        let header = try RunHeaders.make(
            prepared, start: start, hello: local.client.hello, binaryHash: binary.text)
        let number = try store.begin(header)
        let writer = try StoreWriter(store, run: header.id, keepsSamples: keepsSamples) { error in
            inbox.post(.storeFailed("\(error)"))
        }
        defer { writer.stop() }
        outlet.open(to: writer)
        let notices = RunNotices(prepared, header, number, writer)
        let events = RunEvents(hiding: Redaction(prepared.secrets)) { event in
            writer.append(event)
            notices?.see(event)
            inbox.post(.event(event))
        }
        view.title(
            "\(prepared.drill.name)  outcome #\(number) · \(prepared.drill.environment.rawValue)"
                + (prepared.drill.service.map { " · service \($0)" } ?? ""),
            isNext: prepared.phase != nil)
        let desk = try RunDesk(store, writer, run: header.id) { inbox.post(.input(.abort($0))) }
        defer { desk.stop() }
        recordBeginning(header, local.client.hello, in: events)
        notices?.begun()
        let session = DrillSession(
            prepared, client: local.client, engine: engine, writer: writer, inbox: inbox, events: events,
            view: view, heart: heart, desk: desk)
        let showing = try board.map { try RunnersBoard($0, run: header.id, storePath) }
        let result = session.run()
        showing?.end()
        local.wait(for: .seconds(5))
        return conclude(result, header, number, store, writer, events, view, stop, notices)
    }

    /// - Throws: `Refusal` when what it is to measure with or write to cannot work.
    private func makeEngine(_ outlet: SampleOutlet) throws -> MeasuringEngine {
        var configuration = MeasuringEngine.Configuration()
        configuration.isRealtime = isRealtime
        configuration.window = prepared.drill.steady.duration
        do {
            return try MeasuringEngine(
                probes: prepared.drill.probes, workloads: prepared.drill.workloads, runID: prepared.runID,
                seed: UInt64.random(in: 0 ... .max), ledgerDirectory: prepared.ledgerDirectory,
                configuration: configuration
            ) { signal, samples in outlet.take(samples, of: signal) }
        } catch let error as MeasuringError {
            throw Refusal(error)
        }
    }

    private func recordBeginning(_ header: RunHeader, _ hello: Hello, in events: RunEvents) {
        events.record(
            .runStarted, "", "run \(header.id) of '\(prepared.drill.name)' began", detail: prepared.plan.value
        )
        if let phase = prepared.phase {
            events.record(.repeatPlanned, "", phase.sentence, detail: phase.value)
        }
        if let occurrence = prepared.occurrence {
            events.record(
                .note, "", "a scheduler started it for \(occurrence)",
                detail: ["occurrence": .text(occurrence)])
        }
        prepared.blackout?.record(in: events)
        for report in hello.mended {
            events.record(
                .note, report.name,
                report.isEndedStep
                    ? "\(report.name) was still running though its drill was lost; it was ended"
                    : "an earlier drill had left '\(report.name)' open; it was undone",
                actor: "guard")
        }
    }

    private func conclude(
        _ result: SessionResult, _ header: RunHeader, _ number: Int, _ store: OutcomeStore,
        _ writer: StoreWriter, _ events: RunEvents, _ view: LiveView, _ stop: StopLatch,
        _ notices: RunNotices?
    ) -> Result {
        writer.record(result.signals.map { SignalSummary(of: $0) })
        let closing = Conclusion.make(
            prepared.drill, result, hiding: Redaction(prepared.secrets), now: clock)
        if writer.discardedSamples > 0 {
            events.record(
                .warning, "",
                "\(writer.discardedSamples) samples are not on record: the store could not be written")
        }
        events.record(.verdict, "", "\(closing.judgement.verdict.rawValue): \(closing.judgement.reason)")
        events.record(.runFinished, "", "run \(header.id) ended: \(closing.ending.rawValue)")
        let kept = Swift.Result { try writer.finish(closing) }
        let isKept = (try? kept.get()) != nil
        notices?.ended(closing, in: store)
        let written = isKept ? Swift.Result { try ReportFiles.write(number, store) } : nil
        let report = try? written?.get()
        if isKept { KeptLedger.prune(prepared.state) }
        // What is still broken is told before anything else; a verdict that nobody can look up proves nothing.
        var status = Status(rawValue: closing.exitCode) ?? .internalError
        if !isKept { status = Status.worst([status, .inconclusive]) }
        // Everything is put back and on record: now somebody may take as long to read as they like.
        stop.whileNobodyReads(leaveWith: status) {
            view.wait()
            if case .failure(let error) = kept {
                Terminal.complain(
                    "the outcome could not be kept: \(error)",
                    advice: "keep what stands below, and make room before the next run")
            } else if case .failure(let error) = written {
                Terminal.complain(
                    "the outcome is on record, but its report could not be written: \(error)",
                    advice: "mend that, then run `muster report \(number)`")
            }
            if !isJSON { show(closing, number, report, isKept: isKept) }
        }
        var value = OutcomeText.value(closing)
        value["number"] = .int(Int64(number))
        value["id"] = .text(header.id)
        value["drill"] = .text(header.drill)
        if let report { value["report"] = .text(report.path) }
        return Result(
            status: status, obstacle: obstacle(result.runner, status, isKept: isKept), value: value,
            report: report)
    }

    private func obstacle(_ runner: DrillRunner, _ status: Status, isKept: Bool) -> String? {
        if status == .residue { return "something is still broken; run `muster undo`" }
        if let abort = runner.abortReason { return abort }
        if runner.firstInjection == nil, let failure = runner.failure { return failure }
        return isKept ? nil : "outcomes cannot be kept"
    }

    private func show(
        _ closing: RunClosing, _ number: Int, _ report: ReportFiles.Written?, isKept: Bool
    ) {
        // Of one of many only the result: the rest is in its report, and what they come to together follows.
        OutcomeText.summary(closing, isBrief: prepared.phase != nil)
        Terminal.line(
            "outcome #\(number) · "
                + (report.map { "report \(ReportFiles.shown($0.path)) (and .html)" }
                    ?? (isKept ? "NO REPORT" : "NOT RECORDED")))
    }

}
