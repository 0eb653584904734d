import MusterCore

/// Reads the attributes of a fence: one flat JSON object on the opening line.
///
/// Runme, whose format this is, tries JSON first and otherwise splits on blanks without an error, and its
/// block ends at the first `}`: a trailing comma, a nested object or a `}` inside a value silently loses
/// `name` and `excludeFromRunAll`, and the block becomes one that "run all" runs. So nothing but what both
/// read alike is accepted.
struct FenceAttributes {
    private var scalars: ArraySlice<Unicode.Scalar>
    private let line: Int
    private let column: Int

    /// - Parameter text: from the opening brace on.
    /// - Throws: `FormProblem`.
    static func read(_ text: String, line: Int, column: Int) throws -> FormNode {
        var reader = FenceAttributes(scalars: Array(text.unicodeScalars)[...], line: line, column: column)
        return try reader.object()
    }

    private var place: Place { Place(line: line, column: column + scalars.startIndex) }

    private func problem(_ message: String, _ expected: String) -> FormProblem {
        FormProblem(message, at: place, expected: expected)
    }

    private mutating func skipBlanks() { while scalars.first == " " { scalars.removeFirst() } }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard scalars.first == scalar else { return false }
        scalars.removeFirst()
        return true
    }

    private mutating func object() throws -> FormNode {
        let start = place
        guard take("{") else { throw problem("no '{'", "attributes as one flat JSON object") }
        var entries: [FormNode.Entry] = []
        repeat {
            skipBlanks()
            let keyPlace = place
            guard scalars.first == "\"" else {
                throw problem(
                    entries.isEmpty ? "a key without quotes" : "nothing behind a comma", "\"key\":\"value\"")
            }
            let key = try string()
            if entries.contains(where: { $0.key == key }) {
                throw FormProblem("'\(key)' stands here twice", at: keyPlace, expected: "each key once")
            }
            guard take(":") else { throw problem("no ':' behind \"\(key)\"", "\"key\":\"value\"") }
            skipBlanks()
            let valuePlace = place
            let value = try scalars.first == "\"" ? string() : word()
            entries.append(
                FormNode.Entry(
                    key: key, keyPlace: keyPlace, value: FormNode(.scalar(value), place: valuePlace)))
        } while take(",")
        guard take("}") else { throw problem("the object does not end here", "',' or '}'") }
        skipBlanks()
        guard scalars.isEmpty else { throw problem("text behind the '}'", "the end of the line") }
        return FormNode(.map(entries), place: start)
    }

    private mutating func string() throws -> String {
        scalars.removeFirst()
        var text = ""
        while let scalar = scalars.first {
            switch scalar {
            case "\"":
                scalars.removeFirst()
                return text
            case "}", "{": throw problem("a brace inside a value", "values without '{' and '}'")
            case "\\":
                scalars.removeFirst()
                text.unicodeScalars.append(try escaped())
            default: text.unicodeScalars.append(scalar)
            }
            scalars.removeFirst()
        }
        throw problem("a text that does not end", "a closing '\"'")
    }

    private func escaped() throws -> Unicode.Scalar {
        switch scalars.first {
        case "\"": "\""
        case "\\": "\\"
        case "/": "/"
        default: throw problem("an escape that is not read here", "only \\\" and \\\\")
        }
    }

    private mutating func word() throws -> String {
        let found = scalars.prefix {
            $0.isASCII && ($0.properties.isAlphabetic || "0123456789-.".unicodeScalars.contains($0))
        }
        let text = String(String.UnicodeScalarView(found))
        guard text == "true" || text == "false" || Int(text) != nil else {
            throw problem("a value that is neither text, whole number, true nor false", "\"key\":\"value\"")
        }
        scalars = scalars.dropFirst(found.count)
        return text
    }
}
