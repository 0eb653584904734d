import MusterCore
import MusterDrills
import MusterProbes

/// How a session looks at the data that must be as they were.
extension DrillSession {
    /// Before anything is broken: what cannot be compared afterwards, or has no place to be restored to, is no drill.
    func prepareData() {
        for step in drill.restores {
            guard let plan = step.restore else { continue }
            do { try RestorePlace.check(plan) } catch {
                let why = words(error)
                events.record(.restoreRefused, step.path, why)
                return inbox.post(.input(.dataPrepared(problem: why)))
            }
        }
        let problem = datasets.takeBefore(
            isCancelled: { [self] in isCancelled }, note: { record($0, "before the fault") })
        inbox.post(.input(.dataPrepared(problem: problem)))
    }

    func compareDatasets(with ledger: Ledger?) {
        guard !drill.datasets.isEmpty else { return }
        let isGone = isGuardGone && !drill.fixtures.isEmpty
        keep(
            datasets.takeAfter(
                ledger: ledger, gone: isGone ? "the fixtures ended with their guard" : nil,
                isCancelled: { [self] in isReadBackEnded }, note: { record($0, "after the recovery") }))
    }

    /// - Parameter when: `before` its runbook began, or `after` it ended.
    func recordSource(_ reading: DatasetTaker.Reading, of step: RunbookStep, _ when: String) {
        let extent = reading.extent
        events.record(
            .restoreRead, step.path,
            "the backup '\(reading.dataset)' was read \(when) the restore, in \(extent.read.width.forPeople): "
                + "\(extent.items) items, \(ByteCount(extent.bytes).forPeople)",
            bracket: extent.read,
            detail: [
                "when": .text(when), "source": .text(reading.dataset), "items": .int(Int64(extent.items)),
                "bytes": .int(extent.bytes), "sum": .text(extent.sum.hex),
            ])
    }

    private func record(_ reading: DatasetTaker.Reading, _ when: String) {
        let extent = reading.extent
        events.record(
            .datasetRead, reading.dataset,
            "the dataset '\(reading.dataset)' was read \(when): \(extent.items) items, "
                + "\(ByteCount(extent.bytes).forPeople)",
            bracket: extent.read,
            detail: [
                "items": .int(Int64(extent.items)), "bytes": .int(extent.bytes), "sum": .text(extent.sum.hex),
            ])
    }
}
