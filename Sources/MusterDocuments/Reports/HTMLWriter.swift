/// Writes blocks as one HTML file that needs nothing else: no script, no network, no fonts.
struct HTMLWriter {
    /// - Parameter nonce: letters and digits that only this file carries; the one style sheet is allowed by
    ///   it, and nothing that might slip in is (Content Security Policy Level 3, `nonce-source`).
    static func write(title: String, nonce: String, _ blocks: [ReportBlock]) -> String {
        let nonce = nonce.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'nonce-\(nonce)'; base-uri 'none'; form-action 'none'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <meta name="color-scheme" content="light dark">
            <title>\(escape(title))</title>
            <style nonce="\(nonce)">
            \(reportStyle)
            </style>
            </head>
            <body>
            <main>
            \(blocks.map(block).joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    private static func block(_ block: ReportBlock) -> String {
        switch block {
        case .heading(let level, let text): "<h\(level)>\(escape(text))</h\(level)>"
        case .paragraph(let inlines): "<p>\(line(inlines))</p>"
        case .list(let items):
            "<ul>\n" + items.map { "<li>\(line($0))</li>\n" }.joined() + "</ul>"
        case .table(let table): write(table)
        case .code(let text):
            "<pre tabindex=\"0\"><code>\(escape(text, keepingLines: true))</code></pre>"
        case .picture(let svg, _): "<figure tabindex=\"0\">\(svg)</figure>"
        case .alarm(let inlines): "<p class=\"alarm\">\(line(inlines))</p>"
        case .notice(let inlines): "<p class=\"notice\">\(line(inlines))</p>"
        }
    }

    private static func line(_ inlines: [ReportInline]) -> String {
        inlines.map { inline in
            switch inline {
            case .text(let text): escape(text)
            case .moment(let text): "<span class=\"moment\">\(escape(text))</span>"
            case .strong(let text): "<strong>\(escape(text))</strong>"
            case .code(let text): "<code>\(escape(text))</code>"
            case .badge(let text, let tone): "<span class=\"badge \(tone.rawValue)\">\(escape(text))</span>"
            case .toDo(let text): "<mark>TODO(owner)</mark>: \(escape(text))"
            }
        }.joined()
    }

    private static func write(_ table: ReportTable) -> String {
        func kind(_ column: Int) -> String { table.numeric.contains(column) ? " class=\"number\"" : "" }
        let head = table.columns.enumerated().map { "<th scope=\"col\"\(kind($0))>\(escape($1))</th>" }
            .joined()
        let hasHead = table.columns.contains { !$0.isEmpty }
        let rows = table.rows.map { row in
            "<tr>" + row.enumerated().map { "<td\(kind($0))>\(line($1))</td>" }.joined() + "</tr>\n"
        }.joined()
        return """
            <div class="table" tabindex="0"><table\(table.columns.count > 5 ? " class=\"wide\"" : "")>
            \(hasHead ? "<thead><tr>\(head)</tr></thead>" : "")
            <tbody>
            \(rows)</tbody>
            </table></div>
            """
    }

    static func escape(_ text: String, keepingLines: Bool = false) -> String {
        var escaped = ""
        for character in visible(text, keepingLines: keepingLines).unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
