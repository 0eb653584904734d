public import MusterCore

/// Shows problems as compilers do: place, message, the line with a caret, what was expected.
public enum ProblemText {
    public enum Severity: String, Sendable {
        case error, warning
    }

    /// - Parameters:
    ///   - path: the file as the user named it.
    ///   - source: its text.
    /// - Returns: lines, each with its newline; empty when there is no problem.
    public static func render(
        _ problems: [FormProblem], _ severity: Severity = .error, path: String, source: String
    ) -> String {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        return problems.map { render($0, severity, path, lines) }.joined()
    }

    private static func render(
        _ problem: FormProblem, _ severity: Severity, _ path: String, _ lines: [Substring]
    ) -> String {
        let position = problem.place.map { ":\($0.line):\($0.column)" } ?? ""
        var text = "\(path)\(position): \(severity.rawValue): \(problem.message)\n"
        if let place = problem.place, lines.indices.contains(place.line - 1) {
            let (line, hidden) = withoutPasswords(lines[place.line - 1], upTo: place.column)
            let (shown, column) = excerpt(line, around: hidden)
            text += "    \(shown)\n    \(String(repeating: " ", count: column - 1))^\n"
        }
        if let expected = problem.expected { text += "    expected: \(expected)\n" }
        if let nearest = problem.nearest { text += "    did you mean '\(nearest)'?\n" }
        return text
    }

    /// A line with what looks like a password hidden, and the column at which the place is found then.
    private static func withoutPasswords(_ line: Substring, upTo column: Int) -> (Substring, Int) {
        let hidden = hidingPasswords(String(line), isSource: true)
        guard hidden != line else { return (line, column) }
        let old = line.unicodeScalars
        let new = hidden.unicodeScalars
        // In front of the password nothing moved; what is behind it is as far from the end as before.
        let isInFront = zip(old.prefix(column - 1), new).allSatisfy { $0 == $1 }
        return (Substring(hidden), isInFront ? column : max(1, column + new.count - old.count))
    }

    /// A long line is cut to what stands around the place.
    private static func excerpt(_ line: Substring, around column: Int) -> (String, Int) {
        let scalars = Array(line.unicodeScalars.filter { $0 != "\r" }).map {
            // What would move the caret, or the terminal's cursor, is shown as a dot.
            $0.value < 0x20 || $0.value == 0x7F ? "·" : $0
        }
        let column = min(max(1, column), scalars.count + 1)
        guard scalars.count > 120 else { return (String(String.UnicodeScalarView(scalars)), column) }
        let start = max(0, column - 60)
        let end = min(scalars.count, start + 110)
        let text = String(String.UnicodeScalarView(scalars[start..<end]))
        return start == 0
            ? (text + "…", column) : ("…" + text + (end < scalars.count ? "…" : ""), column - start + 1)
    }
}
