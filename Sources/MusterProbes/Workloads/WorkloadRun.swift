import MusterCore
import MusterDrills
import Synchronization

/// One workload of a run: its writers, its ledger, and what reading back needs.
final class WorkloadRun: @unchecked Sendable {
    let name: String
    let workload: any Workload
    let setting: WorkloadSetting
    let seed: UInt64
    let names: KeyNames
    let loop: EventLoop
    let ledger: LedgerFile
    let counts = WorkloadCounts()
    /// On the loop's thread only.
    let steps: WorkloadSteps
    /// On the loop's thread only, once that runs.
    let writers: [WriterStream]

    /// - Throws: `MeasuringError` when it cannot be run, or its ledger cannot be made.
    init(
        _ drill: DrillWorkload, run: String, seed: UInt64, directory: String, ledgerCapacity: Int,
        loop: EventLoop, recorder: Recorder, firstSignal: Int
    ) throws {
        name = drill.name
        workload = drill.workload
        setting = drill.setting
        self.seed = seed
        self.loop = loop
        let names = KeyNames(run: run)
        self.names = names
        let bytes = Int(setting.payload.bytes)
        // Before the ledger, whose thread would be left behind.
        let clients = try drill.clients(
            on: loop, for: StoreRun(names: names, seed: seed, payloadBytes: bytes))
        let file = drill.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" }
        ledger = try LedgerFile(
            path: "\(directory)/\(String(file)).ledger",
            header: LedgerHeader(workload: drill.name, run: run, seed: seed, payloadBytes: bytes),
            capacity: ledgerCapacity)
        steps = WorkloadSteps(setting.plan(seed: seed), names, payloadBytes: bytes)
        let context = WriterStream.Context(
            loop: loop, ledger: ledger, recorder: recorder, setting: setting, counts: counts, steps: steps)
        writers = clients.enumerated().map { index, client in
            WriterStream(context, stream: Int32(index), client: client, signal: firstSignal + index)
        }
    }

    // MARK: On the loop's thread

    /// Begins to write once the store holds what its mode needs; asks again until it does.
    func begin() {
        counts.isWriting.store(true, ordering: .relaxed)
        prepare()
    }

    private func prepare() {
        guard counts.isWriting.load(ordering: .relaxed) else { return }
        steps.prepare(writers[0].client, until: monotonicNow() + setting.timeout) { [self] problem in
            guard problem == nil else {
                loop.at(monotonicNow() + .milliseconds(200)) { [self] in prepare() }
                return
            }
            guard counts.isWriting.load(ordering: .relaxed) else { return }
            let start = monotonicNow() + .milliseconds(1)
            for (index, writer) in writers.enumerated() {
                writer.begin(at: start + setting.rate.period * index)
            }
        }
    }

    func stop(_ done: @escaping () -> Void) {
        counts.isWriting.store(false, ordering: .relaxed)
        var left = writers.count
        for writer in writers {
            writer.stop {
                left -= 1
                if left == 0 { done() }
            }
        }
    }

    func discard(_ done: @escaping (Bool) -> Void) {
        guard let writer = writers.first else { return done(false) }
        writer.client.discard(until: operationDeadline, done: done)
    }

    func closeClients() { for writer in writers { writer.client.close() } }

    // MARK: From any thread

    /// Every entry as far as it is known, read from the ledger's file, which alone holds them; an
    /// acknowledgement that is not durable is in doubt.
    /// - Parameter pending: what was not durable yet; its records are in the order in which they came.
    /// - Throws: `MeasuringError.ledger` when the file cannot be read.
    func entries(
        _ pending: (durable: Int, records: [LedgerRecord])
    ) throws -> (entries: [LedgerEntry], blindWindow: Duration) {
        var table = EntryTable(ledger.path)
        let scan = try LedgerScan(ledger.path)
        var count = 0
        _ = try scan.read(limit: pending.durable) {
            try table.add($0)
            count += 1
        }
        guard count == pending.durable else {
            throw MeasuringError.ledger(
                path: ledger.path, "has \(count) whole records; \(pending.durable) were made durable")
        }
        let lastDurable = table.lastAcknowledged
        var lost: Bracket?
        for record in pending.records {
            guard record.isAcknowledgement else {
                try table.add(record)
                continue
            }
            table.finish(record.key, record.at, .info)
            guard let sent = table.sent(record.key) else { continue }
            lost = Bracket(min(lost?.lower ?? sent, sent), max(lost?.upper ?? record.at, record.at))
        }
        let blind = lost.map { $0.upper - min(lastDurable ?? $0.lower, $0.lower) } ?? .zero
        return (table.takeAll(), blind)
    }

    var status: WorkloadStatus {
        var status = WorkloadStatus(name: name)
        status.sent = counts.sent.now
        status.inDoubt = counts.inDoubt.now
        status.refused = counts.refused.now
        status.missed = counts.missed.now
        status.isWriting = counts.isWriting.load(ordering: .relaxed)
        let progress = ledger.progress
        status.ledgerFailure = progress.failure.map(errorText)
        status.acknowledged = Int(progress.acknowledged)
        status.awaitingDisk = max(0, counts.answered.now - status.acknowledged)
        return status
    }
}
