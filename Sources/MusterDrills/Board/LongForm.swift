import MusterCore

/// The board from 50 columns and 14 rows on.
struct LongForm {
    let scene: BoardScene
    let board: RunBoard
    let width: Int
    let height: Int

    private var words: BoardWords { BoardWords(scene: scene, board: board) }
    private var now: Instant { words.end }

    var lines: [BoardLine] {
        let footer = Footer.lines(scene, width: width, most: max(2, height / 3))
        let sections = [
            BoardFrame.Section(lines: head, least: leastOfHead, rank: 0), recovery, data, availability,
            latency, guards,
            steps, faults, lock,
            BoardFrame.Section(
                lines: PeopleLines.roster(day: scene.day, width).map { labelled("PEOPLE", $0) }, rank: 8),
            BoardFrame.Section(
                lines: PeopleLines.notes(scene, width).map { labelled("NOTES", $0) }, rank: 7, keepsLast: true
            ),
            BoardFrame.Section(lines: questions, least: min(4, questions.count), rank: 2),
            BoardFrame.Section(
                lines: PeopleLines.events(scene, board, width).map { BoardLine($0, .dim) }, rank: 9,
                keepsLast: true),
        ]
        return BoardFrame.arrange(sections, rows: height - footer.count) + footer
    }

    private func labelled(_ label: String, _ text: String, _ style: BoardLine.Style = .plain) -> BoardLine {
        BoardLine(PlainText.fit(label, max(9, PlainText.columns(label) + 1)) + text, style)
    }

    private func labelled(_ label: String, _ found: (text: String, style: BoardLine.Style)) -> BoardLine {
        labelled(label, found.text, found.style)
    }

    /// Up to how the day stands, where there is one: which drill of how many is never crowded out.
    private var leastOfHead: Int { scene.day == nil ? 2 : (head.firstIndex(of: dayLine) ?? 1) + 1 }

    private var dayLine: BoardLine {
        BoardLine(
            scene.day.map { PlainText.clean("\($0.title) · \($0.state) · \($0.position)") } ?? "")
    }

    private var head: [BoardLine] {
        let run = board.run
        let state = words.state
        let service = run.service.map { " · service \(PlainText.clean($0))" } ?? ""
        let name = "\(words.drill)  #\(run.number) · \(run.environment)\(service)"
        let clocks =
            "\(Self.time(scene.utc)) UTC · \(Self.time(scene.utc + Int64(scene.zoneOffset) * 1_000_000_000)) "
            + PlainText.clean(scene.zone)
        let since = "\(words.sinceFault) · \((now - run.startedAt).tenths) in all"
        var lines = [BoardLine(PlainText.spread(name, state.text, width), state.style)]
        if PlainText.columns(name) + PlainText.columns(state.text) >= width {
            lines = [
                BoardLine(state.text, state.style), BoardLine(name, .bold),
            ]
        }
        lines.append(BoardLine(PlainText.spread(since, clocks, width)))
        if scene.day != nil { lines.append(dayLine) }
        if let closing = board.closing { lines.append(BoardLine(PlainText.clean(closing.judgement.reason))) }
        if scene.life == .gone {
            lines.append(
                BoardLine(
                    "killed, or its machine went down; its guard puts everything back: see `muster undo`",
                    .alarm))
        }
        if let abort = board.abort, board.closing == nil {
            lines.append(BoardLine(PlainText.clean("abort: \(abort.text)"), .alarm))
        }
        return lines
    }

    /// `16:59:50` of nanoseconds since 1970.
    static func time(_ nanoseconds: Int64) -> String {
        String(civilText(nanoseconds: nanoseconds).dropFirst(11).prefix(8))
    }

    // MARK: Recovery and data

    private var recovery: BoardFrame.Section {
        let objectives = board.closing?.judgement.objectives ?? []
        if !objectives.isEmpty {
            let lines = objectives.map { objective in
                labelled(
                    objective.name.uppercased(),
                    PlainText.clean(
                        "\(objective.result.rawValue.uppercased()): \(objective.measured) "
                            + "(objective \(objective.objective))"),
                    objective.result == .met ? .good : .alarm)
            }
            return BoardFrame.Section(lines: lines, least: min(3, lines.count), rank: 1)
        }
        let standing = board.recovery(at: now)
        let left = words.left(standing)
        let bar = left.share.map { " " + BoardWords.bar($0, 20) } ?? ""
        let declared = board.plan?.isRTOFromDeclared == true ? " (judged from the runbook's start)" : ""
        var lines = [labelled("RTO", left.text + bar + declared)]
        lines.append(labelled("", words.recovery(standing)))
        if board.plan == nil { lines = [labelled("RTO", words.recovery(standing))] }
        return BoardFrame.Section(lines: lines, least: 2, rank: 1)
    }

    private var data: BoardFrame.Section {
        let objective = board.plan?.rpo.map { "\($0.forPeople) allowed: " } ?? ""
        let workloads = board.pulse?.workloads ?? []
        // At the end the judge's words stand in its place.
        guard board.closing == nil else { return BoardFrame.Section(lines: [], rank: 3) }
        let isWritten = board.plan?.hasWorkloads != false
        let nothing =
            isWritten ? objective + "nothing written yet" : "nothing is written, so nothing can be lost"
        let lines = workloads.enumerated().map { index, workload -> [BoardLine] in
            let last = workload.lastAcknowledged.map { " (last \((now - $0).tenths) ago)" } ?? ""
            let text =
                "\(PlainText.clean(workload.name)) \(workload.acknowledged) acknowledged\(last), "
                + "\(workload.inDoubt) in doubt"
            var back = "not read back yet"
            if let found = board.readBacks.last(where: { $0.workload == workload.name }) {
                let newest = found.newest.map { ", the newest sent \((now - $0).tenths) ago" } ?? ""
                back = "\(found.found) read back\(newest)"
            }
            return [
                labelled(index == 0 ? "RPO" : "", text), labelled("", index == 0 ? objective + back : back),
            ]
        }.flatMap { $0 }
        return BoardFrame.Section(
            lines: lines.isEmpty ? [labelled("RPO", nothing)] : lines,
            least: min(2, max(1, lines.count)), rank: 3)
    }

    // MARK: Signals

    private var nameWidth: Int { min(16, max(8, board.signalNames.map(PlainText.columns).max() ?? 0)) }

    private var availability: BoardFrame.Section {
        let room = max(10, width - 9 - nameWidth - 8)
        let names = board.signalNames.filter { board.strips[$0] != nil }
        guard !names.isEmpty else {
            return BoardFrame.Section(lines: [labelled("AVAIL", "no samples in the store yet")], rank: 4)
        }
        let start = names.compactMap { board.strips[$0]?.start }.min() ?? board.run.startedAt
        let finest = names.compactMap { board.strips[$0]?.resolution }.max() ?? .zero
        let span = max((board.lastSample ?? now) - start, .seconds(1))
        let length = max(finest, Duration.nanoseconds(span.nanoseconds / Int64(room) + 1))
        var lines = [
            labelled(
                "AVAIL", "= up  x down  ~ both  ? not known; a column is \(length.forPeople)")
        ]
        for name in names {
            let marks = board.strips[name]?.marks(from: start, length: length, count: room) ?? ""
            let state = isGood(name).map { $0 ? "up" : "DOWN" } ?? "?"
            lines.append(
                BoardLine(
                    "  " + PlainText.fit(PlainText.clean(name), nameWidth + 2) + PlainText.fit(state, 6)
                        + "|\(marks)|", isGood(name) == false ? .alarm : .plain))
        }
        if let window = faultWindow(from: start, length: length, count: room) {
            lines.insert(
                BoardLine("  " + PlainText.fit("fault", nameWidth + 2) + "      |\(window)|"), at: 2)
        }
        return BoardFrame.Section(lines: lines, least: min(lines.count, 4), rank: 4)
    }

    /// nil while nobody measures it.
    private func isGood(_ name: String) -> Bool? {
        board.pulse?.signals.first { $0.name == name && $0.ok + $0.failed > 0 }?.isGood
    }

    /// `F` where a fault struck, `-` while one stands open, `L` where the last was put back.
    private func faultWindow(from start: Instant, length: Duration, count: Int) -> String? {
        guard !scene.isBlind, board.strike != nil else { return nil }
        var marks = [Character](repeating: " ", count: count)
        func column(_ at: Instant) -> Int {
            max(0, min(count - 1, Int((at - start).nanoseconds / max(1, length.nanoseconds))))
        }
        for fault in board.faults {
            guard let struck = fault.struck else { continue }
            let (first, last) = (column(struck.upper), column(fault.closed ?? board.lastSample ?? now))
            for index in first...max(first, last) where marks[index] == " " { marks[index] = "-" }
            if fault.closed != nil { marks[max(first, last)] = "L" }
            marks[first] = "F"
        }
        return String(marks)
    }

    private var latency: BoardFrame.Section {
        let scale = max(8, min(40, width - 9 - nameWidth - 45))
        var lines = [
            BoardLine(
                PlainText.fit("LATENCY", nameWidth + 3) + " p50        p95        p99        max"
                    + "        log 0.1ms..10s", .dim)
        ]
        for name in board.signalNames {
            guard let window = board.latencies[name] else { continue }
            let label = "  " + PlainText.fit(PlainText.clean(name), nameWidth + 1)
            guard let found = window.quantiles(at: board.lastSample ?? now) else {
                lines.append(BoardLine(label + " no answer in the last \(LatencyWindow.seconds) s"))
                continue
            }
            let figures = [found.median, found.p95, found.p99, found.maximum].map {
                PlainText.fit($0.forPeople, 11)
            }
            lines.append(BoardLine(label + " " + figures.joined() + Self.logBar(found, scale)))
        }
        return BoardFrame.Section(lines: lines.count > 1 ? lines : [], least: 2, rank: 6)
    }

    /// On a logarithmic scale from 0.1 ms to 10 s: `#` up to the median, `=` to p95, `-` to p99, `.` to the longest.
    static func logBar(_ found: LatencyWindow.Quantiles, _ width: Int) -> String {
        func column(_ duration: Duration) -> Int {
            let doublings = Logarithm.base2(max(1e5, Double(duration.nanoseconds)) / 1e5)
            // log2(10 s / 0.1 ms)
            return max(1, min(width, Int((doublings / 16.6096 * Double(width)).rounded(.up))))
        }
        var bar = ""
        for (sign, end) in [
            ("#", found.median), ("=", found.p95), ("-", found.p99), (".", found.maximum),
        ] {
            bar += String(repeating: sign, count: max(0, column(end) - bar.count))
        }
        return "|" + bar + String(repeating: " ", count: max(0, width - bar.count)) + "|"
    }
}
