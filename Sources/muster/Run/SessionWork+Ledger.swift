import MusterCore
import MusterDrills
import MusterProbes

/// How a session ends its writes, and accounts for them.
extension DrillSession {
    func stopWriters() {
        engine.stopWorkloads()
        events.record(
            .writersStopped, "", drill.workloads.isEmpty ? "observation ends" : "the writers have stopped")
        inbox.post(.input(.writersStopped))
    }

    func readBack() {
        guard !drill.workloads.isEmpty else {
            compareDatasets(with: nil)
            return inbox.post(.input(.readBackDone))
        }
        if isGuardGone, !drill.fixtures.isEmpty {
            let ledgers = engine.ledgers()
            keep(ledgers)
            for ledger in ledgers {
                events.record(
                    .readBack, ledger.workload,
                    "'\(ledger.workload)' is not read back: the fixtures ended with their guard",
                    detail: keptFiles(of: ledger.workload))
            }
            compareDatasets(with: ledgers.first)
            return inbox.post(.input(.readBackDone))
        }
        let ledgers = engine.readBack(
            fault: events.all.first { $0.kind == .injected }?.bracket?.lower,
            replicaGap: drill.recovered.stable,
            within: .seconds(120), isCancelled: { [self] in isReadBackEnded },
            note: { [events] workload, text in events.record(.note, workload, "'\(workload)': \(text)") })
        keep(ledgers)
        // Before the run's own entries are tidied away: they are what the ledger has to account for.
        compareDatasets(with: ledgers.first)
        for ledger in ledgers {
            let acknowledged = ledger.entries.count { $0.isAcknowledged }
            let found = ledger.readBack?.found.count ?? 0
            let problems = ledger.readBack?.problems ?? ["nothing could be read back"]
            let part =
                ledger.readBack?.sample.map { "; a sample: \($0.drawn) of \($0.older) older writes" } ?? ""
            events.record(
                .readBack, ledger.workload,
                problems.isEmpty
                    ? "'\(ledger.workload)': \(acknowledged) acknowledged, \(found) read back\(part)"
                    : "'\(ledger.workload)' could not be read back completely: \(problems.joined(separator: "; "))",
                detail: counted(ledger, in: keptFiles(of: ledger.workload)))
            if let done = engine.tidy(ledger.workload, keep: !ledger.isFlawless) {
                events.record(.note, ledger.workload, "'\(ledger.workload)': \(done)")
            }
        }
        inbox.post(.input(.readBackDone))
    }

    /// What was acknowledged and found, and when the newest write was sent that was found.
    private func counted(_ ledger: Ledger, in files: Value) -> Value {
        guard let readBack = ledger.readBack else { return files }
        var last: [Int32: Int64] = [:]
        for found in readBack.found {
            last[found.key.stream] = max(last[found.key.stream] ?? 0, found.key.sequence)
        }
        let newest = ledger.entries.filter { last[$0.key.stream] == $0.key.sequence }.map(\.sent).max()
        var map = files.asMap ?? [:]
        map["acknowledged"] = .int(Int64(ledger.entries.count { $0.isAcknowledged }))
        map["found"] = .int(Int64(readBack.found.count))
        map["newest"] = .optional(newest?.nanoseconds)
        return .map(map)
    }

    /// Where the raw records of a workload lie, and what they hash to, for `muster export`.
    private func keptFiles(of workload: String) -> Value {
        guard let ledger = engine.ledgerPath(of: workload) else { return .null }
        var files = KeptLedger.describe(ledger)
        files.merge(KeptLedger.describe(ReadBackFile.path(beside: ledger), as: "readback")) { own, _ in own }
        let setting = drill.workloads.first { $0.name == workload }?.setting
        if let setting, !setting.plan(seed: 0).isPlain {
            files["writes"] = .text(
                setting.mode == .entries ? "deletes" : "mode: \(setting.mode.rawValue)")
            if setting.mode == .register { files["keys"] = .int(Int64(setting.keys)) }
        }
        return .map(files)
    }
}
