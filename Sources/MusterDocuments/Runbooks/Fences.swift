import CCmark
import MusterCore

/// A fenced block of a markdown file, as cmark-gfm finds it (GFM 0.29, section 4.5).
struct Fence {
    /// The opening line behind the fence, as written: cmark's own text of it has escapes replaced, which
    /// would change JSON.
    var info: String
    /// Column of `info` in its line, from 1.
    var infoColumn: Int
    /// The text between the fences, byte for byte but for the indentation of the fence itself.
    var body: String
    /// The opening line in the file, from 1.
    var line: Int
    /// All of its lines in the file, the fences with them.
    var lines: ClosedRange<Int>
    var isClosed: Bool
    /// The nearest heading above.
    var heading: String

    /// - Parameters:
    ///   - markdown: the file without its front matter.
    ///   - linesBefore: how many lines of the file stand before it.
    static func all(in markdown: String, linesBefore: Int) -> [Fence] {
        let lines = markdown.lines
        var markdown = markdown
        return markdown.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                guard let document = ccmark_parse(text.baseAddress, text.count) else { return [] }
                defer { ccmark_free(document) }
                return (0..<ccmark_fence_count(document)).map {
                    Fence(ccmark_fence_at(document, $0), lines, linesBefore)
                }
            }
        }
    }

    private init(_ found: ccmark_fence, _ lines: [Substring], _ linesBefore: Int) {
        let first = Int(found.first_line)
        let opening = lines.indices.contains(first - 1) ? lines[first - 1] : ""
        let mark = opening.firstIndex { $0 == "`" || $0 == "~" } ?? opening.startIndex
        let fence = opening[mark...].prefix { $0 == opening[mark] }
        let blanks = opening[fence.endIndex...].prefix { $0 == " " }
        info = String(opening[blanks.endIndex...].reversed().drop { $0 == " " || $0 == "\r" }.reversed())
        infoColumn = opening[..<blanks.endIndex].unicodeScalars.count + 1
        body = String(cString: found.literal)
        line = first + linesBefore
        self.lines = line...max(line, Int(found.last_line) + linesBefore)
        heading = String(cString: found.heading)
        let closing = lines.indices.contains(Int(found.last_line) - 1) ? lines[Int(found.last_line) - 1] : ""
        // In a quotation or a list, something stands before the closing fence.
        let end = closing.drop { " >\t".contains($0) }.prefix { $0 == fence.first }
        isClosed = Int(found.last_line) > first && end.count >= max(3, fence.count)
    }
}

extension String {
    /// Split where a newline is, also behind a carriage return, which as a `Character` is one with it.
    var lines: [Substring] {
        unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { Substring($0) }
    }
}
