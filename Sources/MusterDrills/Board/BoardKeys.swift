import MusterCore

/// What is typed at the board, byte for byte, and what it comes to.
public struct BoardKeys: Sendable {
    /// Of a note.
    public enum NoteKind: String, Sendable, CaseIterable {
        case note, todo, decision
    }

    public enum Action: Hashable, Sendable {
        /// Leave the board; the run goes on.
        case leave
        case note(NoteKind, String)
        case abort
        /// A sign of life, for the dead man's switch of a game day.
        case heartbeat
        /// I have begun to work on the question of that number.
        case begin(Int)
        case confirm(Int, evidence: String?)
        case refuse(Int, reason: String)
    }

    /// What keys may do now.
    public struct Standing: Sendable {
        /// nil: only looks on.
        public var attendee: Attendee?
        /// Open ones, oldest first.
        public var questions: [Question]
        /// Whether there is a run that can be aborted.
        public var isLive: Bool
        /// Whether the board belongs to the process that runs the drill, which cannot be left.
        public var ownsRun: Bool
        /// Whether a game day runs that wants signs of life.
        public var wantsHeartbeat: Bool

        public init(
            attendee: Attendee?, questions: [Question], isLive: Bool, ownsRun: Bool,
            wantsHeartbeat: Bool = false
        ) {
            self.attendee = attendee
            self.questions = questions
            self.isLive = isLive
            self.ownsRun = ownsRun
            self.wantsHeartbeat = wantsHeartbeat
        }
    }

    private enum Mode: Hashable {
        case normal, help, sure
        case noting(NoteKind)
        case evidence(Int, ask: String)
        case reason(Int)
    }

    private var mode = Mode.normal
    private var typed: [UInt8] = []
    /// Bytes of an escape sequence that is not over.
    private var escape: [UInt8]?
    public private(set) var notice: String?

    private static let longest = 2000

    public init() {}

    /// - Parameter bytes: as they came in one piece: an escape character that ends it was the key of that name.
    public mutating func take(_ bytes: [UInt8], _ standing: Standing) -> [Action] {
        var actions: [Action] = []
        for (index, byte) in bytes.enumerated() {
            if escape != nil {
                swallow(byte)
                continue
            }
            if byte == 0x1B {
                if index + 1 < bytes.count { escape = [] } else { leaveMode() }
                continue
            }
            if let action = take(byte, standing) { actions.append(action) }
        }
        return actions
    }

    /// Says something until the next key.
    public mutating func say(_ text: String) { notice = text }

    /// What stands below the board in place of the keys; empty: the keys do.
    public var prompt: [String] {
        let text = String(decoding: typed, as: UTF8.self)
        return switch mode {
        case .normal: []
        case .help: Self.help
        case .sure:
            [
                "ABORT: everything is put back at once, measuring goes on until it is steady, and it is reported.",
                "Press y to abort, any other key to go on",
            ]
        case .noting(let kind): ["Enter keeps it, Esc drops it", "\(kind.rawValue)> \(text)_"]
        case .evidence(_, let ask): ["Enter confirms, Esc does not", "\(ask)> \(text)_"]
        case .reason: ["Enter refuses the step, Esc does not", "why not> \(text)_"]
        }
    }

    private static let help = [
        "a abort: asks once more, then everything is put back, measured on and reported",
        "b I have begun with the manual step   c it is done   r it will not be done, and why",
        "n t d note down a note, a todo, a decision   h I am here, where a heartbeat is due   q leave; the run goes on",
        "= up  x down  ~ both  ? not known;  log bar: # to p50, = to p95, - to p99, . to the longest",
        "any key goes back",
    ]

    /// CSI and SS3 sequences end with a byte from @ to ~ (ECMA-48, 5.4); other keys with Alt are one byte longer.
    private mutating func swallow(_ byte: UInt8) {
        let isIntroducer = escape?.isEmpty == true && (byte == 0x5B || byte == 0x4F)
        let isOver = !isIntroducer && (escape?.isEmpty == true || (0x40...0x7E).contains(byte))
        escape = isOver || (escape?.count ?? 0) > 32 ? nil : (escape ?? []) + [byte]
    }

    private mutating func leaveMode() {
        mode = .normal
        typed = []
        notice = nil
    }

    private mutating func take(_ byte: UInt8, _ standing: Standing) -> Action? {
        switch mode {
        case .normal:
            notice = nil
            return key(byte, standing)
        case .help:
            leaveMode()
            return nil
        case .sure:
            leaveMode()
            guard byte == UInt8(ascii: "y") || byte == UInt8(ascii: "Y") else {
                notice = "not aborted"
                return nil
            }
            return .abort
        case .noting, .evidence, .reason: return line(byte)
        }
    }

    private mutating func line(_ byte: UInt8) -> Action? {
        switch byte {
        case 0x0A, 0x0D: return entered()
        case 0x15: typed = []
        case 0x7F, 0x08:
            // A character is all of its bytes.
            while let last = typed.popLast(), last & 0xC0 == 0x80 {}
        case 0x20...: if typed.count < Self.longest { typed.append(byte) }
        default: break
        }
        return nil
    }

    private mutating func entered() -> Action? {
        let text = String(decoding: typed, as: UTF8.self)
        guard text.contains(where: { !$0.isWhitespace }) else {
            notice = "it cannot be empty"
            return nil
        }
        defer { leaveMode() }
        return switch mode {
        case .noting(let kind): .note(kind, text)
        case .evidence(let number, _): .confirm(number, evidence: text)
        case .reason(let number): .refuse(number, reason: text)
        case .normal, .help, .sure: nil
        }
    }

    private mutating func key(_ byte: UInt8, _ standing: Standing) -> Action? {
        let key = Character(Unicode.Scalar(byte))
        if key == "?" {
            mode = .help
            return nil
        }
        if key == "q" {
            guard standing.ownsRun else { return .leave }
            notice = "this terminal runs the drill; a, or Ctrl-C, aborts it"
            return nil
        }
        guard "anhtdbcr".contains(key) else { return nil }
        guard standing.attendee != nil else {
            notice = "looking on only: attach with --as NAME to take part"
            return nil
        }
        switch key {
        case "a":
            if standing.isLive { mode = .sure } else { notice = "nothing runs that could be aborted" }
        case "h":
            if standing.wantsHeartbeat { return .heartbeat }
            notice = "nothing here waits for a heartbeat"
        case "n": mode = .noting(.note)
        case "t": mode = .noting(.todo)
        case "d": mode = .noting(.decision)
        default: return answer(key, standing)
        }
        return nil
    }

    /// The oldest question that this person may answer, or else the oldest, to say why not.
    private mutating func answer(_ key: Character, _ standing: Standing) -> Action? {
        guard let attendee = standing.attendee,
            let question = standing.questions.first(where: { attendee.obstacle(to: $0.role) == nil })
                ?? standing.questions.first
        else {
            notice = "no manual step waits for anybody"
            return nil
        }
        if let obstacle = attendee.obstacle(to: question.role) {
            notice = "'\(question.step)': \(obstacle)"
            return nil
        }
        switch key {
        case "b": return .begin(question.number)
        case "r": mode = .reason(question.number)
        default:
            guard let ask = question.ask else { return .confirm(question.number, evidence: nil) }
            mode = .evidence(question.number, ask: ask)
        }
        return nil
    }
}
