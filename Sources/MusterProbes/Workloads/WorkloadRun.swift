import MusterCore

/// One workload of a run: its writers, its ledger, and what reading back needs.
final class WorkloadRun: @unchecked Sendable {
    let name: String
    let workload: any RunnableWorkload
    let setting: WorkloadSetting
    let seed: UInt64
    let names: KeyNames
    let loop: EventLoop
    let ledger: LedgerFile
    let counts = WorkloadCounts()
    /// On the loop's thread only, once that runs.
    let writers: [WriterStream]

    /// - Throws: `MeasuringError` when it cannot be run, or its ledger cannot be made.
    init(
        _ drill: DrillWorkload, run: String, seed: UInt64, directory: String, ledgerCapacity: Int,
        loop: EventLoop, recorder: Recorder, firstSignal: Int
    ) throws {
        guard let workload = drill.workload as? any RunnableWorkload else {
            throw MeasuringError.unknownKind(drill.kind)
        }
        name = drill.name
        self.workload = workload
        setting = drill.setting
        self.seed = seed
        self.loop = loop
        names = KeyNames(run: run)
        let bytes = Int(setting.payload.bytes)
        let file = drill.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" }
        ledger = try LedgerFile(
            path: "\(directory)/\(String(file)).ledger",
            header: .header(workload: drill.name, run: run, seed: seed, payloadBytes: bytes),
            capacity: ledgerCapacity)
        let context = WriterStream.Context(
            loop: loop, ledger: ledger, recorder: recorder, names: names, setting: setting, seed: seed,
            counts: counts)
        writers = try (0..<setting.writers).map {
            WriterStream(
                context, stream: Int32($0), client: try workload.client(on: loop), signal: firstSignal + $0)
        }
    }

    // MARK: On the loop's thread

    func begin() {
        let start = monotonicNow() + .milliseconds(1)
        counts.add { $0.isWriting = true }
        for (index, writer) in writers.enumerated() {
            writer.begin(at: start + setting.rate.period * index)
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
