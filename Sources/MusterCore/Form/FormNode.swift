/// Where a piece of text stands in a file, for error messages. Lines and columns count from 1.
public struct Place: Hashable, Sendable {
    public var line: Int
    public var column: Int
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A tree of text as a person wrote it, before anything is interpreted. Scalars stay text until a form
/// says what they are: `12:30` is not 750 and `no` is not false.
public struct FormNode: Sendable {
    public enum Content: Sendable {
        case scalar(String)
        case list([FormNode])
        case map([Entry])
        /// A key without a value.
        case nothing
    }

    public struct Entry: Sendable {
        public var key: String
        public var keyPlace: Place?
        public var value: FormNode
        public init(key: String, keyPlace: Place? = nil, value: FormNode) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }
    }

    public var content: Content
    public var place: Place?

    public init(_ content: Content, place: Place? = nil) {
        self.content = content
        self.place = place
    }

    public var text: String? { if case .scalar(let text) = content { text } else { nil } }
    public var list: [FormNode]? { if case .list(let list) = content { list } else { nil } }
    public var entries: [Entry]? { if case .map(let entries) = content { entries } else { nil } }

    /// The value under `key` of a map.
    public subscript(key: String) -> FormNode? { entries?.first { $0.key == key }?.value }

    /// What stands here, in a person's words: `a list`, `"250"`.
    public var inWords: String {
        switch content {
        case .scalar(let text): "'\(text)'"
        case .list: "a list"
        case .map: "a mapping"
        case .nothing: "nothing"
        }
    }
}

extension FormNode {
    /// Plain data as it comes over the wire or out of the journal.
    public init(_ value: Value) {
        switch value {
        case .null: self.init(.nothing)
        case .bool(let bool): self.init(.scalar(bool ? "true" : "false"))
        case .int(let int): self.init(.scalar(String(int)))
        case .double(let double): self.init(.scalar("\(double)"))
        case .text(let text): self.init(.scalar(text))
        case .list(let list): self.init(.list(list.map { FormNode($0) }))
        case .map(let map):
            self.init(
                .map(map.sorted { $0.key < $1.key }.map { Entry(key: $0.key, value: FormNode($0.value)) }))
        }
    }
}

/// One thing that is wrong with a text: what, where, what was expected, what to do.
public struct FormProblem: Error, Hashable, Sendable {
    public var place: Place?
    /// The way from the root, such as `steps[0].with.signal`.
    public var path: String
    /// What is wrong, a sentence without a full stop.
    public var message: String
    /// What would have been right.
    public var expected: String?
    /// The nearest known word, where a word was unknown.
    public var nearest: String?

    public init(
        _ message: String, at place: Place?, path: String = "", expected: String? = nil,
        nearest: String? = nil
    ) {
        // They quote what people wrote, passwords where none belongs among it.
        self.message = hidingPasswords(message)
        self.place = place
        self.path = path
        self.expected = expected.map { hidingPasswords($0) }
        self.nearest = nearest.map { hidingPasswords($0) }
    }

    /// The same problem seen from one level further out.
    public func under(_ component: String, place outer: Place? = nil) -> FormProblem {
        var problem = self
        problem.path =
            path.isEmpty ? component : path.hasPrefix("[") ? component + path : component + "." + path
        problem.place = place ?? outer
        return problem
    }
}

/// All that is wrong with a text; never empty.
public struct FormProblems: Error, Sendable {
    public var problems: [FormProblem]
    public init(_ problems: [FormProblem]) {
        precondition(!problems.isEmpty)
        self.problems = problems
    }
}

/// The known word nearest to `word` by edit distance, when it is near enough to be a slip of the finger.
public func nearestWord(to word: String, among known: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    let near = known.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }.filter { $0.1 <= limit }
    return near.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

/// Levenshtein distance, with a swap of neighbours counted once (Damerau's optimal string alignment).
func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.prefix(64))
    let b = Array(b.prefix(64))
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        for j in 1...b.count {
            var best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                best = min(best, before[j - 2] + 1)
            }
            row.append(best)
        }
        before = last
        last = row
    }
    return last[b.count]
}
