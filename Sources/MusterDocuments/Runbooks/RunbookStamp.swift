import MusterCore

/// The line in a runbook that says when it was last proven, between two lines `<!-- muster:verified -->`. Nobody has to
/// have one; it changes no hash; and only an earlier stamp between the two lines is ever replaced.
public enum RunbookStamp {
    public static let marker = "<!-- muster:verified -->"

    /// The file with `line` between its markers; nil when that is what it says already.
    /// - Throws: `FormProblem` when there are not exactly two markers, and when something stands between them that is no
    ///   earlier stamp: nobody's steps or words are deleted.
    public static func setting(_ line: String, in text: String) throws -> String? {
        let bytes = Array(text.utf8)
        let marks = markers(in: text)
        guard marks.count == 2 else {
            throw FormProblem(
                marks.isEmpty
                    ? "there is no place for a stamp" : "\(marks.count) lines \(marker), where two belong",
                at: marks.dropFirst(2).first.map { place(of: $0.lowerBound, in: bytes) },
                expected: "two lines \(marker), one behind the other; the stamp goes between them")
        }
        let isCRLF = bytes[..<marks[0].upperBound].suffix(2).elementsEqual([0x0D, 0x0A])
        let shown = line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
            .joined()
        // A comment must not end early, and no marker may be made of it.
        let safe = shown.replacing("--", with: "- -").replacing("<", with: "(").replacing(">", with: ")")
        let new = Array((safe + (isCRLF ? "\r\n" : "\n")).utf8)
        let old = bytes[marks[0].upperBound..<marks[1].lowerBound]
        if old.elementsEqual(new) { return nil }
        try refuseUnlessStamp(bytes, marks[0].upperBound..<marks[1].lowerBound)
        let all = bytes[..<marks[0].upperBound] + new + bytes[marks[1].lowerBound...]
        return String(decoding: all, as: UTF8.self)
    }

    /// The file without its stamp, as it is hashed.
    static func without(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let marks = markers(in: text)
        guard marks.count == 2 else { return text }
        return String(
            decoding: bytes[..<marks[0].lowerBound] + bytes[marks[1].upperBound...], as: UTF8.self)
    }

    /// How the lines begin that `muster runbook stamp` writes.
    private static let beginnings = [
        "Never proven.", "Last proven on ", "Changed since it was last proven, on ", "Failed on ",
    ]

    private static func refuseUnlessStamp(_ bytes: [UInt8], _ between: Range<Int>) throws {
        var stamps = 0
        for line in lines(in: bytes, between) {
            let text = String(decoding: bytes[line], as: UTF8.self).drop { $0.isWhitespace }
            if text.isEmpty { continue }
            stamps += 1
            guard stamps == 1, isStamp(text) else {
                throw FormProblem(
                    "something stands between the two lines \(marker) that is no stamp, and would be deleted",
                    at: place(of: line.lowerBound, in: bytes),
                    expected: "nothing there but what was stamped before; move it out")
            }
        }
    }

    private static func isStamp(_ line: Substring) -> Bool {
        guard let beginning = beginnings.first(where: line.hasPrefix) else { return false }
        let rest = line.dropFirst(beginning.count)
        if beginning.last != " " { return rest.allSatisfy(\.isWhitespace) }
        // A date, and by what: no sentence of people's begins so.
        return rest.prefix(10).allSatisfy { $0.isNumber || $0 == "-" || $0 == "?" } && rest.contains(" by ")
    }

    private static func lines(in bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let end = bytes[start..<range.upperBound].firstIndex(of: 0x0A).map { $0 + 1 } ?? range.upperBound
            found.append(start..<end)
            start = end
        }
        return found
    }

    /// The lines that are markers, each with its end. In a block of code it is an example, and in one that is indented
    /// by four or more as well (GFM 0.29, section 4.4).
    private static func markers(in text: String) -> [Range<Int>] {
        let bytes = Array(text.utf8)
        let wanted = Array(marker.utf8)
        let front = FrontMatter(text)
        let fences = Fence.all(in: front.rest, linesBefore: front.lineCount).map(\.lines)
        return lines(in: bytes, bytes.indices).enumerated().compactMap { index, range in
            let blanks = bytes[range].prefix { $0 == 0x20 }.count
            let line = bytes[range].dropFirst(blanks).reversed().drop { [0x0A, 0x0D, 0x20].contains($0) }
            guard line.reversed().elementsEqual(wanted), blanks < 4, index >= front.lineCount,
                !fences.contains(where: { $0.contains(index + 1) })
            else { return nil }
            return range
        }
    }

    private static func place(of offset: Int, in bytes: [UInt8]) -> Place {
        Place(line: bytes[..<offset].count { $0 == 0x0A } + 1, column: 1)
    }
}
