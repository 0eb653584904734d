/// Writes blocks as GitHub-flavoured Markdown (github.github.com/gfm).
struct MarkdownWriter {
    static func write(_ blocks: [ReportBlock]) -> String {
        blocks.map(block).filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private static func block(_ block: ReportBlock) -> String {
        switch block {
        case .heading(let level, let text): String(repeating: "#", count: level) + " " + escape(text)
        case .paragraph(let inlines): guardStart(line(inlines))
        case .list(let items): items.map { "- " + guardStart(line($0)) }.joined(separator: "\n")
        case .table(let table): write(table)
        case .code(let text): fenced(text)
        case .picture(_, let text): text.map(fenced) ?? ""
        case .alarm(let inlines): "> **!** " + line(inlines)
        case .notice(let inlines): "> " + line(inlines)
        }
    }

    private static func line(_ inlines: [ReportInline], inTable: Bool = false) -> String {
        inlines.map { inline in
            switch inline {
            case .text(let text), .moment(let text): escape(text)
            case .strong(let text): "**" + escape(text) + "**"
            case .badge(let text, _): "**" + escape(text) + "**"
            case .toDo(let text): "TODO(owner): " + escape(text)
            case .code(let text): code(text, inTable: inTable)
            }
        }.joined()
    }

    private static func write(_ table: ReportTable) -> String {
        func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let rules = table.columns.indices.map { table.numeric.contains($0) ? "---:" : "---" }
        return
            ([row(table.columns.map(escape)), row(rules)]
            + table.rows.map { row($0.map { line($0, inTable: true) }) })
            .joined(separator: "\n")
    }

    /// Text that must stay text: no markup, no HTML, no table cells of its own.
    static func escape(_ text: String) -> String {
        let characters = Array(visible(text))
        var escaped = ""
        for (index, character) in characters.enumerated() {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\\", "`", "*", "[", "]", "|", "~", "$": escaped += "\\\(character)"
            case "_":
                // Within a word it is no markup (CommonMark 6.2, rule 2), and names are full of it.
                let isWithin =
                    index > 0 && index + 1 < characters.count && isWord(characters[index - 1])
                    && isWord(characters[index + 1])
                escaped += isWithin ? "_" : "\\_"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

    /// What would make a heading, a list or a rule at the start of a line.
    private static func guardStart(_ text: String) -> String {
        let trimmed = String(text.drop { $0 == " " })
        guard let first = trimmed.first else { return trimmed }
        if "#+-=".contains(first) { return "\\" + trimmed }
        let digits = trimmed.prefix { $0.isASCII && $0.isNumber }
        let rest = trimmed.dropFirst(digits.count)
        if !digits.isEmpty, let mark = rest.first, ".)".contains(mark) { return digits + "\\" + rest }
        return trimmed
    }

    private static func code(_ text: String, inTable: Bool) -> String {
        var text = visible(text)
        if text.isEmpty { return "" }
        // A cell ends at a bar even within code, unless it is escaped (GFM, tables).
        if inTable {
            text = text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
        }
        let ticks = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
        let pad = text.hasPrefix("`") || text.hasSuffix("`") ? " " : ""
        return ticks + pad + text + pad + ticks
    }

    private static func fenced(_ text: String) -> String {
        let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
        var text = visible(text, keepingLines: true)
        while text.hasSuffix("\n") { text.removeLast() }
        return fence + "text\n" + text + "\n" + fence
    }

    private static func longestRun(of character: Character, in text: String) -> Int {
        var longest = 0
        var current = 0
        for found in text {
            current = found == character ? current + 1 : 0
            longest = max(longest, current)
        }
        return longest
    }
}
