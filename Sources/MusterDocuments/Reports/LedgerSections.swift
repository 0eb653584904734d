import MusterCore
import MusterDrills

extension Story {
    func ledgerSection(anomalyLimit: Int) -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Data integrity")]
        guard let ledgers = judgement?.ledgers, !ledgers.isEmpty else {
            let why =
                judgement == nil ? "The run ended before its writes were read back." : "No workload ran."
            return blocks + [.paragraph(why + " Nothing is known about lost writes.")]
        }
        for ledger in ledgers {
            blocks.append(.heading(3, "Ledger of \(ledger.workload)"))
            blocks.append(.paragraph([.strong(sentence(lossText(ledger)))]))
            blocks.append(.picture(svg: LedgerChart(ledger).svg, text: nil))
            blocks.append(
                .table(ReportTable(["Entries", "Count", "Meaning"], numeric: [1], rows: rows(ledger))))
            if let tail = ledger.tailRPA, ledger.lost > 0 {
                blocks.append(
                    .paragraph(
                        "By the newest survivor the loss reaches back \(intervalText(tail)); between the "
                            + "first and the last lost acknowledgement lie \(ledger.lossSpan.forPeople), "
                            + "\(ByteCount(ledger.lostBytes).forPeople) in all."))
            }
            if let sample = ledger.sample {
                blocks.append(
                    .alarm([.strong("Not everything was read."), .text(" " + sample.sentence + ".")]))
            }
            if !ledger.replicas.isEmpty { blocks.append(.table(replicaTable(ledger))) }
            if ledger.blindWindow > .zero {
                blocks.append(
                    .alarm([
                        .text("For \(ledger.blindWindow.forPeople) acknowledgements could not be recorded.")
                    ]))
            }
            blocks += anomalies(ledger, limit: anomalyLimit)
        }
        return blocks
    }

    private func rows(_ ledger: LedgerFindings) -> [[String]] {
        var rows = [
            ["sent", "\(ledger.sent)", "writes that were sent"],
            ["acknowledged", "\(ledger.acknowledged)", "the service said that they are stored"],
            ["refused", "\(ledger.refused)", "certainly not applied, and said so"],
            ["in doubt", "\(ledger.inDoubt)", "no answer: they may be there or not"],
        ]
        for entryClass in EntryClass.allCases {
            let count = ledger.count(entryClass)
            if count > 0 || isLookedFor(entryClass, ledger) {
                rows.append([entryClass.rawValue, "\(count)", meaning(entryClass)])
            }
        }
        return rows
    }

    /// Whether that there is none of it says anything.
    private func isLookedFor(_ entryClass: EntryClass, _ ledger: LedgerFindings) -> Bool {
        switch entryClass {
        case .resurrected, .reordered: false
        case .divergent: !ledger.replicas.isEmpty
        default: entryClass == .survived || entryClass.isAnomaly
        }
    }

    private func meaning(_ entryClass: EntryClass) -> String {
        switch entryClass {
        case .survived: "acknowledged, and there"
        case .lostHole: "acknowledged and gone, though later ones are there"
        case .lostTail: "acknowledged and gone, with all that came after"
        case .lostAfterFault: "acknowledged after the fault, and gone"
        case .corrupt: "there, but not what was written"
        case .unread: "could not be read: it may be there or not"
        case .recovered: "in doubt, and there"
        case .notApplied: "in doubt, and not there"
        case .failed: "refused, and not there, as it should be"
        case .abortedVisible: "refused, and there all the same"
        case .duplicate: "there more than once"
        case .phantom: "there, though nobody wrote it"
        case .stale: "missing at first, there later; or a register at an older version"
        case .resurrected: "deleted, and there all the same"
        case .reordered: "there, but after later ones"
        case .divergent: "not alike on the store and on a replica"
        case .deleted: "deleted, and not there, as it should be"
        case .superseded: "written over by a later version, as it should be"
        case .unsampled: "left out of the sample: it may be there or not"
        }
    }

    /// What a replica lacks, a failover to it would lose.
    private func replicaTable(_ ledger: LedgerFindings) -> ReportTable {
        let rows = ledger.replicas.map { replica in
            [
                replica.name, "\(replica.missing)", "\(replica.different)", "\(replica.extra)",
                "\(replica.unread)", replica.inconclusive ?? "read",
            ]
        }
        let columns = ["Replica", "Missing", "Different", "Only there", "Unread", "Reading"]
        return ReportTable(columns, numeric: [1, 2, 3, 4], rows: rows)
    }

    private func anomalies(_ ledger: LedgerFindings, limit: Int) -> [ReportBlock] {
        guard !ledger.anomalies.isEmpty else { return [] }
        let rows = ledger.anomalies.prefix(limit).map { anomaly in
            [
                "\(anomaly.key.stream).\(anomaly.key.sequence)", anomaly.entryClass.rawValue,
                anomaly.sent.map(sinceZero) ?? "-", anomaly.acknowledged.map(sinceZero) ?? "-",
            ]
        }
        let columns = ["Entry", "Class", "Sent", "Acknowledged"]
        var blocks: [ReportBlock] = [.table(ReportTable(columns, numeric: [2, 3], rows: Array(rows)))]
        let left = ledger.anomalies.count - rows.count
        if left > 0 { blocks.append(.paragraph("And \(left) more, which the store keeps.")) }
        if ledger.unlisted > 0 {
            blocks.append(.paragraph("\(ledger.unlisted) more were counted and not listed one by one."))
        }
        return blocks
    }

    func undoSection() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Undo")]
        let residue = outcome.closing?.residue ?? []
        let unclosed = outcome.injections.filter { $0.state != .closed && $0.state != .forgotten }
        if !residue.isEmpty {
            blocks.append(
                .alarm([
                    .strong("Not everything was put back."), .text(" Run "), .code("muster undo"), .text(":"),
                ]))
            blocks.append(.list(residue.map { [.text($0)] }))
        } else if !unclosed.isEmpty, outcome.closing != nil {
            blocks.append(
                .alarm([
                    .strong("It is not known that everything was put back:"),
                    .text(" " + unclosed.map(\.name).joined(separator: ", ") + ". Run "),
                    .code("muster undo"),
                    .text("."),
                ]))
        } else if outcome.closing != nil {
            let forgotten = outcome.injections.filter { $0.state == .forgotten }.map(\.name)
            let given =
                forgotten.isEmpty ? "" : " Given up by a person: \(forgotten.joined(separator: ", "))."
            blocks.append(
                .paragraph("Nothing is left: every fact was read again after undo and holds." + given))
        } else {
            blocks.append(
                .alarm([
                    .text("The record ends before undo was confirmed. Run "), .code("muster undo"),
                    .text(" to make sure."),
                ]))
        }
        for injection in outcome.injections {
            let state: ReportInline = .badge(injection.state.rawValue, tone(injection.state))
            let via = injection.via.isEmpty ? "" : " via \(injection.via)"
            blocks.append(.heading(3, "\(injection.name): \(injection.fault)"))
            blocks.append(
                .paragraph([
                    state, .text(" on \(injection.host)\(via), id "), .code(injection.id.rawValue),
                    .text(", into "), .code(injection.target.canonicalJSON), .text(" with "),
                    .code(injection.parameters.canonicalJSON),
                ]))
            if !injection.undo.isEmpty { blocks.append(.list(injection.undo.map { [.text($0)] })) }
        }
        if outcome.injections.isEmpty { blocks.append(.paragraph("Nothing was injected.")) }
        return blocks
    }

    private func tone(_ state: InjectionRecord.State) -> Tone {
        switch state {
        case .closed: .good
        case .requested, .open, .unreachable: .bad
        case .forgotten: .doubtful
        }
    }
}
