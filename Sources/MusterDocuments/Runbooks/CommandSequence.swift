/// Finds the command that a block goes on with although the one before it failed. Reads just enough of a shell's
/// grammar for that (POSIX.1-2017, XCU 2.9 and 2.10): lists, and the compound commands that hold lists.
struct CommandSequence {
    private var text: ShellText
    private var lists = [List(kind: .whole, isFallback: false)]
    /// Whether a command may begin here, so that a reserved word is one.
    private var isAtCommand = true
    /// What ties the next command to the one before it.
    private var joint = Joint.none
    private var documents: [ShellText.Document] = []
    private var isRedirected = false
    private var second: Int?

    private enum Joint { case none, or, other }

    private struct List {
        enum Kind { case whole, keyword, brace, parenthesis, cases, pattern, branch }
        var kind: Kind
        /// Behind `||`: of somebody who has thought of the failure.
        var isFallback: Bool
        var hasCommand = false
    }

    private init(_ body: String) { text = ShellText(body) }

    /// - Returns: the line of the block, from 1, of the first command that runs whatever became of the one before
    ///   it; nil where there is none, and where the block begins with `set -e` or, because somebody means it so,
    ///   with `set +e`.
    static func unchecked(in body: String) -> Int? {
        if saysWhatHappens(body) { return nil }
        var sequence = CommandSequence(body)
        sequence.read()
        return sequence.second
    }

    /// `set -e`, `set -eu`, `set -o errexit`, or the same with a plus.
    private static func saysWhatHappens(_ body: String) -> Bool {
        let first =
            body.lines.lazy.map { $0.drop { $0 == " " || $0 == "\t" } }
            .first { !$0.isEmpty && !$0.hasPrefix("#") } ?? ""
        let words = first.prefix { !";&|#".contains($0) }.split { $0 == " " || $0 == "\t" }
        guard words.first == "set" else { return false }
        let options = words.prefix { $0 != "--" }
        return zip(options, options.dropFirst()).contains { before, word in
            let isFlag = word.hasPrefix("-") || word.hasPrefix("+")
            return isFlag && word.contains("e") || word == "errexit" && ["-o", "+o"].contains(before)
        }
    }

    private mutating func read() {
        while second == nil, let scalar = text.current {
            switch scalar {
            case " ", "\t": text.advance()
            case "\n": readNewline()
            case "\\" where text.peek(1) == "\n": text.advance(2)
            case "#": text.skip { $0 != "\n" }
            case "<", ">": readRedirection()
            case "(", ")": readParenthesis()
            case ";", "&", "|": readOperator()
            default: readWord()
            }
        }
    }

    private mutating func readNewline() {
        text.advance()
        for document in documents { text.skip(document) }
        documents = []
        isAtCommand = true
    }

    private mutating func readOperator() {
        if text.starts(with: "&>") {
            text.advance(2)
            isRedirected = true
        } else if text.starts(with: "&&") || text.starts(with: "||") {
            join(text.current == "|" ? .or : .other)
            text.advance(2)
        } else if text.current == "|" {
            join(.other)
            text.advance(text.starts(with: "|&") ? 2 : 1)
        } else if text.starts(with: ";;") || text.starts(with: ";&") {
            text.skip { $0 == ";" || $0 == "&" }
            if lists.last?.kind == .branch { lists[lists.count - 1].kind = .pattern }
        } else {
            text.advance()
            isAtCommand = true
        }
    }

    private mutating func join(_ joint: Joint) {
        self.joint = joint
        isAtCommand = true
    }

    private mutating func readRedirection() {
        if text.starts(with: "<<<") {
            text.advance(3)
        } else if text.starts(with: "<<") {
            documents.append(text.document())
            return
        } else if text.peek(1) == "(" {
            text.advance(2)
            text.skipNested(until: ")")
            isRedirected = false
            return
        } else {
            text.advance()
            text.skip { "<>&|".unicodeScalars.contains($0) }
        }
        isRedirected = true
    }

    private mutating func readParenthesis() {
        let kind = lists.last?.kind
        if text.current == ")" {
            text.advance()
            if kind == .pattern {
                beginList(.branch, of: .pattern)
            } else if kind == .parenthesis {
                close([.parenthesis])
            }
        } else if kind == .pattern {
            text.advance()
        } else if text.starts(with: "((") {
            if isAtCommand { begin() }
            text.advance()
            text.skipNested(until: ")")
        } else if isAtCommand {
            open(.parenthesis)
            text.advance()
        } else {
            // The definition of a function, whose body belongs to it.
            text.advance()
            text.skip(while: ShellText.isBlank)
            if text.current == ")" { text.advance() }
            join(.other)
        }
    }

    private mutating func readWord() {
        let start = text
        let word = text.word()
        if isRedirected {
            isRedirected = false
            return
        }
        switch lists.last?.kind {
        case .cases:
            if word == "in" { lists[lists.count - 1].kind = .pattern }
            return
        case .pattern:
            if word == "esac" { close([.pattern]) }
            return
        default: break
        }
        guard isAtCommand else { return }
        readCommandWord(word, start)
    }

    private mutating func readCommandWord(_ word: String, _ start: ShellText) {
        switch word {
        case "if", "while", "until": open(.keyword, start)
        case "for", "select":
            open(.keyword, start)
            isAtCommand = false
        case "case":
            open(.cases, start)
            isAtCommand = false
        case "{": open(.brace, start)
        case "then", "do", "else", "elif": beginList(.keyword, of: .keyword)
        case "fi", "done": close([.keyword])
        case "esac": close([.branch])
        case "}": close([.brace])
        case "!", "time": break
        case "function":
            begin(start)
            text.skip(while: ShellText.isBlank)
            _ = text.word()
            if text.starts(with: "()") { text.advance(2) }
            join(.other)
        default: begin(start)
        }
    }

    // MARK: Lists

    @discardableResult private mutating func begin(_ start: ShellText? = nil) -> Joint {
        let joint = joint
        self.joint = .none
        isAtCommand = false
        let list = lists[lists.count - 1]
        if joint == .none, list.hasCommand, !list.isFallback { second = (start ?? text).line }
        lists[lists.count - 1].hasCommand = true
        return joint
    }

    private mutating func open(_ kind: List.Kind, _ start: ShellText? = nil) {
        let outer = lists[lists.count - 1].isFallback
        let joint = begin(start)
        lists.append(List(kind: kind, isFallback: outer || joint == .or))
        isAtCommand = true
    }

    /// The next list of the same compound command.
    private mutating func beginList(_ kind: List.Kind, of compound: List.Kind) {
        guard lists[lists.count - 1].kind == compound else { return }
        lists[lists.count - 1].kind = kind
        lists[lists.count - 1].hasCommand = false
        joint = .none
        isAtCommand = true
    }

    private mutating func close(_ kinds: Set<List.Kind>) {
        if lists.count > 1, kinds.contains(lists[lists.count - 1].kind) { lists.removeLast() }
        isAtCommand = false
    }
}
