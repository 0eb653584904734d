import MusterCore

/// Looks through YAML text before it is composed, for what must not even be composed: anchors, aliases, tags
/// (a 351-byte alias bomb kept a decoder busy for over a minute), directives, several documents, and nesting
/// so deep that a recursive composer would run out of stack. Also notes where each key stands, because the
/// composer names only the first of two equal keys.
///
/// It knows just enough of YAML 1.2 to tell text inside quotes, comments and block scalars from the rest.
struct YamlScanner {
    struct Key: Equatable {
        var text: String
        var place: Place
        var flowDepth: Int
    }

    private(set) var keys: [Key] = []
    private(set) var problems: [FormProblem] = []

    private let scalars: [Unicode.Scalar]
    private let deepest: Int
    private var index = 0
    private var line = 1
    private var lineStart = 0
    private var flowDepth = 0
    /// Columns of the block collections that are open, outermost first.
    private var indents: [Int] = []
    /// The column beyond which a line goes on with the plain text above it; nil when none is open.
    private var plainBeyond: Int?
    private var tooDeep = false

    init(_ text: String, deepest: Int = 64) {
        scalars = Array(text.unicodeScalars)
        self.deepest = deepest
    }

    /// - Returns: what was found wrong; the rest of the file was looked at as well.
    mutating func scan() {
        while index < scalars.count, !tooDeep { scanLine() }
    }

    private var column: Int { index - lineStart }
    private var place: Place { Place(line: line, column: column + 1) }
    private func at(_ offset: Int) -> Unicode.Scalar? {
        index + offset < scalars.count ? scalars[index + offset] : nil
    }

    private func isBreakOrEnd(_ offset: Int) -> Bool {
        guard let scalar = at(offset) else { return true }
        return scalar == "\n" || scalar == "\r"
    }

    private func isBlank(_ offset: Int) -> Bool { isBreakOrEnd(offset) || at(offset) == " " }

    private mutating func newline() {
        if at(0) == "\r", at(1) == "\n" { index += 1 }
        index += 1
        line += 1
        lineStart = index
    }

    private mutating func skipSpaces() { while at(0) == " " { index += 1 } }
    private mutating func skipLine() { while !isBreakOrEnd(0) { index += 1 } }

    private mutating func scanLine() {
        if flowDepth == 0 {
            skipSpaces()
            if let parent = plainBeyond, !isBreakOrEnd(0) {
                if column > parent, at(0) != "#" {
                    scanPlainContinuation()
                    return
                }
                plainBeyond = nil
            }
            if column == 0 { scanMarker() }
        }
        scanTokens()
        if index < scalars.count { newline() }
    }

    private mutating func scanPlainContinuation() {
        while !isBreakOrEnd(0) {
            if at(0) == "#", index > 0, scalars[index - 1] == " " {
                plainBeyond = nil
                skipLine()
                break
            }
            index += 1
        }
        if index < scalars.count { newline() }
    }

    private mutating func scanMarker() {
        let three = String(String.UnicodeScalarView((0..<3).compactMap { at($0) }))
        if three == "---" || three == "...", isBlank(3) {
            if !keys.isEmpty || three == "..." {
                refuse("a second document starts here", "one document in a file")
            }
            index += 3
        } else if at(0) == "%" {
            refuse("a YAML directive", "no directives")
            skipLine()
        }
    }

    private mutating func scanTokens() {
        while true {
            skipSpaces()
            guard let scalar = at(0) else { return }
            if scalar == "\n" || scalar == "\r" {
                if flowDepth == 0 { return }
                newline()
                continue
            }
            switch scalar {
            case "#" where index == lineStart || scalars[index - 1] == " ": skipLine()
            case "-" where flowDepth == 0 && isBlank(1):
                enter(column)
                plainBeyond = nil
                index += 1
            case "?" where isBlank(1):
                refuse("a complex key ('? ')", "plain words as keys")
                index += 1
            case "&", "*", "!": scanForbidden(scalar)
            case "\"", "'": scanQuoted(scalar)
            case "{", "[":
                flowDepth += 1
                checkDepth()
                index += 1
            case "}", "]":
                flowDepth = max(0, flowDepth - 1)
                index += 1
            case ",", ":": index += 1
            case "|" where flowDepth == 0, ">" where flowDepth == 0:
                scanBlockScalar()
                return
            default: scanPlain()
            }
            if tooDeep { return }
        }
    }

    private mutating func scanForbidden(_ scalar: Unicode.Scalar) {
        let kind = scalar == "&" ? "an anchor" : scalar == "*" ? "an alias" : "a tag"
        let start = index
        let found = place
        while !isBlank(0), !",[]{}".unicodeScalars.contains(scalars[index]) || index == start { index += 1 }
        let word = String(String.UnicodeScalarView(scalars[start..<min(index, start + 24)]))
        problems.append(
            FormProblem(
                "\(kind), '\(word)'", at: found,
                expected: "no anchors, aliases or tags; put quotes around text that begins with '\(scalar)'"))
    }

    private mutating func scanQuoted(_ quote: Unicode.Scalar) {
        let found = place
        let start = index + 1
        index += 1
        while let scalar = at(0) {
            if scalar == "\\", quote == "\"", !isBreakOrEnd(1) {
                index += 2
            } else if scalar == quote {
                if quote == "'", at(1) == "'" {
                    index += 2
                    continue
                }
                break
            } else if scalar == "\n" || scalar == "\r" {
                newline()
            } else {
                index += 1
            }
        }
        let text = String(String.UnicodeScalarView(scalars[start..<min(index, scalars.count)]))
        index = min(index + 1, scalars.count)
        skipSpaces()
        if at(0) == ":" { addKey(text, found) }
    }

    private mutating func scanPlain() {
        let found = place
        let start = index
        var end = index
        while let scalar = at(0) {
            if scalar == "\n" || scalar == "\r" {
                if flowDepth == 0 { break }
                newline()
                continue
            }
            if scalar == "#", index > start, " \n\r".unicodeScalars.contains(scalars[index - 1]) { break }
            if scalar == ":", isBlank(1) || (flowDepth > 0 && ",[]{}".unicodeScalars.contains(at(1)!)) {
                break
            }
            if flowDepth > 0, ",[]{}".unicodeScalars.contains(scalar) { break }
            index += 1
            if scalar != " " { end = index }
        }
        if at(0) == ":" {
            addKey(String(String.UnicodeScalarView(scalars[start..<end])), found)
        } else if flowDepth == 0, isBreakOrEnd(0) {
            plainBeyond = indents.last ?? -1
        }
    }

    private mutating func addKey(_ text: String, _ found: Place) {
        keys.append(Key(text: text, place: found, flowDepth: flowDepth))
        if flowDepth == 0 { enter(found.column - 1) }
        index += 1
    }

    /// Skips the lines of a literal or folded scalar (YAML 1.2.2, section 8.1): those indented further than
    /// the collection that it stands in.
    private mutating func scanBlockScalar() {
        let parent = indents.last ?? -1
        var least: Int?
        while !isBreakOrEnd(0) {
            if let digit = at(0)?.properties.numericType != nil ? Int(String(at(0)!)) : nil, least == nil {
                least = max(0, parent) + digit
            }
            if at(0) == "#" { break }
            index += 1
        }
        skipLine()
        while index < scalars.count {
            var ahead = 0
            while at(1 + ahead + crlf) == " " { ahead += 1 }
            if !isBreakOrEnd(1 + ahead + crlf) {
                if ahead < (least ?? parent + 1) || ahead <= parent { return }
                least = least ?? ahead
            }
            newline()
            skipLine()
        }
    }

    private var crlf: Int { at(0) == "\r" && at(1) == "\n" ? 1 : 0 }

    private mutating func enter(_ column: Int) {
        while let last = indents.last, last > column { indents.removeLast() }
        if indents.last != column { indents.append(column) }
        checkDepth()
    }

    private mutating func checkDepth() {
        guard indents.count + flowDepth > deepest, !tooDeep else { return }
        tooDeep = true
        refuse("nested more than \(deepest) levels deep", "at most \(deepest) levels")
    }

    private mutating func refuse(_ message: String, _ expected: String) {
        problems.append(FormProblem(message, at: place, expected: expected))
    }
}
