import MusterCore

extension LongForm {
    /// Abort criteria, with what is left of each.
    var guards: BoardFrame.Section {
        guard let plan = board.plan, board.closing == nil else {
            return BoardFrame.Section(lines: dayEnds, rank: 5)
        }
        let left = plan.abortAfter - (end - board.run.startedAt)
        var parts = ["whole run \(left.whole) left of \(plan.abortAfter.forPeople)"]
        parts += plan.guards.map { guarded in
            let room = board.headroom(of: guarded, at: end)
            let name = PlainText.clean(guarded.probe)
            return room.failing > .zero
                ? "\(name) FAILING \(room.failing.tenths), \(room.left.tenths) left of \(guarded.failing.forPeople)"
                : "\(name) down for \(guarded.failing.forPeople) (now 0)"
        }
        let lines = PlainText.wrapped(parts.joined(separator: " · "), width - 9, most: 3)
        return BoardFrame.Section(
            lines: lines.enumerated().map { label("ABORT IF", $0.element, at: $0.offset) } + dayEnds, rank: 5)
    }

    /// The same for the game day as a whole. What is nearly reached stands in a line of its own.
    private var dayEnds: [BoardLine] {
        let lines = DayCriteriaLines.lines(scene.day, width - 9)
        return lines.enumerated().map { index, line in
            BoardLine(PlainText.fit(index == 0 ? "DAY ENDS" : "", 9) + line.text, line.style)
        }
    }

    private var end: Instant { BoardWords(scene: scene, board: board).end }

    private func label(_ label: String, _ text: String, at index: Int = 0) -> BoardLine {
        BoardLine(PlainText.fit(index == 0 ? label : "", 9) + text)
    }

    // MARK: Steps

    var steps: BoardFrame.Section {
        guard let plan = board.plan, board.closing == nil else {
            return BoardFrame.Section(lines: [], rank: 5)
        }
        if scene.isBlind {
            return BoardFrame.Section(
                lines: [label("STEP", "kept from responders of this game day")], rank: 5)
        }
        let phase = board.pulse.flatMap { DrillRunner.Phase(rawValue: $0.phase) }
        let places = board.progress.places(
            in: plan.steps, isStepping: phase.map { $0 == .steps || $0 == .after })
        var lines: [BoardLine] = []
        if let place = places.current {
            let step = plan.steps[place.index]
            lines.append(
                label("STEP", "\(place.index + 1)/\(plan.steps.count) \(now(step, since: place.begun))"))
            if step.kind == .runbook { lines += runbook(step) }
        } else {
            lines.append(label("STEP", board.strike == nil ? "none yet" : "none; \(board.phase)"))
        }
        if let next = places.next {
            lines.append(label("NEXT", "\(next + 1)/\(plan.steps.count) \(words(plan.steps[next]))"))
        }
        return BoardFrame.Section(lines: lines, least: min(lines.count, 3), rank: 5)
    }

    private func words(_ step: RunPlan.Step) -> String {
        switch step.kind {
        case .inject:
            "inject '\(PlainText.clean(step.name))': \(PlainText.clean(step.detail))"
                + (step.length.map { ", for \($0.forPeople)" } ?? "")
        case .wait: "wait \(step.length?.forPeople ?? "")"
        case .alert:
            "wait for the alert '\(PlainText.clean(step.name))'"
                + (step.length.map { ", at most \($0.forPeople)" } ?? "")
        case .lift: "lift '\(PlainText.clean(step.name))'"
        case .runbook: "runbook \(PlainText.clean(step.name))" + last(step.name)
        }
    }

    private func now(_ step: RunPlan.Step, since begun: Instant?) -> String {
        let spent = begun.map { ", for \((end - $0).tenths) now" } ?? ""
        return words(step) + spent
    }

    /// How long it took the last time.
    private func last(_ name: String) -> String {
        guard let earlier = board.earlier, let took = earlier.took[name] else { return "" }
        return " (\(took.forPeople) in run #\(earlier.number))"
    }

    /// The step of a runbook that is under way, and the one after it, against budget and the last run.
    private func runbook(_ step: RunPlan.Step) -> [BoardLine] {
        let known = board.pulse?.step.flatMap { $0.runbook == step.name ? $0 : nil }
        let place =
            known.flatMap { known in step.steps.firstIndex { $0.name == known.name } }
            ?? board.progress.runbookStep(of: step)
        guard let place else { return [] }
        let item = step.steps[place]
        let spent = known.map { max(.zero, end - $0.begun) }
        let over = spent.map { $0 > item.budget } == true ? " OVER" : ""
        var lines = [
            label(
                "",
                "\(place + 1)/\(step.steps.count) '\(PlainText.clean(item.name))' (\(item.kind)) "
                    + (spent.map { "\($0.tenths) of" } ?? "at most")
                    + " \(item.budget.forPeople)\(over)\(last(item.name))")
        ]
        if place + 1 < step.steps.count {
            let next = step.steps[place + 1]
            let role = next.role.map { ", role \(PlainText.clean($0))" } ?? ""
            lines.append(
                label(
                    "",
                    "then '\(PlainText.clean(next.name))' (\(next.kind)\(role)), at most "
                        + "\(next.budget.forPeople)\(last(next.name))"))
        }
        return lines
    }

    // MARK: Faults, locks, questions

    var faults: BoardFrame.Section {
        guard board.closing == nil else {
            let residue = board.closing?.residue ?? []
            return BoardFrame.Section(
                lines: residue.map { BoardLine(PlainText.clean("STILL BROKEN " + $0), .alarm) }, least: 2,
                rank: 2)
        }
        let open = board.openFaults
        guard !open.isEmpty else { return BoardFrame.Section(lines: [label("FAULTS", "none open")], rank: 5) }
        if scene.isBlind {
            return BoardFrame.Section(
                lines: [label("FAULTS", "open; put back by: muster abort")], rank: 3)
        }
        var lines = open.map { fault in
            let age = fault.struck.map { "open for \((end - $0.upper).tenths)" } ?? "being injected"
            let proof = fault.struck != nil && !fault.isProven ? ", effect not seen yet" : ""
            let trouble = fault.trouble.map { "; \(PlainText.clean($0))" } ?? ""
            return BoardLine(
                PlainText.fit("FAULTS", 9)
                    + "'\(PlainText.clean(fault.name))' \(PlainText.clean(fault.words)), \(age)\(proof)\(trouble)",
                .alarm)
        }
        let command = scene.life == .gone ? "muster undo" : "muster abort (no runner left: muster undo)"
        lines.append(label("", "put back by: \(command)"))
        return BoardFrame.Section(lines: lines, least: min(lines.count, 2), rank: 3)
    }

    var lock: BoardFrame.Section {
        guard board.closing == nil, scene.life != .gone else { return BoardFrame.Section(lines: [], rank: 8) }
        let engine = board.run.engine.map { ", process \($0)" } ?? ""
        return BoardFrame.Section(
            lines: [
                label(
                    "LOCK",
                    "host \(PlainText.clean(board.run.host)) is held by run \(board.run.id)\(engine)")
            ],
            rank: 8)
    }

    var questions: [BoardLine] { QuestionLines.lines(scene, end, width) }
}
