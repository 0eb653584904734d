/// A piece of a report, before anybody decided how it looks. Markdown and HTML are both made from these, so
/// that they cannot say different things.
enum ReportBlock {
    case heading(Int, String)
    case paragraph([ReportInline])
    case list([[ReportInline]])
    case table(ReportTable)
    case code(String)
    /// A picture for HTML; Markdown shows the text instead, where there is one.
    case picture(svg: String, text: String?)
    /// What a reader must not miss.
    case alarm([ReportInline])
    /// What qualifies the result.
    case notice([ReportInline])
}

/// A run of text. Everything that comes from a drill, a host or a person goes through here and is escaped by
/// the renderer.
enum ReportInline: Hashable {
    case text(String)
    case strong(String)
    case code(String)
    /// A verdict or result, coloured where there are colours; the word alone says it all.
    case badge(String, Tone)
    /// A time that must not be broken across lines.
    case moment(String)
    /// What its owner has to write.
    case toDo(String)
}

enum Tone: String {
    case good, bad, doubtful, neutral
}

struct ReportTable {
    var columns: [String]
    var rows: [[[ReportInline]]]
    /// Indices of columns that hold figures.
    var numeric: Set<Int> = []

    init(_ columns: [String], numeric: Set<Int> = [], rows: [[[ReportInline]]]) {
        self.columns = columns
        self.numeric = numeric
        self.rows = rows
    }

    init(_ columns: [String], numeric: Set<Int> = [], rows: [[String]]) {
        self.init(columns, numeric: numeric, rows: rows.map { $0.map { [.text($0)] } })
    }
}

extension ReportBlock {
    static func paragraph(_ text: String) -> ReportBlock { .paragraph([.text(text)]) }
}

/// Text from outside as it may be shown: control characters and those that turn the direction of writing
/// become visible, so that nothing can hide or rearrange a report (CVE-2021-42574).
func visible(_ text: String, keepingLines: Bool = false) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x0A where keepingLines, 0x09 where keepingLines: shown.unicodeScalars.append(scalar)
        case 0x0A, 0x0D, 0x09: shown += " "
        case 0..<0x20, 0x7F..<0xA0, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069,
            0xFEFF:
            shown += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
