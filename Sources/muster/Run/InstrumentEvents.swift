import MusterCore
import MusterDrills
import MusterProbes

/// Puts on record what the instrument found wrong with itself and its host.
struct InstrumentEvents {
    private var suspicions: Set<String> = []
    private var failedLedgers: Set<String> = []
    private var windows = 0
    private var steps = 0
    private var shortcomings = 0
    private var hasLostSamples = false

    /// Records what is new.
    /// - Returns: why the run must be aborted, where it must.
    mutating func record(_ snapshot: MeasuringSnapshot, in events: RunEvents) -> String? {
        let instrument = snapshot.instrument
        for suspicion in instrument.suspicions where suspicions.insert(suspicion).inserted {
            events.record(.instrumentSuspect, "", "the instrument: \(suspicion)")
        }
        for shortcoming in instrument.shortcomings.dropFirst(shortcomings) {
            events.record(.warning, "", "the instrument: \(shortcoming)")
        }
        shortcomings = instrument.shortcomings.count
        for window in instrument.windows.dropFirst(windows) {
            events.record(
                .instrumentSuspect, "", "the instrument: \(window.text)", bracket: window.bracket,
                detail: [
                    "trouble": .text(window.trouble.rawValue), "count": .int(Int64(window.count)),
                    "lateness-max": .int(window.lateness.nanoseconds),
                ])
        }
        windows = instrument.windows.count
        for step in instrument.clockSteps.dropFirst(steps) {
            events.record(
                .warning, "", step.text, bracket: step.between,
                detail: ["clock-step-ns": .int(step.by.nanoseconds)])
        }
        steps = instrument.clockSteps.count
        return failedLedger(snapshot, events) ?? heldUpSamples(instrument, events)
    }

    private mutating func heldUpSamples(_ instrument: InstrumentStatus, _ events: RunEvents) -> String? {
        guard let trouble = instrument.samplesTrouble, !hasLostSamples else { return nil }
        hasLostSamples = true
        events.record(
            .instrumentSuspect, "",
            "the samples have nowhere to go: \(trouble). Still valid: every figure of the time up to here. Not valid, once "
                + "the queue is full as well: what is said of the time from which samples are then missing, which is "
                + "marked")
        return "the samples have nowhere to go: \(trouble)"
    }

    private mutating func failedLedger(_ snapshot: MeasuringSnapshot, _ events: RunEvents) -> String? {
        for workload in snapshot.workloads {
            guard let why = workload.ledgerFailure, failedLedgers.insert(workload.name).inserted else {
                continue
            }
            events.record(
                .instrumentSuspect, workload.name,
                "the ledger of '\(workload.name)' is not durable any more: \(why). Still valid: every probe's figures, "
                    + "and the \(workload.acknowledged) writes whose acknowledgements were durable until then, for "
                    + "what is said of each of them. Not valid: that no write was lost, because "
                    + "\(workload.awaitingDisk) more were acknowledged without a durable record")
            return "the ledger of '\(workload.name)' cannot be written: \(why)"
        }
        return nil
    }

    /// Lateness only widens the bounds, but a reader should know that they are wider for it.
    func noteMissed(_ snapshot: MeasuringSnapshot, in events: RunEvents) {
        let instrument = snapshot.instrument
        guard instrument.missed > 0 else { return }
        events.record(
            .warning, "",
            "\(Observing.count(instrument.missed, "probe")) could not be sent when due (p99 lateness "
                + "\(instrument.latenessP99.forPeople)): this host is busy, and the bounds are wider for it",
            detail: [
                "missed": .int(Int64(instrument.missed)),
                "lateness-max": .int(instrument.latenessMax.nanoseconds),
            ])
    }

    /// The last of it, once nothing is measured any more.
    mutating func conclude(_ snapshot: MeasuringSnapshot, in events: RunEvents) {
        _ = record(snapshot, in: events)
        let pressure = snapshot.instrument.pressure
        events.record(.note, "", pressure.text, detail: ["pressure": pressure.value])
    }

    /// - Returns: why the run is aborted.
    static func storeFailed(_ why: String, in events: RunEvents) -> String {
        events.record(
            .warning, "",
            "the outcome cannot be recorded: \(why) Still valid: every figure that this run prints, which are reckoned "
                + "from memory. Not valid: what `muster show`, `report` and `verify` say of it, unless the store can be "
                + "written again before the run ends; it is tried until then")
        return "the outcome cannot be recorded: \(why)"
    }
}

extension Pressure {
    /// For the outcome: shares by resource.
    var value: Value {
        .map(
            Dictionary(
                uniqueKeysWithValues: lines.map { name, line in
                    (
                        name,
                        ["start": .double(line.start), "peak": .double(line.peak), "end": .double(line.end)]
                    )
                }))
    }
}
