import MusterCore
import MusterDrills

extension GameDayStory {
    func headerSection(title: String) -> [ReportBlock] {
        let steps = record.entries.filter { $0.state != nil }
        let began = steps.first { $0.state == .running }
        let ended = steps.last { [.hotwash, .aborted, .converted].contains($0.state) }
        var rows: [[[ReportInline]]] = [
            [[.text("Game day")], [.text("#\(record.number), "), .code(header.id)]],
            [[.text("State")], [.badge(record.state.rawValue, tone), .text(stateReason)]],
            [[.text("Report")], [.text("draft; final once no TODO is left")]],
            [[.text("Planned in")], [.code(header.path)]],
            [[.text("Held")], began.map { both($0.utc) } ?? [.text("not yet")]],
        ]
        if let ended, began != nil { rows.append([[.text("Over")], both(ended.utc)]) }
        rows += [
            [[.text("Time zone")], [.text(record.zone)]], [[.text("Approved")], approval],
            [[.text("Absent, on purpose")], [.text(absent)]],
            [
                [.text("Blind")],
                [.text(record.isBlind ? "yes: responders were not told which drills there are" : "no")],
            ],
            [[.text("Recorded by")], [.text("\(header.actor) on \(header.host)")]],
            [[.text("Tool")], [.text("muster \(header.toolVersion)")]],
        ]
        return [.heading(1, title), .table(ReportTable(["", ""], rows: rows))]
    }

    private var tone: Tone {
        switch record.state {
        case .aborted: .bad
        case .converted: .bad
        case .reported, .closed, .hotwash: .good
        default: .doubtful
        }
    }

    /// Why it ended early, if it did.
    private var stateReason: String {
        let early = record.entries.last { $0.state == .aborted || $0.state == .converted }
        return early.map { "; \($0.state?.rawValue ?? ""): \($0.text)" } ?? ""
    }

    private var approval: [ReportInline] {
        guard let approval = record.approval else { return [.text("nobody")] }
        let entry = record.entries.last { $0.kind == .approval }
        return [.text("by \(approval.name)" + (approval.ticket.map { ", ticket \($0)" } ?? "") + ", ")]
            + (entry.map { both($0.utc) } ?? []) + [
                .text(", plan "), .code(String(approval.planHash.prefix(16))),
            ]
    }

    private var absent: String {
        material.roster.absent.isEmpty ? "nobody" : material.roster.absent.joined(separator: ", ")
    }

    func peopleSection() -> [ReportBlock] {
        let stays = record.attendance
        var names = material.roster.people
        for stay in stays where !names.contains(stay.name) { names.append(stay.name) }
        // Whoever said something was there, whether or not anybody kept it.
        let speakers = record.entries.filter { $0.source == .human }.map(\.actor)
        for name in speakers where !names.contains(name) && name != "muster" { names.append(name) }
        guard !names.isEmpty else {
            return [.heading(2, "Roles and attendance"), .paragraph("Nobody is on record.")]
        }
        let rows = names.map { name -> [[ReportInline]] in
            let roles = material.roster.roles(of: name).map(\.rawValue)
            let own = stays.filter { $0.name == name }
            let here: [ReportInline] = own.enumerated().flatMap { index, stay -> [ReportInline] in
                let end: [ReportInline] = stay.toUTC.map { [utc($0)] } ?? [.text("the end")]
                return (index > 0 ? [.text("; ")] : []) + [utc(stay.fromUTC), .text(" to ")] + end
            }
            let said = speakers.contains(name)
            return [
                [.text(name)], [.text(roles.isEmpty ? "-" : roles.joined(separator: ", "))],
                here.isEmpty ? [.text(said ? "not kept, but spoke" : "not kept")] : here,
            ]
        }
        return [
            .heading(2, "Roles and attendance"),
            .table(ReportTable(["Who", "Roles", "There (UTC)"], rows: rows)),
        ]
    }

    /// Two sentences: what came of the day, then what was expected and what was seen.
    func summarySection() -> [ReportBlock] {
        let passed = drills.filter { $0.word == "PASS" }.count
        let others = drills.filter { $0.word != "PASS" }
        var first = drills.isEmpty ? "No drill was planned" : "\(passed) of \(drills.count) drills passed"
        if !others.isEmpty {
            first += "; " + others.map { "'\($0.name)' \($0.word.lowercased())" }.joined(separator: ", ")
        }
        first += ending
        let objectives = drills.flatMap { $0.judgement?.objectives ?? [] }
        let met = objectives.filter { $0.result == .met }.count
        let noticed = drills.filter { drill in
            drill.judgement?.measurements.contains { $0.name == "time-to-detect" } == true
        }.count
        let listened = drills.filter(\.listened).count
        var second = "Expected: \(expectations). Observed: \(met) of \(objectives.count) objectives met"
        if listened > 0 {
            second += "; \(noticed) of \(listened) faults that alerts were expected for were noticed"
        }
        var blocks: [ReportBlock] = [
            .heading(2, "Summary"),
            .paragraph([.badge(worst.word, worst.tone), .text(" " + sentence(first))]),
            .paragraph(sentence(second)),
        ]
        for entry in record.entries where entry.kind == .finding {
            guard let finding: GameDayFinding = entry.detail(), finding.isCritical else { continue }
            blocks.append(.alarm([.strong("Critical:"), .text(" \(sentence(entry.text)) (\(who(entry)))")]))
        }
        let residue = drills.filter { $0.outcome?.closing?.residue.isEmpty == false }.map { "'\($0.name)'" }
        if !residue.isEmpty {
            blocks.append(
                .alarm([
                    .strong("Not everything was put back:"),
                    .text(" see the reports of \(residue.joined(separator: ", ")) for what to type."),
                ]))
        }
        return blocks
    }

    private var expectations: String {
        let titles = drills.compactMap { $0.frozen("title") }
        return titles.isEmpty ? "nothing was written down" : titles.map(\.trimmedStop).joined(separator: "; ")
    }

    private var ending: String {
        if record.isConverted { return "; it became a real incident" }
        if record.entries.contains(where: { $0.state == .aborted }) { return "; the day ended early" }
        return ""
    }

    /// What the worst drill came to.
    private var worst: (word: String, tone: Tone) {
        for word in ["ERROR", "FAIL", "NO VERDICT", "INCONCLUSIVE", "NOT BEGUN", "SKIPPED"] {
            if let drill = drills.first(where: { $0.word == word }) { return (word, drill.tone) }
        }
        return drills.isEmpty ? ("NOTHING HELD", .doubtful) : ("PASS", .good)
    }
}

extension GameDayStory.DrillOfDay {
    /// Whether alerts were listened to.
    var listened: Bool { outcome?.events.contains { $0.kind == .alertWatch } == true }
}
