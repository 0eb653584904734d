public import MusterCore
import Yams

/// Reads YAML without surprises: into a tree of text with places, in which nothing is interpreted yet.
/// `12:30` stays text and is not 750, `no` is not false.
public enum YamlText {
    /// Largest file that is read, in bytes.
    public static let largest = 1 << 20

    /// - Throws: `FormProblems` for invalid UTF-8, files over 1 MiB, and what `tree(of:)` throws for.
    public static func tree(of bytes: [UInt8]) throws -> FormNode {
        guard bytes.count <= largest else {
            throw one("the file has \(bytes.count) bytes", nil, "at most 1 MiB")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw one("the file is not valid UTF-8", nil, "text in UTF-8")
        }
        return try tree(of: text)
    }

    /// - Parameter most: how many bytes it may have.
    /// - Throws: `FormProblems` with everything that stands in the way of reading it.
    public static func tree(of text: String, atMost most: Int = largest) throws -> FormNode {
        guard text.utf8.count <= most else {
            throw one(
                "the file has \(text.utf8.count) bytes", nil, "at most \(ByteCount(Int64(most)).forPeople)")
        }
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        if let problem = strangeCharacter(in: text) { throw FormProblems([problem]) }
        var scanner = YamlScanner(text)
        scanner.scan()
        if !scanner.problems.isEmpty { throw FormProblems(scanner.problems) }
        let root: Node?
        do {
            // Keys are compared as text, as everything that reads them does. The parser's own rules would first find
            // out whether each is a number, a date or a truth value, which takes a fifth of all the time.
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw FormProblems([YamlComplaint.problem(error, keys: scanner.keys)])
        }
        guard let root else { return FormNode(.nothing, place: Place(line: 1, column: 1)) }
        return try convert(root, depth: 0)
    }

    /// libyaml would count U+0085, U+2028 and lone carriage returns as ends of lines, which no editor does.
    private static func strangeCharacter(in text: String) -> FormProblem? {
        var line = 1
        var column = 0
        var before: Unicode.Scalar = "\n"
        for scalar in text.unicodeScalars {
            if before == "\r", scalar != "\n" {
                return FormProblem(
                    "a carriage return inside a line", at: Place(line: line, column: column),
                    expected: "lines that end with a newline")
            }
            column += 1
            switch scalar.value {
            case 0x0A:
                line += 1
                column = 0
            case 0x0D: break
            case 0x09:
                return FormProblem(
                    "a tab", at: Place(line: line, column: column),
                    expected: "spaces (or \\t inside double quotes)")
            case 0..<0x20, 0x7F, 0x80...0x9F, 0x2028, 0x2029, 0xFEFF:
                return FormProblem(
                    "the control character U+\(String(scalar.value, radix: 16, uppercase: true))",
                    at: Place(line: line, column: column), expected: "printable text")
            default: break
            }
            before = scalar
        }
        return before == "\r"
            ? FormProblem(
                "a carriage return without a newline", at: Place(line: line, column: column),
                expected: "lines that end with a newline") : nil
    }

    private static func convert(_ node: Node, depth: Int) throws -> FormNode {
        let place = node.mark.map { Place(line: $0.line, column: $0.column) }
        // The scanner has refused these already; this is for what it might have taken for text.
        if node.anchor != nil || depth > 128 {
            throw one("an anchor or alias, or nesting too deep", place, "plain text, lists and mappings")
        }
        switch node {
        case .scalar(let scalar):
            if scalar.string.isEmpty, scalar.style == .plain { return FormNode(.nothing, place: place) }
            return FormNode(.scalar(scalar.string), place: place)
        case .sequence(let sequence):
            return FormNode(.list(try sequence.map { try convert($0, depth: depth + 1) }), place: place)
        case .mapping(let mapping):
            return FormNode(.map(try mapping.map { try entry($0.key, $0.value, depth) }), place: place)
        case .alias: throw one("an alias", place, "plain text")
        }
    }

    private static func entry(_ key: Node, _ value: Node, _ depth: Int) throws -> FormNode.Entry {
        let place = key.mark.map { Place(line: $0.line, column: $0.column) }
        guard case .scalar(let scalar) = key, key.anchor == nil else {
            throw one("a key that is not a word", place, "a word, then ':'")
        }
        if scalar.string == "<<" {
            throw one("a merge key, '<<'", place, "every key written out where it is used")
        }
        return FormNode.Entry(
            key: scalar.string, keyPlace: place, value: try convert(value, depth: depth + 1))
    }

    private static func one(_ message: String, _ place: Place?, _ expected: String) -> FormProblems {
        FormProblems([FormProblem(message, at: place, expected: expected)])
    }
}
