import MusterCore

/// A command line that cannot be understood.
struct UsageError: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// The words after a command: options with values, flags, and what stands behind `--`.
struct Arguments {
    private var options: [String: [String]] = [:]
    private var flags: Set<String> = []
    let rest: [String]

    /// - Parameters:
    ///   - valued: options that take a value; may be given several times.
    ///   - flags: options that take none.
    init(_ words: [String], valued: Set<String>, flags known: Set<String> = [], rest takesRest: Bool = false)
        throws
    {
        var left = words[...]
        var behind: [String] = []
        while let word = left.popFirst() {
            if word == "--", takesRest {
                behind = Array(left)
                break
            }
            guard word.hasPrefix("--") else { throw UsageError("'\(word)' is not expected here") }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0].dropFirst(2))
            if known.contains(name), parts.count == 1 {
                flags.insert(name)
            } else if valued.contains(name) {
                guard let value = parts.count == 2 ? String(parts[1]) : left.popFirst() else {
                    throw UsageError("--\(name) wants a value")
                }
                options[name, default: []].append(value)
            } else {
                let nearest = nearestWord(to: name, among: valued.union(known)).map {
                    "; did you mean --\($0)?"
                }
                throw UsageError("unknown option --\(name)" + (nearest ?? ""))
            }
        }
        rest = behind
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }
    func text(_ name: String) -> String? { options[name]?.last }
    func texts(_ name: String) -> [String] { options[name] ?? [] }

    func required(_ name: String) throws -> String {
        guard let text = text(name) else { throw UsageError("--\(name) is missing") }
        return text
    }

    func duration(_ name: String) throws -> Duration? {
        guard let text = text(name) else { return nil }
        guard let duration = Duration(units: text), duration > .zero, duration <= .longest
        else {
            throw UsageError("--\(name) \(text): expected a duration with its unit, such as 250ms or 5s")
        }
        return duration
    }

    func integer(_ name: String) throws -> Int32? {
        guard let text = text(name) else { return nil }
        guard let number = Int32(text) else { throw UsageError("--\(name) \(text): expected a whole number") }
        return number
    }

    func injection(_ name: String) throws -> InjectionID? {
        guard let text = text(name) else { return nil }
        guard let id = InjectionID(text) else { throw UsageError("--\(name) \(text): not an injection id") }
        return id
    }
}
