import MusterCore

/// JSON Schema of forms and shapes.
///
/// Text that holds `${…}` is let through wherever a unit or a number is wanted, because an editor checks the
/// file before variables are replaced.
enum FormSchema {
    /// Names become parts of paths, cgroups and environment variables.
    static let name = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"
    private static let number = "[0-9]+(\\.[0-9]+)?"
    private static let variable = "\\$\\{"

    static func object(_ form: FormDescription) -> [String: Value] {
        var properties: [String: Value] = [:]
        var required: [Value] = []
        for field in form.fields where field.shape != NotYet.shape {
            var property = schema(field.shape).asMap ?? [:]
            property["description"] = .text(field.sentence)
            if let text = field.defaultText {
                property["description"] = .text(withDefault(field.sentence, text))
            }
            properties[field.name] = .map(property)
            if field.isRequired { required.append(.text(field.name)) }
        }
        var object: [String: Value] = [
            "type": "object", "properties": .map(properties), "additionalProperties": false,
        ]
        if !form.summary.isEmpty { object["description"] = .text(form.summary) }
        if !required.isEmpty { object["required"] = .list(required) }
        return object
    }

    private static func withDefault(_ sentence: String, _ text: String) -> String {
        ["", "{}", "[]"].contains(text) ? sentence : "\(sentence) Default: \(text)."
    }

    static func schema(_ shape: Shape) -> Value {
        switch shape {
        case .text: ["type": ["string", "number", "boolean"]]
        case .words(let words): orVariable(["enum": .list(words.map { .text($0) })])
        case .boolean: orVariable(["type": "boolean"])
        case .integer(nil): orVariable(["type": "integer"])
        case .integer(.some(let range)):
            orVariable([
                "type": "integer", "minimum": .int(Int64(range.lowerBound)),
                "maximum": .int(Int64(range.upperBound)),
            ])
        case .decimal: orVariable(["type": "number"])
        case .duration: unit("(\(number)(d|h|ms|m|s|us|ns))+", "250ms, 90s, 1h30m")
        case .size: unit("\(number)(TiB|GiB|MiB|KiB|TB|GB|MB|KB|kB|B)", "512KiB, 1GiB")
        case .percentage: unit("\(number)%", "80%")
        case .rate: unit("\(number)/(s|m)", "500/s")
        case .byteRate: unit("\(number)(TiB|GiB|MiB|KiB|TB|GB|MB|KB|kB|B)/s", "50KB/s")
        case .list(let item): ["type": "array", "items": schema(item)]
        case .map(let item):
            ["type": "object", "additionalProperties": schema(item)]
        case .form(let form): .map(object(form))
        case .either(let shapes): ["anyOf": .list(shapes.map(schema))]
        }
    }

    private static func unit(_ pattern: String, _ example: String) -> Value {
        [
            "type": "string", "pattern": .text("^(\(pattern))$|\(variable)"),
            "examples": .list(example.split(separator: ", ").map { .text(String($0)) }),
        ]
    }

    private static func orVariable(_ schema: Value) -> Value {
        ["anyOf": [schema, ["type": "string", "pattern": .text(variable)]]]
    }
}

/// JSON for people: sorted keys, two blanks.
enum PrettyJSON {
    static func text(_ value: Value) -> String { lines(value, "") + "\n" }

    private static func lines(_ value: Value, _ indent: String) -> String {
        let inner = indent + "  "
        switch value {
        case .map(let map) where !map.isEmpty:
            let entries = map.sorted { $0.key < $1.key }.map { key, value in
                inner + Value.text(key).canonicalJSON + ": " + lines(value, inner)
            }
            return "{\n" + entries.joined(separator: ",\n") + "\n\(indent)}"
        case .list(let list) where list.contains { $0.asMap != nil || $0.asList != nil }:
            return "[\n" + list.map { inner + lines($0, inner) }.joined(separator: ",\n") + "\n\(indent)]"
        default: return value.canonicalJSON
        }
    }
}
