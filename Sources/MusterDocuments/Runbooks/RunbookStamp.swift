import MusterCore

/// The line in a runbook that says when it was last proven, between two lines `<!-- muster:verified -->`. Nobody has to
/// have one; it changes no hash; and only the bytes between the two lines are ever replaced.
public enum RunbookStamp {
    public static let marker = "<!-- muster:verified -->"

    /// The file with `line` between its markers; nil when that is what it says already.
    /// - Throws: `FormProblem` when there are not exactly two markers.
    public static func setting(_ line: String, in text: String) throws -> String? {
        let bytes = Array(text.utf8)
        let marks = markers(in: bytes)
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
        let all = bytes[..<marks[0].upperBound] + new + bytes[marks[1].lowerBound...]
        return String(decoding: all, as: UTF8.self)
    }

    /// The file without its stamp, as it is hashed.
    static func without(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let marks = markers(in: bytes)
        guard marks.count == 2 else { return text }
        return String(
            decoding: bytes[..<marks[0].lowerBound] + bytes[marks[1].upperBound...], as: UTF8.self)
    }

    /// The lines that are markers, each with its end.
    private static func markers(in bytes: [UInt8]) -> [Range<Int>] {
        let wanted = Array(marker.utf8)
        var found: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            let line = bytes[start..<end].drop { $0 == 0x20 }.reversed().drop {
                [0x0A, 0x0D, 0x20].contains($0)
            }
            if line.reversed().elementsEqual(wanted) { found.append(start..<end) }
            start = end
        }
        return found
    }

    private static func place(of offset: Int, in bytes: [UInt8]) -> Place {
        Place(line: bytes[..<offset].count { $0 == 0x0A } + 1, column: 1)
    }
}
