import MusterCore
import MusterDrills

extension GameDayStory {
    /// What was suppressed, refused, skipped or let through, and why.
    func withheldSection() -> [ReportBlock] {
        var rows: [[[ReportInline]]] = []
        func add(_ what: String, _ kind: String, _ why: String, _ entry: GameDayEntry?) {
            rows.append([
                [.text(what)], [.text(kind)], [.text(why)], [.text(entry.map { who($0) } ?? "-")],
                entry.map { [utc($0.utc)] } ?? [.text("-")],
            ])
        }
        for entry in record.entries where entry.kind == .preflight {
            guard let item: PreflightItem = entry.detail() else { continue }
            if let over = item.override {
                add(
                    "preflight: \(item.name)", "overridden by \(over.name)", "\(over.reason) (\(item.text))",
                    entry)
            } else if item.status == .block {
                add("preflight: \(item.name)", "refused", item.text, entry)
            }
        }
        for drill in drills {
            for (entry, event) in drill.events where [.skipped, .notBegun, .unsettled].contains(event.phase) {
                let kind = event.phase == .unsettled ? "gate not passed" : event.phase.rawValue
                add("drill '\(drill.name)'", kind, entry.text, entry)
            }
            if let abort = drill.abort {
                rows.append([
                    [.text("drill '\(drill.name)'")], [.text("aborted")], [.text(abort.text)],
                    [.text(abort.actor)], [utc(abort.utcNanoseconds)],
                ])
            }
            if drill.events.isEmpty {
                add("drill '\(drill.name)'", "never begun", "the day did not come so far", nil)
            }
        }
        let voided = record.entries.enumerated().filter { index, entry in
            entry.state == .planned && record.entries[..<index].contains { $0.state == .approved }
        }
        for (_, entry) in voided { add("approval", "voided", entry.text, entry) }
        for entry in record.entries {
            switch entry.kind {
            case .abort: add("the day", "ended early", entry.text, entry)
            case .convert: add("the day", "made a real incident", entry.text, entry)
            case .gap: add("the day", "not carried out for a while", entry.text, entry)
            case .decision where entry.text.hasPrefix("no go"): add("go", "refused", entry.text, entry)
            default: break
            }
        }
        let heading = ReportBlock.heading(2, "Suppressed, refused, skipped, overridden")
        guard !rows.isEmpty else { return [heading, .paragraph("Nothing was.")] }
        return [
            heading,
            .table(ReportTable(["What", "What became of it", "Why", "Who", "When (UTC)"], rows: rows)),
        ]
    }

    /// What people said right afterwards.
    func remarksSections() -> [ReportBlock] {
        let sections: [(HotwashRemark.Section, String, String)] = [
            (.well, "What went well", "what held, and what helped"),
            (.poorly, "What went poorly", "what failed, was slow, or was missing"),
            (.lucky, "Where we got lucky", "what could as well have gone wrong"),
            (.surprised, "What surprised us, and why", "what nobody had expected, and why not"),
            (.next, "What to do better in the next game day", "what the day itself could do better"),
        ]
        var blocks: [ReportBlock] = []
        for (section, heading, toDo) in sections {
            let said = remarks(section)
            blocks += [.heading(2, heading), .list(said.isEmpty ? [[.toDo(toDo)]] : said)]
        }
        let feedback = remarks(.feedback)
        if !feedback.isEmpty { blocks += [.heading(2, "What participants say of the day"), .list(feedback)] }
        let findings = record.timeline.filter { $0.kind == .finding }
        if !findings.isEmpty {
            blocks += [
                .heading(2, "Findings"),
                .list(
                    findings.map { entry in
                        let isCritical = entry.detail(as: GameDayFinding.self)?.isCritical == true
                        return (isCritical ? [.badge("critical", .bad), .text(" ")] : [])
                            + [.text("\(entry.text) (\(who(entry)))")]
                    }),
            ]
        }
        return blocks
    }

    private func remarks(_ section: HotwashRemark.Section) -> [[ReportInline]] {
        record.timeline.filter {
            $0.detail(as: HotwashRemark.self)?.section == section && $0.kind == .hotwash
        }
        .map { [.text("\($0.text) (\(who($0)))")] }
    }

    func actionsSection() -> [ReportBlock] {
        let own = material.actions.filter { $0.gameDay == header.id }
        let made = Set(own.compactMap(\.entry))
        let left = record.timeline.filter { $0.kind == .todo && !made.contains($0.sequence) }
        var blocks: [ReportBlock] = [.heading(2, "Action items")]
        blocks.append(
            own.isEmpty ? .list([[.toDo("what is to be done, by whom, until when")]]) : table(of: own))
        if !left.isEmpty {
            blocks.append(.paragraph("Todos of the day that became no action item yet:"))
            blocks.append(
                .list(
                    left.map {
                        [
                            .toDo("an owner and a day for entry \($0.sequence)"),
                            .text(": \($0.text) (\(who($0)))"),
                        ]
                    }))
        }
        return blocks
    }

    func previousSection() -> [ReportBlock] {
        let heading = ReportBlock.heading(2, "Action items of the previous game day")
        guard let previous = material.previous else {
            return [heading, .paragraph("There was none before: this is the first game day of its name.")]
        }
        let own = material.actions.filter { $0.gameDay == previous.header.id }
        let name = "#\(previous.number), \(utcText(nanoseconds: previous.header.createdUTC).prefix(10))"
        return [
            heading,
            own.isEmpty
                ? .paragraph("The previous one (\(name)) left none.") : .paragraph("Of game day \(name):"),
        ] + (own.isEmpty ? [] : [table(of: own)])
    }

    private func table(of actions: [ActionItem]) -> ReportBlock {
        let today = material.madeUTC / 86_400_000_000_000
        let rows = actions.map { action -> [[ReportInline]] in
            let isOverdue = action.isOverdue(today: today)
            let state: [ReportInline] =
                isOverdue
                ? [.text("\(action.status.rawValue), "), .badge("overdue", .bad)]
                : [.badge(action.status.rawValue, action.status == .done ? .good : .neutral)]
            return [
                [.text("\(action.number)")], [.text(action.title)], [.text(action.kind.rawValue)],
                [.text(action.owner)], [.text(action.priority.rawValue)],
                [.text(action.due.map(\.text) ?? "-")], state, [.text(action.ticket ?? "-")],
                [.text(action.verifyingDrill ?? "-")], [.text(evidence(action))],
            ]
        }
        return .table(
            ReportTable(
                [
                    "#", "What", "Kind", "Owner", "Priority", "Due", "State", "Ticket", "Proven by drill",
                    "Evidence",
                ],
                numeric: [0], rows: rows))
    }

    private func evidence(_ action: ActionItem) -> String {
        guard action.status.isClosed else { return "-" }
        let what = action.evidenceOutcome.map { "outcome #\($0)" } ?? action.evidenceNote ?? "-"
        return what + (action.closedBy.map { ", closed by \($0)" } ?? "")
    }

    func limitsSection() -> [ReportBlock] {
        var seen: Set<String> = []
        var items = drills.flatMap { $0.judgement?.scope ?? [] }.filter { seen.insert($0).inserted }.map {
            [ReportInline.text(sentence($0))]
        }
        let places = Set(material.outcomes.map(\.header.environment.rawValue)).sorted()
        if !places.isEmpty { items.append([.text("It was held in \(places.joined(separator: ", ")).")]) }
        let missing = drills.filter { $0.outcome == nil }.map { "'\($0.name)'" }
        if !missing.isEmpty {
            items.append([
                .text("Nothing is known of \(missing.joined(separator: ", ")): there is no outcome.")
            ])
        }
        if material.chainRoot == nil {
            items.append([
                .strong("The timeline is not as it was written:"),
                .text(" its chain of hashes does not hold."),
            ])
        }
        if !material.roster.absent.isEmpty {
            items.append([.text("It was tested without \(material.roster.absent.joined(separator: ", ")).")])
        }
        items.append([.text("A drill announced beforehand tests people who expect one.")])
        return [.heading(2, "What this day did not test"), .list(items)]
    }

    func appendices() -> [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Appendix A: what was approved")]
        if record.documents.isEmpty {
            blocks.append(.paragraph("No text was frozen: nobody approved it."))
        } else {
            let rows = record.documents.map { document -> [[ReportInline]] in
                [[.text(document.kind.rawValue)], [.code(document.path)], [.code(document.hash)]]
            }
            blocks.append(.table(ReportTable(["Kind", "Text", "SHA-256"], rows: rows)))
        }
        let runs = drills.map { drill -> [[ReportInline]] in
            let header = drill.outcome?.header
            return [
                [.text(drill.name)], [.text(drill.outcome.map { "#\($0.number)" } ?? "-")],
                [.code(drill.run ?? "-")], [.code(header?.drillHash ?? "-")],
                [.text(header.map { "\($0.toolVersion), judge \($0.judgeVersion)" } ?? "-")],
                [.text(header.map { "\($0.host), \($0.kernel)" } ?? "-")],
            ]
        }
        blocks.append(.heading(2, "Appendix B: runs and versions"))
        if !runs.isEmpty {
            blocks.append(
                .table(
                    ReportTable(
                        ["Drill", "Outcome", "Run", "SHA-256 of the drill", "muster", "Host"], rows: runs)))
        }
        var rows: [[[ReportInline]]] = [
            [[.text("muster")], [.text(header.toolVersion)]], [[.text("Host")], [.text(header.host)]],
            [[.text("Boot id")], [.code(header.bootID)]],
            [[.text("Entries of the timeline")], [.text("\(record.entries.count)")]],
        ]
        if let root = material.chainRoot {
            rows.append([[.text("Root of the chain of entries")], [.code(root)]])
        }
        blocks.append(.table(ReportTable(["", ""], rows: rows)))
        if material.chainRoot != nil {
            blocks.append(
                .paragraph(
                    "The chain shows edits of the store only to those who kept this root elsewhere, such as by keeping "
                        + "this report."))
        }
        return blocks
    }
}
