import MusterCore

/// Lines as a terminal of a certain size shows them.
enum TerminalLines {
    /// Broken between words, and within a word that is longer than a line; what goes on below is indented as its beginning.
    static func wrapped(_ text: String, _ width: Int) -> [String] {
        guard Table.columns(text) > width, width > 0 else { return [text] }
        let indent = String(text.prefix { $0 == " " }.prefix(width / 2))
        var lines: [String] = []
        var line = indent
        var isEmpty = true
        for word in text.split(separator: " ") {
            let longer = isEmpty ? line + word : line + " " + word
            if Table.columns(longer) <= width {
                (line, isEmpty) = (longer, false)
                continue
            }
            if !isEmpty { lines.append(line) }
            line = indent
            for character in word {
                if Table.columns(line + String(character)) > width, line != indent {
                    lines.append(line)
                    line = indent
                }
                line.append(character)
            }
            isEmpty = false
        }
        return lines + [line]
    }

    /// All of them wrapped; where they are more than `rows`, some in the middle are left out: what is asked stands at the
    /// beginning, and where to answer at the end.
    static func fitting(_ lines: [String], columns: Int, rows: Int) -> [String] {
        let all = lines.flatMap { wrapped($0, columns) }
        guard all.count > rows, rows > 2 else { return all }
        let head = (rows - 1) / 2
        let tail = rows - 1 - head
        let more = "… \(Observing.count(all.count - head - tail, "more line"))"
        return all.prefix(head) + wrapped(more, columns).prefix(1) + all.suffix(tail)
    }

    /// How many rows lines take up that were written for a wider terminal, and that this one has broken anew.
    static func rows(of lines: [String], columns: Int) -> Int {
        lines.reduce(0) { sum, line in
            let text = line.replacing(/\u{1B}\[[0-9;]*m/, with: "")
            return sum + max(1, (Table.columns(text) + columns - 1) / max(1, columns))
        }
    }
}
