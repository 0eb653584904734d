import MusterCore
import Yams

/// Says in a person's words what the YAML parser could not read.
enum YamlComplaint {
    static func problem(_ error: YamlError, keys: [YamlScanner.Key]) -> FormProblem {
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml),
            .composer(let context, let problem, let mark, let yaml):
            return FormProblem(
                "cannot read this as YAML: \(words(problem))\(words(context))", at: place(mark),
                expected: advice(problem, line(mark, of: yaml)))
        case .reader(let problem, _, _, _):
            return FormProblem("cannot read this as YAML: \(problem)", at: nil, expected: "printable text")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return duplicate(duplicates, first: place(context.mark), keys)
        default:
            return FormProblem("cannot read this as YAML: \(error)", at: nil)
        }
    }

    private static func place(_ mark: Mark) -> Place? {
        mark.line > 0 ? Place(line: mark.line, column: max(1, mark.column)) : nil
    }

    private static func words(_ problem: String) -> String { problem.replacing("\n", with: " ") }

    private static func words(_ context: YamlError.Context?) -> String {
        context.map { " (\($0.text), which began in line \($0.mark.line))" } ?? ""
    }

    private static func line(_ mark: Mark, of yaml: String) -> Substring {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
    }

    private static func advice(_ problem: String, _ line: Substring) -> String? {
        if line.contains("${"), line.contains(where: { $0 == "[" || $0 == "{" }),
            problem.contains("expected ','")
        {
            return "quotes around text with ${…} when it stands inside { } or [ ]"
        }
        if problem.contains("mapping values are not allowed") {
            return "quotes around text that contains ': ', and keys of one mapping in one column"
        }
        if problem.contains("could not find expected ':'") {
            return "'key: value' on every line of a mapping"
        }
        if problem.contains("did not find expected key") {
            return "keys of one mapping in one column, and no text behind a closing quote or bracket"
        }
        if problem.contains("expected ',' or") { return "',' between the entries, and a closing bracket" }
        if problem.contains("unexpected end of stream") { return "a closing quote" }
        if problem.contains("cannot start any token") { return "quotes around text that begins like this" }
        if problem.contains("block sequence entries are not allowed") { return "'- ' on a line of its own" }
        if problem.contains("another document") { return "one document in a file" }
        return nil
    }

    /// The composer names the first of the equal keys; people want to see the second.
    private static func duplicate(_ words: [String], first: Place?, _ keys: [YamlScanner.Key]) -> FormProblem
    {
        let word = words.first ?? ""
        guard let start = keys.firstIndex(where: { $0.place == first }) else {
            return FormProblem("the key '\(word)' stands here twice", at: first, expected: "each key once")
        }
        let second = keys[(start + 1)...].first {
            $0.text == keys[start].text && $0.flowDepth == keys[start].flowDepth
                && ($0.flowDepth > 0 || $0.place.column == keys[start].place.column)
        }
        return FormProblem(
            "the key '\(word)' stood in line \(keys[start].place.line) already", at: second?.place ?? first,
            expected: "each key once")
    }
}
