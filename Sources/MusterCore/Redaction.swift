/// Keeps secrets out of what is shown and stored, wherever the text comes from: programs repeat what they were
/// given in their errors.
public struct Redaction: Hashable, Sendable {
    /// The longest first: hiding a part of another would leave the rest of that one readable.
    private let secrets: [String]

    /// - Parameter secrets: those of one or two characters are not hidden, because little would be left to read.
    public init(_ secrets: some Sequence<String>) {
        self.secrets = Set(secrets.filter { $0.count > 2 }).sorted { ($1.count, $0) < ($0.count, $1) }
    }

    /// The text with `***` in place of every secret.
    public func text(_ text: String) -> String {
        secrets.reduce(text) { $0.replacing($1, with: "***") }
    }

    /// The value with the same done to every text in it; keys are our own and stay.
    public func value(_ value: Value) -> Value {
        switch value {
        case .text(let text): .text(self.text(text))
        case .list(let list): .list(list.map(self.value))
        case .map(let map): .map(map.mapValues(self.value))
        case .null, .bool, .int, .double: value
        }
    }
}
