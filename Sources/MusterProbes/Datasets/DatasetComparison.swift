import MusterCore
import MusterDrills
import MusterSystem

/// Holds two readings of a dataset against each other: the sums of ranges first, then the rows of those that differ.
struct DatasetComparison {
    let before: DatasetPass
    let after: DatasetPass
    /// Tables of SQLite that the run's workloads make.
    let ownTables: Set<String>

    func run(into findings: inout DatasetFindings) {
        findings.explained = after.explained
        findings.extra += after.unexplainedCount
        findings.differences += after.unexplained
        findings.notes += before.notes + after.notes.filter { !before.notes.contains($0) }
        findings.problems += (before.problems + after.problems)
        for (index, part) in before.parts.enumerated() {
            guard let other = after.parts.firstIndex(where: { $0.name == part.name }) else {
                findings.structure.append("the table \(part.name) is gone, with \(part.digest.rows) rows")
                findings.missing += part.digest.rows
                continue
            }
            if after.parts[other].shape != part.shape {
                findings.structure.append("the columns of \(part.name) are others")
            }
            compare(index, other, &findings)
        }
        for part in after.parts where !before.parts.contains(where: { $0.name == part.name }) {
            // Made for the run's own entries, as the ledger's are.
            if part.digest.rows == 0, part.ownRows > 0 || isOwnTable(part.name) { continue }
            findings.structure.append("the table \(part.name) is new")
            findings.extra += part.digest.rows
        }
    }

    private func isOwnTable(_ name: String) -> Bool {
        ownTables.contains(name) || name.hasSuffix("." + after.names.table)
    }

    private func compare(_ old: Int, _ new: Int, _ findings: inout DatasetFindings) {
        let (left, right) = (before.parts[old].digest, after.parts[new].digest)
        let part = before.parts[old].name
        for bucket in left.differing(from: right) {
            findings.differingRanges += 1
            if findings.ranges.count < DatasetFindings.mostRanges {
                let isLast = bucket == left.buckets.count - 1
                findings.ranges.append(
                    DatasetRange(
                        part: part,
                        after: bucket == 0 ? "" : DatasetKey.words(left.buckets[bucket - 1].last),
                        upTo: isLast ? "" : DatasetKey.words(left.buckets[bucket].last),
                        rowsBefore: left.buckets[bucket].rows, rowsAfter: right.buckets[bucket].rows))
            }
            let old = RowIndex.Reader(before.index, before.range(of: bucket, in: old))
            let new = RowIndex.Reader(after.index, after.range(of: bucket, in: new))
            do {
                try RowMerge.run(old.row, new.row, { note($0, part, &findings) })
            } catch {
                findings.problems.append("the rows of a range that differs cannot be told: \(error)")
            }
        }
    }

    private func note(
        _ difference: RowMerge.Difference, _ part: String, _ findings: inout DatasetFindings
    ) {
        let (kind, row, detail): (DatasetDifference.Kind, IndexedRow, String)
        switch difference {
        case .missing(let old):
            findings.missing += 1
            (kind, row, detail) = (.missing, old, "")
        case .extra(let new):
            findings.extra += 1
            (kind, row, detail) = (.extra, new, "")
        case .changed(let old, let new):
            findings.changed += 1
            let what = old.aspect == new.aspect ? "attributes" : "contents"
            (kind, row, detail) = (.changed, new, findings.kind == "files" ? what : "")
        }
        guard findings.differences.count < DatasetFindings.mostDifferences else { return }
        findings.differences.append(
            DatasetDifference(kind, part: part, key: DatasetKey.words(row.key), detail: detail))
    }
}
