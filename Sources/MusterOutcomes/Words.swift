import FoundationEssentials
import GRDB
import MusterCore

/// A column that holds what this version does not know.
struct UnreadableWord: Error, CustomStringConvertible {
    var description: String
}

/// The case of an enumeration that a text column names.
/// - Throws: `UnreadableWord`.
func word<Word: RawRepresentable>(_ row: Row, _ column: String) throws -> Word
where Word.RawValue == String {
    let text: String = row[column]
    guard let word = Word(rawValue: text) else {
        throw UnreadableWord(description: "column \(column) says '\(text)'")
    }
    return word
}

/// - Throws: `UnreadableWord`.
func json(_ text: String) throws -> Value {
    if text == "null" { return .null }
    do {
        return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
        throw UnreadableWord(description: "not JSON: '\(text.prefix(80))'")
    }
}

/// - Throws: `UnreadableWord`.
func jsonTexts(_ text: String) throws -> [String] {
    if text == "[]" { return [] }
    return try json(text).asList?.compactMap(\.asText) ?? []
}

/// The two columns and the flag of an interval; nil when there is none.
func interval(_ row: Row, _ prefix: String = "", censored: String) -> Interval? {
    guard let lower: Int64 = row[prefix + "lower_ns"] else { return nil }
    let upper: Int64? = row[prefix + "upper_ns"]
    return Interval(
        lower: .nanoseconds(lower), upper: row[censored] ? nil : upper.map { .nanoseconds($0) })
}
