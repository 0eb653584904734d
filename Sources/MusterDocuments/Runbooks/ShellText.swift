/// A shell's text and a place in it, which moves over whole words, substitutions and here-documents
/// (POSIX.1-2017, XCU 2.2, 2.3 and 2.7.4, with what bash, ksh and zsh add). What is never closed reaches to the
/// end.
struct ShellText {
    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    var current: Unicode.Scalar? { peek(0) }

    func peek(_ distance: Int) -> Unicode.Scalar? {
        index + distance < scalars.count ? scalars[index + distance] : nil
    }

    func starts(with text: String) -> Bool {
        scalars[index...].starts(with: text.unicodeScalars)
    }

    /// The line of the current place, from 1.
    var line: Int { scalars[..<index].reduce(1) { $0 + ($1 == "\n" ? 1 : 0) } }

    mutating func advance(_ distance: Int = 1) { index = min(index + distance, scalars.count) }

    mutating func skip(while holds: (Unicode.Scalar) -> Bool) {
        while let scalar = current, holds(scalar) { advance() }
    }

    static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }

    /// Ends a word where it is not quoted.
    private static func ends(_ scalar: Unicode.Scalar) -> Bool {
        " \t\n;&|()<>".unicodeScalars.contains(scalar)
    }

    /// - Returns: the word as it is written, with its quotes.
    mutating func word() -> String {
        let start = index
        while let scalar = current {
            switch scalar {
            case "\\": advance(2)
            case "'": skipQuoted()
            case "$" where starts(with: "$'"): skipEscaped()
            case "\"", "`":
                advance()
                skipNested(until: scalar)
            case "$" where starts(with: "$("):
                advance(2)
                skipNested(until: ")")
            case "$" where starts(with: "${"):
                advance(2)
                skipNested(until: "}")
            // The elements of an array, and bash's patterns: x=(…), @(…).
            case "(" where index > start && "=+@?*!".unicodeScalars.contains(scalars[index - 1]):
                advance()
                skipNested(until: ")")
            case _ where Self.ends(scalar): return text(from: start)
            default: advance()
            }
        }
        return text(from: start)
    }

    private func text(from start: Int) -> String {
        String(String.UnicodeScalarView(scalars[start..<index]))
    }

    /// From an apostrophe to behind the next one, in which nothing has a meaning.
    private mutating func skipQuoted() {
        advance()
        skip { $0 != "'" }
        advance()
    }

    /// `$'…'`, in which a backslash keeps an apostrophe from being the end.
    private mutating func skipEscaped() {
        advance(2)
        while let scalar = current, scalar != "'" { advance(scalar == "\\" ? 2 : 1) }
        advance()
    }

    /// To behind what closes it, with everything that is opened on the way. Without recursion: a stranger's
    /// text may be deep.
    mutating func skipNested(until closer: Unicode.Scalar) {
        var open = [closer]
        while let scalar = current, let innermost = open.last {
            let isQuoted = innermost == "\"" || innermost == "`"
            switch scalar {
            case "\\": advance(2)
            case innermost:
                open.removeLast()
                advance()
            case "$" where starts(with: "$("):
                open.append(")")
                advance(2)
            case "$" where starts(with: "${"):
                open.append("}")
                advance(2)
            case "`":
                open.append(scalar)
                advance()
            case "\"" where !isQuoted:
                open.append(scalar)
                advance()
            case "'" where innermost == ")": skipQuoted()
            case "$" where innermost == ")" && starts(with: "$'"): skipEscaped()
            // Within quotes, an apostrophe in ${x:-…} is one.
            case "'" where !isQuoted && !open.contains("\""): skipQuoted()
            case "(" where innermost == ")":
                open.append(innermost)
                advance()
            case "#"
            where innermost == ")" && " \t\n;(".unicodeScalars.contains(scalars[index - 1]):
                skip { $0 != "\n" }
            default: advance()
            }
        }
    }

    /// A here-document that begins at the next line.
    struct Document {
        var end: String
        /// `<<-`: tabs in front of its lines do not count.
        var isIndented: Bool
    }

    /// Reads `<<END`, at which it stands.
    mutating func document() -> Document {
        advance(2)
        let isIndented = current == "-"
        if isIndented { advance() }
        skip(while: Self.isBlank)
        return Document(end: word().filter { !"'\"\\".contains($0) }, isIndented: isIndented)
    }

    /// From the beginning of its first line to that of the line behind it.
    mutating func skip(_ document: Document) {
        while current != nil {
            if document.isIndented { skip { $0 == "\t" } }
            let start = index
            skip { $0 != "\n" }
            let line = text(from: start)
            advance()
            if line == document.end { return }
        }
    }
}
