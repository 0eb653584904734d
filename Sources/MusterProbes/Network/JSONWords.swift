import MusterCore

extension Value {
    /// Whether a person who wrote `text` would call it this: numbers by their value, lists and objects as JSON.
    func reads(as text: String) -> Bool {
        switch self {
        case .null: text == "null"
        case .bool(let bool): text == (bool ? "true" : "false")
        case .text(let own): text == own
        case .int, .double, .list, .map: (try? JSONText.value(Array(text.utf8))) == self
        }
    }
}
