import MusterCore
import MusterDrills

/// What an engine is made of.
extension MeasuringEngine {
    /// Probes first, then the writers of each workload.
    static func signals(_ probes: [DrillProbe], _ workloads: [DrillWorkload]) -> [Signal] {
        probes.map { Signal(name: $0.name, every: $0.setting.every) }
            + workloads.flatMap { workload in
                (0..<workload.setting.writers).map {
                    Signal(
                        name: workload.name, writer: $0,
                        every: workload.setting.rate.period * workload.setting.writers)
                }
            }
    }

    /// Of each signal, in the same order. What may still be under way, or is looked at while the run goes on, stays in
    /// memory.
    static func history(
        of probes: [DrillProbe], _ workloads: [DrillWorkload], in file: SampleFile, window: Duration
    ) -> [SampleSeries] {
        let timeouts =
            probes.map(\.setting.timeout)
            + workloads.flatMap { Array(repeating: $0.setting.timeout, count: $0.setting.writers) }
        return timeouts.map { SampleSeries(archive: file, keeping: $0 + window) }
    }

    static func schedules(
        of probes: [DrillProbe], on loop: EventLoop, _ recorder: Recorder
    ) throws -> [ProbeSchedule] {
        try probes.enumerated().map { index, probe in
            guard let runnable = probe.probe as? any RunnableProbe else {
                throw MeasuringError.unknownKind(probe.kind)
            }
            return ProbeSchedule(
                loop: loop, prober: try runnable.prober(on: loop), setting: probe.setting, signal: index,
                recorder: recorder)
        }
    }

    /// - Parameters:
    ///   - probes: how many there are; the signals of the writers come behind them.
    ///   - make: of a workload, its index, and the signal of its first writer.
    static func runs(
        of workloads: [DrillWorkload], behind probes: Int,
        _ make: (DrillWorkload, Int, Int) throws -> WorkloadRun
    ) throws -> [WorkloadRun] {
        var runs: [WorkloadRun] = []
        var signal = probes
        for (index, workload) in workloads.enumerated() {
            // The ledgers of those before it have threads.
            let ledgers = runs.map(\.ledger)
            runs.append(
                try orStop(ledgers.map { ledger in { ledger.close() } }) { try make(workload, index, signal) }
            )
            signal += workload.setting.writers
        }
        return runs
    }

    /// What `make` makes; the others end when it cannot.
    static func orStop<Made>(_ others: [() -> Void], _ make: () throws -> Made) throws -> Made {
        do { return try make() } catch {
            for stop in others { stop() }
            throw error
        }
    }
}
