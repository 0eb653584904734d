import MusterCore

/// One workload of a run: its writers, its ledger, and what reading back needs.
final class WorkloadRun: @unchecked Sendable {
    let name: String
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
        setting = drill.setting
        self.seed = seed
        self.loop = loop
        let names = KeyNames(run: run)
        self.names = names
        let bytes = Int(setting.payload.bytes)
        let file = drill.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" }
        ledger = try LedgerFile(
            path: "\(directory)/\(String(file)).ledger",
            header: .header(workload: drill.name, run: run, seed: seed, payloadBytes: bytes),
            capacity: ledgerCapacity)
        steps = WorkloadSteps(setting.plan(seed: seed), names, payloadBytes: bytes)
        let context = WriterStream.Context(
            loop: loop, ledger: ledger, recorder: recorder, setting: setting, counts: counts, steps: steps)
        let clients = try drill.clients(
            on: loop, for: StoreRun(names: names, seed: seed, payloadBytes: bytes))
        writers = clients.enumerated().map { index, client in
            WriterStream(context, stream: Int32(index), client: client, signal: firstSignal + index)
        }
    }

    // MARK: On the loop's thread

    /// Begins to write once the store holds what its mode needs; asks again until it does.
    func begin() {
        counts.add { $0.isWriting = true }
        prepare()
    }

    private func prepare() {
        guard counts.now.isWriting else { return }
        steps.prepare(writers[0].client, until: monotonicNow() + setting.timeout) { [self] problem in
            guard problem == nil else {
                loop.at(monotonicNow() + .milliseconds(200)) { [self] in prepare() }
                return
            }
            guard counts.now.isWriting else { return }
            let start = monotonicNow() + .milliseconds(1)
            for (index, writer) in writers.enumerated() {
                writer.begin(at: start + setting.rate.period * index)
            }
        }
    }

    func stop(_ done: @escaping () -> Void) {
        counts.add { $0.isWriting = false }
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

    /// Every entry as far as it is known; an acknowledgement that is not durable is in doubt.
    func entries(durable: Int64) -> (entries: [LedgerEntry], blindWindow: Duration) {
        var all: [LedgerEntry] = []
        var lastDurable: Instant?
        var lost: [LedgerEntry] = []
        for writer in writers {
            for (entry, record) in zip(writer.entries, writer.outcomeRecords) {
                var entry = entry
                if entry.isAcknowledged, let finished = entry.finished {
                    if record > durable {
                        lost.append(entry)
                        entry.outcome = .info
                    } else {
                        lastDurable = max(lastDurable ?? finished, finished)
                    }
                }
                all.append(entry)
            }
        }
        guard let first = lost.map(\.sent).min(), let last = lost.compactMap(\.finished).max() else {
            return (all, .zero)
        }
        return (all, last - min(lastDurable ?? first, first))
    }

    // MARK: From any thread

    var status: WorkloadStatus {
        let now = counts.now
        var status = WorkloadStatus(name: name)
        status.sent = now.sent
        status.inDoubt = now.inDoubt
        status.refused = now.refused
        status.missed = now.missed
        status.isWriting = now.isWriting
        status.acknowledged = Int(ledger.progress.acknowledged)
        status.awaitingDisk = max(0, now.answered - status.acknowledged)
        return status
    }
}
