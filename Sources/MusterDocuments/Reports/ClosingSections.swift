import MusterCore
import MusterDrills

extension Story {
    func humanSections() -> [ReportBlock] {
        let empty: [[ReportInline]] = [
            [.toDo("what")], [.toDo("who")], [.toDo("until when")], [.toDo("issue")],
        ]
        return [
            .heading(2, "What went well"),
            .list([[.toDo("what held, and what helped")]]),
            .heading(2, "What went poorly"),
            .list([[.toDo("what failed, was slow, or was missing")]]),
            .heading(2, "Where we got lucky"),
            .list([[.toDo("what could as well have gone wrong")]]),
            .heading(2, "Action items"),
            .table(ReportTable(["Action", "Owner", "Due", "Tracked in"], rows: [empty])),
        ]
    }

    func limitsSection() -> [ReportBlock] {
        var items = (judgement?.scope ?? []).map { [ReportInline.text(sentence($0))] }
        items.append([.text("Durability tested: \(durability).")])
        let place = header.environment.rawValue
        items.append([
            .text(
                outcome.repeats.map {
                    "This ran in \(place), as one of \($0.group.members.count) repeats: what they bound together "
                        + "stands under Repeats."
                } ?? "This ran in \(place), once: one run bounds nothing about the next.")
        ])
        if judgement == nil {
            items.append([.text("The run was cut short: nothing after its last event is known.")])
        }
        return [.heading(2, "What this run did not test"), .list(items)]
    }

    func appendices() -> [ReportBlock] {
        var blocks: [ReportBlock] = [
            .heading(2, "Appendix A: the drill as it was run"),
            .paragraph([.code(header.drillPath), .text(", SHA-256 "), .code(header.drillHash)]),
        ]
        if !header.variables.isEmpty {
            let rows = header.variables.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
            blocks.append(.table(ReportTable(["Variable", "Value"], rows: rows)))
        }
        blocks += [.code(header.drillText), .heading(2, "Appendix B: runbooks as they were run")]
        if outcome.runbooks.isEmpty { blocks.append(.paragraph("None.")) }
        for runbook in outcome.runbooks {
            blocks.append(
                .paragraph([
                    .code(runbook.path), .text(", SHA-256 of the file "), .code(runbook.fileHash),
                    .text(", of what is executed "), .code(runbook.execHash),
                ]))
            blocks.append(.code(runbook.text))
        }
        return blocks + versions() + instrument()
    }

    private func versions() -> [ReportBlock] {
        var rows: [[[ReportInline]]] = [
            [[.text("muster")], [.text(header.toolVersion)]],
            [[.text("SHA-256 of its binary")], [.code(header.binaryHash)]],
            [[.text("Protocol, judge")], [.text("\(header.protocolVersion), \(header.judgeVersion)")]],
            [[.text("Host, kernel")], [.text("\(header.host), \(header.kernel)")]],
            [[.text("Boot id")], [.code(header.bootID)]],
        ]
        if !header.configurationHash.isEmpty {
            rows.append([[.text("SHA-256 of the configuration")], [.code(header.configurationHash)]])
        }
        if !header.repeatGroup.isEmpty { rows.append([[.text("Repeats")], [.code(header.repeatGroup)]]) }
        if let exit = outcome.closing?.exitCode { rows.append([[.text("Exit code")], [.text("\(exit)")]]) }
        if let chainRoot { rows.append([[.text("Root of the chain of events")], [.code(chainRoot)]]) }
        var blocks: [ReportBlock] = [
            .heading(2, "Appendix C: versions and hashes"), .table(ReportTable(["", ""], rows: rows)),
        ]
        if chainRoot != nil {
            blocks.append(
                .paragraph(
                    "The chain shows edits of the store only to those who kept this root elsewhere, such as "
                        + "by keeping this report."))
        }
        return blocks
    }

    private func instrument() -> [ReportBlock] {
        let rows = tracks.map { track -> [String] in
            let lateness = track.lateness
            func late(_ hundredths: Int) -> String {
                quantile(lateness, hundredths).map { Duration.nanoseconds($0).forPeople } ?? "-"
            }
            return [
                track.name, "\(track.signals.count)", track.signals[0].every.unitsText, late(50), late(99),
                late(100), track.largestGap?.forPeople ?? "-",
            ]
        }
        let columns = ["Signal", "Writers", "Every", "Late p50", "Late p99", "Late max", "Largest gap"]
        return [
            .heading(2, "Appendix D: the instrument"),
            rows.isEmpty
                ? .paragraph("No samples were recorded.")
                : .table(ReportTable(columns, numeric: Set(1...6), rows: rows)),
            .paragraph(
                "How late samples were sent after they were due. An outage shorter than the largest gap may "
                    + "have gone unseen. Bounds use when samples were really sent and answered, so lateness "
                    + "makes them wider, not wrong."),
            .paragraph(sentence(outcome.calibrationText)),
        ] + pressure
    }

    /// How busy the host was, as the run recorded it.
    private var pressure: [ReportBlock] {
        outcome.events.filter { $0.detail["pressure"] != nil }.map { event in
            .paragraph(event.text.prefix(1).uppercased() + event.text.dropFirst() + ".")
        }
    }
}
