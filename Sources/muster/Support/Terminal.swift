import Foundation
import Synchronization

/// What goes to the terminal. Colour only where a person looks, and never as the only carrier of meaning.
enum Terminal {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// Whether it is a terminal that moves its cursor and shows colours: one without a name, or that is called dumb,
    /// shows their codes as text.
    static let isInteractive =
        isatty(STDOUT_FILENO) == 1
        && !["", "dumb"].contains(ProcessInfo.processInfo.environment["TERM"] ?? "")
    static let hasColour = isInteractive && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty

    static func styled(_ text: String, _ styles: Style...) -> String {
        guard hasColour else { return text }
        return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }

    /// Columns of the terminal; 80 when unknown.
    static var width: Int { BoardTerminal.size.columns }

    /// Writes to standard output at once. A reader that went away is no reason to stop a drill.
    static func write(_ text: String) { put(text, STDOUT_FILENO) }
    static func line(_ text: String = "") { put(text + "\n", STDOUT_FILENO) }
    static func note(_ text: String) { put(text + "\n", STDERR_FILENO) }

    /// A labelled line; in a terminal, what does not fit goes on below the text, not below the label.
    static func labelled(_ label: String, _ text: String, indent: Int = 9, _ styles: Style...) {
        let indent = max(indent, label.count + 1)
        let room = isInteractive ? max(20, width - indent) : .max
        var lines: [String] = [""]
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let last = lines[lines.count - 1]
            if !last.isEmpty, last.count + 1 + word.count > room {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last.isEmpty ? String(word) : last + " " + word
            }
        }
        let head = hasColour ? styles.reduce(label) { styled($0, $1) } : label
        let gap = String(repeating: " ", count: indent - label.count)
        line(head + gap + lines.joined(separator: "\n" + String(repeating: " ", count: indent)))
    }

    /// An error in two parts: what happened, and what to do.
    static func complain(_ message: String, advice: String) {
        let red = isatty(STDERR_FILENO) == 1 && hasColour
        put((red ? "\u{1B}[31merror:\u{1B}[0m " : "error: ") + message + "\n", STDERR_FILENO)
        if !advice.isEmpty { put("  what to do: \(advice)\n", STDERR_FILENO) }
    }

    /// Why what was asked for could not be printed; nil while everything was, or where whoever read has gone.
    static var lostOutput: String? { lost.withLock { $0 } }
    private static let lost = Mutex<String?>(nil)

    /// Writes bytes that are a file's rather than text for people.
    static func write(_ bytes: [UInt8]) { put(bytes[...], STDOUT_FILENO) }

    private static func put(_ text: String, _ descriptor: Int32) { put(Array(text.utf8)[...], descriptor) }

    private static func put(_ bytes: ArraySlice<UInt8>, _ descriptor: Int32) {
        var bytes = bytes
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                let code = errno
                if descriptor == STDOUT_FILENO, [ENOSPC, EDQUOT, EIO, EFBIG].contains(code) {
                    lost.withLock { $0 = String(cString: strerror(code)) }
                }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }
}

/// Columns of text, as wide as they must be; the last column is cut to the terminal. A cell is one line, and whatever was
/// written into it moves no cursor.
struct Table {
    var header: [String]
    var rows: [[String]] = []

    init(_ header: String...) { self.header = header }

    mutating func add(_ cells: String...) { rows.append(cells) }

    func text(width: Int) -> String {
        let all = [header] + rows.map { $0.map(\.onOneLine) }
        let widths = header.indices.map { column in all.map { Self.columns($0[column]) }.max() ?? 0 }
        return all.enumerated().map { index, cells in
            var line = ""
            for (column, cell) in cells.enumerated() {
                if column == cells.count - 1 {
                    line +=
                        index == 0 || !Terminal.isInteractive
                        ? cell : Self.cut(cell, to: max(20, width - line.count))
                } else {
                    line += cell + String(repeating: " ", count: widths[column] - Self.columns(cell) + 2)
                }
            }
            return index == 0 ? Terminal.styled(line, .bold) : line
        }.joined(separator: "\n")
    }

    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(1, width - 1)) + "…"
    }

    /// Columns that a terminal gives the text; East Asian wide characters take two (UAX #11, coarsely).
    static func columns(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            let value = scalar.value
            if scalar.properties.generalCategory == .nonspacingMark { return sum }
            return sum
                + ((0x1100...0x115F).contains(value) || (0x2E80...0xA4CF).contains(value)
                    || (0xAC00...0xD7A3).contains(value) || (0xF900...0xFAFF).contains(value)
                    || (0xFE30...0xFE6F).contains(value) || (0xFF00...0xFF60).contains(value)
                    || (0x1F300...0x1FAFF).contains(value) ? 2 : 1)
        }
    }
}
