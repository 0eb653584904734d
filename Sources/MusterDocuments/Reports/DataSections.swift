import MusterCore
import MusterDrills

/// What a report says of datasets, and of a backup that was restored.
extension Story {
    func datasetSection() -> [ReportBlock] {
        guard let datasets = judgement?.datasets, !datasets.isEmpty else { return [] }
        let rows: [[[ReportInline]]] = datasets.map { one in
            [
                [.strong(one.name)], [.text(one.kind)], [badge(one.result)],
                [.text(one.before.map { "\($0.items)" } ?? "-")],
                [.text(one.after.map { "\($0.items)" } ?? "-")], [.text("\(one.missing)")],
                [.text("\(one.changed)")], [.text("\(one.extra)")], [.text("\(one.explained)")],
                [.text(one.before.map { ByteCount($0.bytes).forPeople } ?? "-")],
            ]
        }
        let columns = [
            "Dataset", "Kind", "Result", "Before", "After", "Missing", "Changed", "Extra", "The run's own",
            "Size",
        ]
        var blocks: [ReportBlock] = [
            .heading(2, "Datasets"), .table(ReportTable(columns, numeric: Set(3...9), rows: rows)),
            .paragraph(
                "Each was read before the fault and after the recovery, row by row or file by file. What the run "
                    + "itself wrote is accounted for by its ledger and counts as no difference."),
        ]
        for one in datasets { blocks += details(one) }
        return blocks
    }

    private func badge(_ result: DatasetFindings.Result) -> ReportInline {
        switch result {
        case .equal: .badge("equal", .good)
        case .differs: .badge("differs", .bad)
        case .inconclusive: .badge("inconclusive", .doubtful)
        }
    }

    private func details(_ one: DatasetFindings) -> [ReportBlock] {
        var blocks: [ReportBlock] = []
        for text in one.structure { blocks.append(.alarm([.text(sentence("\(one.name): \(text)"))])) }
        if !one.ranges.isEmpty {
            let rows = one.ranges.map { range in
                [
                    range.part.isEmpty ? "-" : range.part,
                    range.after.isEmpty ? "the beginning" : range.after,
                    range.upTo.isEmpty ? "the end" : range.upTo, "\(range.rowsBefore)", "\(range.rowsAfter)",
                ]
            }
            blocks.append(.heading(3, "Where \(one.name) differs"))
            blocks.append(
                .table(
                    ReportTable(
                        ["Table", "Behind", "Up to", "Before", "After"], numeric: [3, 4], rows: rows)))
            let left = one.differingRanges - one.ranges.count
            if left > 0 { blocks.append(.paragraph("And \(left) more ranges.")) }
        }
        if !one.differences.isEmpty {
            let rows = one.differences.map {
                [
                    $0.kind.rawValue, $0.part.isEmpty ? "-" : $0.part, $0.key,
                    $0.detail.isEmpty ? "-" : $0.detail,
                ]
            }
            blocks.append(.table(ReportTable(["What", "Table", "Key or path", "Of it"], rows: rows)))
            if one.unlisted > 0 {
                blocks.append(.paragraph("\(one.unlisted) more were counted and not listed one by one."))
            }
        }
        for text in one.problems {
            blocks.append(.notice([.strong(one.name + ":"), .text(" " + sentence(text))]))
        }
        if !one.notes.isEmpty { blocks.append(.list(one.notes.map { [.text("\(one.name): \($0)")] })) }
        return blocks
    }

    /// Into what the time of a restore went, and what was restored.
    func restoreSection() -> [ReportBlock] {
        guard let objective = judgement?.objectives.first(where: { $0.name == "restore" }) else { return [] }
        var blocks: [ReportBlock] = [
            .heading(2, "Restore"), .paragraph([.strong(sentence(objective.reason))]),
        ]
        let measured = judgement?.measurements.filter { $0.name.hasPrefix("restore-") } ?? []
        if let total = measured.first(where: { $0.name == "restore-total" })?.interval.lower, total > .zero {
            let rows = measured.map { one -> [String] in
                let time = one.interval.lower
                return [
                    String(one.name.dropFirst("restore-".count)), time.forPeople,
                    "\(Int((time.inSeconds / total.inSeconds * 100).rounded())) %",
                ]
            }
            blocks.append(.table(ReportTable(["Stage", "Took", "Share"], numeric: [1, 2], rows: rows)))
        }
        if let read = judgement?.measurements.first(where: { $0.name == "source-read" })?.interval.lower {
            blocks.append(
                .paragraph(
                    "Before it began, Muster itself read what it was to be restored from, for \(read.forPeople): none of "
                        + "the time above, but of the outage, and of a recovery time that counts from the fault or "
                        + "from an earlier runbook."))
        }
        let said = outcome.events.filter { $0.kind == .runbookStep }.compactMap { event in
            event.detail["into"]?.asText.flatMap { name in
                event.detail["value"]?.asText.map { (name, $0) }
            }
        }
        let known = [
            RestoreVariable.backup: "Backup", RestoreVariable.taken: "Taken",
            RestoreVariable.target: "Recovered up to",
        ]
        let facts = said.compactMap { name, value in known[name].map { [$0, value] } }
        if !facts.isEmpty { blocks.append(.table(ReportTable(["", ""], rows: facts))) }
        if let over = outcome.events.first(where: { $0.kind == .restoreOver }),
            let source = over.detail["source"]?.asMap
        {
            let rows = source.sorted { $0.key < $1.key }.map { [$0.key, $0.value.asText ?? ""] }
            blocks.append(.table(ReportTable(["Restored from", "Digest, before and after"], rows: rows)))
            if let changed = over.detail["sourceChanged"]?.asText, !changed.isEmpty {
                blocks.append(.alarm([.strong("It was touched:"), .text(" " + sentence(changed))]))
            }
        }
        return blocks
    }
}
