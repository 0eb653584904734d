import MusterCore

/// The board of a small terminal: one thing to a line, the most important first.
struct ShortForm {
    let scene: BoardScene
    let board: RunBoard
    let width: Int
    let height: Int

    var lines: [BoardLine] {
        let words = BoardWords(scene: scene, board: board)
        let footer = Footer.lines(scene, width: width, most: max(1, height / 3))
        let standing = board.recovery(at: words.end)
        let state = words.state
        var lines = PlainText.wrapped(state.text, width, most: 2).map { BoardLine($0, state.style) }
        lines += scene.questions.map { question in
            BoardLine("? \(PlainText.clean(question.step)) \((question.deadline - words.end).whole)", .bold)
        }
        if board.closing == nil {
            lines.append(BoardLine(words.faultAge))
            switch standing.state {
            case .beforeFault, .beforeLift: break
            case .noOutage: lines.append(BoardLine("no outage seen", .good))
            case .down:
                lines.append(BoardLine("DOWN \(PlainText.clean(standing.signal ?? ""))", .alarm))
            case .back(let duration): lines.append(BoardLine("up for \(duration.tenths)", .good))
            }
            let left = "RTO \(words.left(standing).text)"
            lines += PlainText.wrapped(left, width, most: 2).map { BoardLine($0) }
            if let workload = board.pulse?.workloads.first {
                lines.append(BoardLine("doubt \(workload.inDoubt) ack \(workload.acknowledged)"))
            }
            lines += (scene.day?.criteria ?? []).filter { $0.share >= 0.6 }.flatMap { near in
                PlainText.wrapped("! \(near.words)", width, most: 2).map { BoardLine($0, .alarm) }
            }
            if !board.openFaults.isEmpty {
                lines.append(BoardLine("faults open \(board.openFaults.count)", .alarm))
            }
        }
        lines.append(BoardLine("#\(board.run.number) \(words.drill)"))
        lines += PeopleLines.notes(scene, width).suffix(3).map { BoardLine($0, .dim) }
        let room = max(0, height - footer.count)
        lines = Array(lines.prefix(room))
        lines += [BoardLine](repeating: BoardLine(""), count: room - lines.count)
        return lines + footer
    }
}
