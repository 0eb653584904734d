import MusterCore

/// Adds entries to a services.yaml that stands already, without changing any other byte of it.
public enum ServicesEdit {
    /// - Parameters:
    ///   - now: wall clock in nanoseconds since 1970 UTC, for allowances that expire.
    /// - Returns: the text with the entries behind the last one of `services:`; nil where that cannot be done by adding
    ///   lines alone, as when the services stand in braces, or when the result would not read as the same services and
    ///   these.
    public static func adding(_ drills: [FirstDrill], to text: String, now: Int64) -> String? {
        guard let before = try? Services(reading: text, now: now) else { return nil }
        let lineEnd = text.utf8.contains(13) ? "\r\n" : "\n"
        let lines = lines(of: text)
        guard let head = lines.firstIndex(where: { isHead($0.text) }) else { return nil }
        let next = lines[(head + 1)...].firstIndex { isTop($0.text) } ?? lines.endIndex
        let body = lines[(head + 1)..<next]
        let entries = body.filter {
            !$0.text.trimmingBlanks.isEmpty && !$0.text.trimmingBlanks.hasPrefix("#")
        }
        let indent = entries.first.map { String($0.text.prefix { $0 == " " }) } ?? "  "
        guard !indent.isEmpty else { return nil }
        // Comments within the block belong to it; blank lines and comments at the margin to what follows.
        let last = body.last { $0.text.hasPrefix(" ") && !$0.text.trimmingBlanks.isEmpty } ?? lines[head]
        let added = drills.map { $0.entry(indent: indent, lineEnd: lineEnd) }.joined()
        let isWhole = last.end > text.startIndex && text[text.index(before: last.end)].isNewline
        let result = text[..<last.end] + (isWhole ? "" : lineEnd) + added + text[last.end...]
        guard let after = try? Services(reading: String(result), now: now),
            after.services.map(\.name) == before.services.map(\.name) + drills.map(\.name)
        else { return nil }
        return String(result)
    }

    private struct Line {
        var text: Substring
        /// Behind its line end.
        var end: String.Index
    }

    private static func lines(of text: String) -> [Line] {
        var lines: [Line] = []
        var start = text.startIndex
        while start < text.endIndex {
            let stop = text[start...].firstIndex { $0.isNewline } ?? text.endIndex
            let end = stop < text.endIndex ? text.index(after: stop) : stop
            lines.append(Line(text: text[start..<stop], end: end))
            start = end
        }
        return lines
    }

    private static func isHead(_ line: Substring) -> Bool {
        guard line.hasPrefix("services:") else { return false }
        let rest = line.dropFirst(9).trimmingBlanks
        return rest.isEmpty || rest.hasPrefix("#")
    }

    private static func isTop(_ line: Substring) -> Bool {
        guard let first = line.first else { return false }
        return !first.isWhitespace && first != "#"
    }
}
