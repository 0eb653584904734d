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
        findings.structure += DatasetObject.differences(before.objects, after.objects, of: "")
        for (index, part) in before.parts.enumerated() {
            guard let other = after.parts.firstIndex(where: { $0.name == part.name }) else {
                findings.structure.append("the table \(part.name) is gone, with \(part.digest.rows) rows")
                findings.missing += part.digest.rows
                continue
            }
            compareStructure(part, after.parts[other], &findings)
            compare(index, other, &findings)
        }
        for part in after.parts where !before.parts.contains(where: { $0.name == part.name }) {
            // Made for the run's own entries, as the ledger's are.
            if part.digest.rows == 0, part.ownRows > 0 || isOwnTable(part.name) { continue }
            findings.structure.append("the table \(part.name) is new")
            findings.extra += part.digest.rows
        }
        let most = DatasetFindings.mostDifferences
        if findings.structure.count > most {
            let left = findings.structure.count - most
            findings.structure.removeLast(left)
            findings.structure.append("\(left) more of this kind")
        }
    }

    private func compareStructure(
        _ part: DatasetPass.Part, _ other: DatasetPass.Part, _ findings: inout DatasetFindings
    ) {
        var (old, new) = (part.objects, other.objects)
        if other.shape != part.shape {
            findings.structure.append("the columns of \(part.name) are others")
            // Which the table's own words say as well.
            old.removeAll { $0.kind == DatasetObject.table }
            new.removeAll { $0.kind == DatasetObject.table }
        }
        findings.structure += DatasetObject.differences(old, new, of: part.name)
    }

    private func isOwnTable(_ name: String) -> Bool {
        ownTables.contains(name) || name.hasSuffix("." + after.names.table)
    }

    private func compare(_ old: Int, _ new: Int, _ findings: inout DatasetFindings) {
        let (left, right) = (before.parts[old], after.parts[new])
        if left.isDisordered || right.isDisordered { return compareWhole(left, right, &findings) }
        var proven = ProvenDifferences(besides: right.unknown)
        for bucket in left.digest.differing(from: right.digest) {
            let rowsBefore = RowIndex.Reader(before.index, before.range(of: bucket, in: old))
            let rowsAfter = RowIndex.Reader(after.index, after.range(of: bucket, in: new))
            var differs = false
            do {
                try RowMerge.run(rowsBefore.row, rowsAfter.row) { difference in
                    guard proven.includes(difference) else { return }
                    differs = true
                    note(difference, left.name, &findings)
                }
            } catch {
                findings.problems.append("the rows of a range that differs cannot be told: \(error)")
                differs = differs || right.unknown.isEmpty
            }
            if differs { note(bucket, of: left, right, &findings) }
        }
        if proven.dismissed > 0, findings.problems.isEmpty {
            findings.problems.append(
                "\(proven.dismissed) \(findings.noun) lie in what could not be looked at: see the notes")
        }
    }

    /// Whatever their order is, the sum of all rows is the same as long as they are.
    private func compareWhole(
        _ left: DatasetPass.Part, _ right: DatasetPass.Part, _ findings: inout DatasetFindings
    ) {
        guard right.unknown.isEmpty, left.digest.sum != right.digest.sum else { return }
        findings.structure.append(
            "the rows of \(left.name) are others, and which ones cannot be told: "
                + "\(left.digest.rows) before and \(right.digest.rows) after")
    }

    private func note(
        _ bucket: Int, of left: DatasetPass.Part, _ right: DatasetPass.Part,
        _ findings: inout DatasetFindings
    ) {
        findings.differingRanges += 1
        guard findings.ranges.count < DatasetFindings.mostRanges else { return }
        let buckets = left.digest.buckets
        findings.ranges.append(
            DatasetRange(
                part: left.name, after: bucket == 0 ? "" : DatasetKey.words(buckets[bucket - 1].last),
                upTo: bucket == buckets.count - 1 ? "" : DatasetKey.words(buckets[bucket].last),
                rowsBefore: buckets[bucket].rows, rowsAfter: right.digest.buckets[bucket].rows))
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
