public import MusterCore
public import MusterDrills
import Synchronization

/// What the workloads wrote, and what of it is still there.
extension MeasuringEngine {
    /// Reads every entry back until two passes agree; waits for it. Workloads must be stopped.
    /// - Parameters:
    ///   - fault: when the fault was injected; with more entries than can be read, everything from a while before
    ///     it is.
    ///   - gap: between passes.
    ///   - replicaGap: the same for a workload with replicas; one stability window.
    ///   - limit: when to give up, for each workload.
    ///   - isCancelled: asked between reads; once it says so, what was read until then is all there is.
    ///   - note: called for a workload whose store does not answer as it should at first, or answers slowly, with
    ///     its name and why it takes longer, for people.
    public func readBack(
        fault: Instant? = nil, gap: Duration = .seconds(1), replicaGap: Duration = .seconds(30),
        within limit: Duration = .seconds(60),
        isCancelled: @escaping @Sendable () -> Bool = { false },
        note: @escaping (_ workload: String, _ text: String) -> Void = { _, _ in }
    ) -> [Ledger] {
        runs.map { run in
            let (sample, quietFrom) = prepareReadBack(of: run, fault: fault)
            let limit = run.setting.readback.isEmpty ? limit : limit + replicaGap * 3
            let driver = ReadBackDriver(
                run: run, gap: run.setting.readback.isEmpty ? gap : replicaGap,
                deadline: monotonicNow() + limit, quietFrom: quietFrom, sample: sample,
                isCancelled: isCancelled)
            let (found, file) = driver.readBack { why in
                note(
                    run.name,
                    "\(why); the read-back goes on until two passes agree, for \(limit.forPeople) at most")
            }
            if let failure = file.write(beside: run.ledger.path) { note(run.name, failure) }
            return ledger(of: run, found)
        }
    }

    /// What is read of a ledger that is too large to be read whole, and when its last write in doubt has had its
    /// time to land.
    private func prepareReadBack(of run: WorkloadRun, fault: Instant?) -> (ReadSample?, Instant?) {
        let entries = ledger(of: run, nil).entries
        let timeout = run.setting.timeout
        let quietFrom = entries.lazy.filter { $0.outcome == .info || $0.outcome == .pending }.map { entry in
            // What was sent into a connection that ended is read at once or never.
            let isSilence = entry.finished.map { $0 - entry.sent >= timeout } ?? true
            return (entry.finished ?? entry.sent) + min(timeout, isSilence ? .seconds(5) : .seconds(1))
        }.max()
        let setting = run.setting.sample
        // What deletes and registers leave, and the looks of a bank, are judged all together.
        guard entries.count > setting.above, run.setting.plan(seed: run.seed).isPlain else {
            return (nil, quietFrom)
        }
        let since = (fault ?? monotonicNow()) - setting.recent
        return (
            ReadSample.draw(setting.older, from: entries, since: since, seed: run.seed), quietFrom
        )
    }

    /// Where a workload's ledger lies; beside it, once it was read back, what was found (`ReadBackFile`).
    public func ledgerPath(of workload: String) -> String? {
        runs.first { $0.name == workload }?.ledger.path
    }

    /// The ledgers as they stand, without reading back.
    public func ledgers() -> [Ledger] { runs.map { ledger(of: $0, nil) } }

    private func ledger(of run: WorkloadRun, _ found: ReadBack?) -> Ledger {
        var found = found
        var known: (entries: [LedgerEntry], blindWindow: Duration) = ([], .zero)
        do {
            known = try run.entries(notDurable(of: run))
        } catch {
            // Nothing is known of any write, least of all that none was lost.
            let problem = "\(error)"
            _ = unreadable.withLock { $0.insert(problem) }
            found = found ?? ReadBack(found: [], agreed: false, passes: 0)
            found?.problems.append(problem)
        }
        // Nothing was looked for, so nothing is known to be missing.
        if found?.passes == 0 { found?.unread = known.entries.map(\.key) }
        var ledger = Ledger(
            workload: run.name, entries: known.entries, readBack: found,
            payloadBytes: Int(run.setting.payload.bytes), blindWindow: known.blindWindow,
            rate: run.setting.rate)
        ledger.plan = run.setting.plan(seed: run.seed)
        ledger.violations = violations(of: run)
        return ledger
    }

    /// What the looks during the run showed broken. Kept on the loop's thread; after its end nobody else asks.
    private func violations(of run: WorkloadRun) -> [String] {
        guard !threads.isEmpty else { return run.steps.violations }
        let latch = Latch<[String]>()
        writeLoop.post { latch.set(run.steps.violations) }
        return latch.wait(until: monotonicNow() + .seconds(30)) ?? []
    }

    /// Removes what a workload has left in its store besides its keys, such as a table of the run's own; waits for it.
    /// - Parameter keep: leaves it there, as evidence.
    /// - Returns: what was done, for people; nil where there is nothing of the kind.
    public func tidy(_ workload: String, keep: Bool) -> String? {
        guard let run = runs.first(where: { $0.name == workload }), let client = run.writers.first?.client,
            let what = client.leftBehind
        else { return nil }
        if keep { return "\(what) is left where it is, as evidence" }
        let latch = Latch<Bool>()
        writeLoop.post { run.discard { latch.set($0) } }
        let isGone = latch.wait(until: run.operationDeadline + .seconds(5)) ?? false
        return isGone ? "\(what) was dropped" : "\(what) could not be dropped; nobody needs it any more"
    }

    /// Asked on the loop's thread, where nothing is appended meanwhile; on this one when that has ended.
    private func notDurable(of run: WorkloadRun) throws -> (durable: Int, records: [LedgerRecord]) {
        guard !threads.isEmpty else { return run.ledger.notDurable() }
        let latch = Latch<(durable: Int, records: [LedgerRecord])>()
        writeLoop.post { latch.set(run.ledger.notDurable()) }
        guard let found = latch.wait(until: monotonicNow() + .seconds(30)) else {
            throw MeasuringError.ledger(
                path: run.ledger.path, "cannot be looked at: the writing thread does not answer for 30 s")
        }
        return found
    }
}
