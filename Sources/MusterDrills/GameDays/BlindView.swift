import MusterCore

extension GameDayRecord {
    /// The day as those may see it who are not to know which drills there are: what Muster says of drills is said of
    /// "drill 1", "drill 2", … instead, expectations and drills' files are left out, and so are the links to runs. What
    /// people said stays as they said it.
    public var seenBlindly: GameDayRecord {
        let cards = documents.filter { $0.kind == .expectation }
        var words: [(hidden: String, shown: String)] = []
        for (index, card) in cards.enumerated() {
            let shown = "drill \(index + 1)"
            words.append((card.path, shown))
            // Its first line is the title.
            if let line = card.text.split(separator: "\n").first, line.hasPrefix("title: ") {
                words.append((String(line.dropFirst(7)), shown))
            }
        }
        words += documents.filter { $0.kind == .drill }.map { ($0.path, "a drill") }
        // A name that is part of another one must not be replaced in it first.
        words = words.filter { !$0.hidden.isEmpty }.sorted { $0.hidden.count > $1.hidden.count }
        var seen = self
        seen.documents = documents.filter { $0.kind == .gameDay || $0.kind == .services }.map { document in
            var document = document
            document.text = ""
            return document
        }
        seen.entries = entries.map { Self.hide($0, words) }
        return seen
    }

    private static func hide(_ entry: GameDayEntry, _ words: [(hidden: String, shown: String)])
        -> GameDayEntry
    {
        var entry = entry
        entry.run = nil
        entry.runEvent = nil
        guard
            entry.source == .auto || entry.kind == .approval || entry.state != nil || entry.kind == .preflight
        else { return entry }
        entry.text = hide(entry.text, words)
        entry.detail = hide(entry.detail, words)
        if var event: GameDayDrillEvent = entry.detail(), entry.kind == .drill {
            event.outcome = nil
            entry.detail = event.value
        }
        return entry
    }

    private static func hide(_ value: Value, _ words: [(hidden: String, shown: String)]) -> Value {
        switch value {
        case .text(let text): .text(hide(text, words))
        case .list(let list): .list(list.map { hide($0, words) })
        case .map(let map): .map(map.mapValues { hide($0, words) })
        default: value
        }
    }

    private static func hide(_ text: String, _ words: [(hidden: String, shown: String)]) -> String {
        words.reduce(text) { replace($1.hidden, by: $1.shown, in: $0) }
    }

    /// Only whole words: a drill named `hang` says nothing about a change.
    private static func replace(_ word: String, by other: String, in text: String) -> String {
        let parts = text.split(separator: word, omittingEmptySubsequences: false)
        var result = ""
        for (index, part) in parts.enumerated() {
            result += part
            guard index + 1 < parts.count else { break }
            let isWhole =
                !(result.last.map(isInWord) ?? false) && !(parts[index + 1].first.map(isInWord) ?? false)
            result += isWhole ? other : word
        }
        return result
    }

    private static func isInWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
