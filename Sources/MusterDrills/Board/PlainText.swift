import MusterCore

/// Text as it may stand in a frame of fixed width: nothing in it moves the cursor, reverses the direction of writing or
/// takes more columns than are reckoned for it.
public enum PlainText {
    /// What is typed by people and said by programs, without anything that a terminal obeys: control characters become
    /// `·`, ends of lines and tabs become spaces, and what has no width of its own or joins its neighbours is left out.
    public static func clean(_ text: String) -> String {
        var clean = String.UnicodeScalarView()
        var marks = 0
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control:
                clean.append(["\n", "\t", "\r"].contains(scalar) ? " " : "·")
                marks = 0
            case .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator, .unassigned: continue
            case .nonspacingMark, .enclosingMark:
                // Two to a letter are writing; a hundred are an attack on the line above.
                guard !clean.isEmpty, marks < 2, !(0xFE00...0xFE0F).contains(scalar.value) else { continue }
                marks += 1
                clean.append(scalar)
            default:
                // Shades of skin join the sign before them in some terminals only.
                if (0x1F3FB...0x1F3FF).contains(scalar.value) { continue }
                marks = 0
                clean.append(scalar)
            }
        }
        return String(clean)
    }

    /// Columns that a terminal gives the text; East Asian wide characters take two (UAX #11, coarsely).
    public static func columns(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // Vowels and finals of Hangul that join what stands before them.
        if (0x1160...0x11FF).contains(value) { return 0 }
        let isWide =
            (0x1100...0x115F).contains(value) || (0x2E80...0xA4CF).contains(value)
            || (0xA960...0xA97C).contains(value) || (0xAC00...0xD7A3).contains(value)
            || (0xF900...0xFAFF).contains(value) || (0xFE30...0xFE6F).contains(value)
            || (0xFF00...0xFF60).contains(value) || (0xFFE0...0xFFE6).contains(value)
            || (0x1F300...0x1FAFF).contains(value) || (0x20000...0x3FFFD).contains(value)
        return isWide || scalar.properties.isEmojiPresentation ? 2 : 1
    }

    /// The beginning of a text that is clean already, with `…` at its end where something is left out.
    public static func cut(_ text: String, to width: Int) -> String {
        guard columns(text) > width else { return text }
        guard width > 0 else { return "" }
        var kept = String.UnicodeScalarView()
        var room = width - 1
        for scalar in text.unicodeScalars {
            room -= columns(scalar)
            if room < 0 { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }

    /// Exactly `width` columns.
    public static func fit(_ text: String, _ width: Int) -> String {
        let text = cut(text, to: width)
        return text + String(repeating: " ", count: max(0, width - columns(text)))
    }

    /// `left`, and `right` at the other end of the line where there is room for it.
    static func spread(_ left: String, _ right: String, _ width: Int) -> String {
        let room = width - columns(left)
        guard room > columns(right) else { return cut(left, to: width) }
        return left + String(repeating: " ", count: room - columns(right)) + right
    }

    /// In lines of at most `width` columns, broken between words where that is possible.
    static func wrapped(_ text: String, _ width: Int, most: Int) -> [String] {
        guard width > 0, most > 0 else { return [] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            let longer = line.isEmpty ? String(word) : line + " " + word
            if columns(longer) <= width {
                line = longer
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = String(word)
        }
        if !line.isEmpty { lines.append(line) }
        if lines.count > most {
            let rest = lines[(most - 1)...].joined(separator: " ")
            lines = lines[..<(most - 1)] + [rest]
        }
        return lines.map { cut($0, to: width) }
    }
}
