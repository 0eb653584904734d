public import MusterCore

/// A way into a JSON document (RFC 6901), such as `/replicas/0/state`; the empty one is the whole document.
public struct JSONPointer: Hashable, Sendable {
    private let parts: [String]

    /// - Returns: nil when it is not one.
    public init?(_ text: String) {
        guard text.isEmpty || text.hasPrefix("/") else { return nil }
        var parts: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let part = Self.unescaped(part) else { return nil }
            parts.append(part)
        }
        self.parts = parts
    }

    /// `~1` is a slash and `~0` a tilde; no other tilde may stand.
    private static func unescaped(_ text: Substring) -> String? {
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "~" else {
                result.append(scalar)
                continue
            }
            switch scalars.next() {
            case "0": result.append("~")
            case "1": result.append("/")
            default: return nil
            }
        }
        return String(result)
    }

    /// - Returns: nil when there is nothing.
    public func find(in document: Value) -> Value? {
        var value = document
        for part in parts {
            switch value {
            case .map(let members):
                guard let member = members[part] else { return nil }
                value = member
            case .list(let items):
                // RFC 6901, 4: digits without a leading zero.
                guard let index = Int(part), String(index) == part, items.indices.contains(index) else {
                    return nil
                }
                value = items[index]
            default: return nil
            }
        }
        return value
    }
}

/// Why these are not values to look for in JSON; nil when they are.
public func pointersProblem(_ values: [String: some Sendable]) -> String? {
    values.keys.allSatisfy { JSONPointer($0) != nil }
        ? nil : "pointers into the JSON with their values, such as /status: up (RFC 6901)"
}
