public import MusterCore

/// Something that people want to be told of while they do not look.
public struct Notice: Hashable, Sendable {
    public enum Kind: String, FormWord, CaseIterable {
        /// A drill began.
        case start
        /// It was aborted, or whoever ran it died.
        case abort
        case verdict
        /// Something is still broken.
        case residue
        /// Something was due and did not run.
        case missed
        /// A critical finding.
        case finding
        /// Somebody tries whether notices arrive.
        case test
    }

    /// A ULID: whoever gets it twice knows it by that.
    public var id: String
    public var kind: Kind
    /// When it happened, nanoseconds since 1970 UTC.
    public var utcNanoseconds: Int64
    /// One line.
    public var title: String
    /// The rest, for people.
    public var text: String
    /// The rest, for programs: `drill`, `run`, `outcome`, `occurrence`, `verdict`, `exitCode`, `residue`, as far as they
    /// are known.
    public var detail: [String: Value]

    public init(
        id: String, _ kind: Kind, utc: Int64, title: String, text: String = "", detail: [String: Value] = [:]
    ) {
        self.id = id
        self.kind = kind
        utcNanoseconds = utc
        self.title = Self.cut(title, 500)
        self.text = Self.cut(text, 8000)
        self.detail = detail
    }

    /// The version of `value`: it grows by one when a key changes its meaning or goes.
    public static let format: Int64 = 1

    /// What is sent, without what is sent besides by the way it goes.
    public var value: Value {
        [
            "format": .int(Self.format), "id": .text(id), "kind": .text(kind.rawValue),
            "at": .text(Moment(utcNanoseconds: utcNanoseconds).text), "title": .text(title),
            "text": .text(text), "detail": .map(detail),
        ]
    }

    /// Whole words of people, and no more than a message can hold.
    private static func cut(_ text: String, _ most: Int) -> String {
        text.count <= most ? text : text.prefix(most - 1) + "…"
    }
}

/// Somewhere to tell of notices.
public struct NoticeChannel: Hashable, Sendable {
    public enum Way: Hashable, Sendable {
        /// HTTP POST. URL and secret may be references, `${env:NAME}` or `${file:PATH}`, which are looked up when it is
        /// sent and never kept.
        case webhook(url: String, secret: String?, body: Body)
        /// A program with its arguments; the notice is on its standard input.
        case command([String])
    }

    public enum Body: String, FormWord {
        /// All of it.
        case json
        /// `{"text": …}`, as Slack, Mattermost and others take it.
        case text
    }

    public var name: String
    public var way: Way
    /// What it wants to hear of.
    public var kinds: Set<Notice.Kind>
    /// For how long one try may take.
    public var timeout: Duration
    /// For how long it is tried.
    public var giveUpAfter: Duration

    public init(
        name: String, way: Way, kinds: Set<Notice.Kind>, timeout: Duration = .seconds(10),
        giveUpAfter: Duration = .seconds(86_400)
    ) {
        self.name = name
        self.way = way
        self.kinds = kinds
        self.timeout = timeout
        self.giveUpAfter = giveUpAfter
    }

    /// Whether it is sent a notice of that kind; a trial goes to everybody.
    public func wants(_ kind: Notice.Kind) -> Bool { kind == .test || kinds.contains(kind) }

    /// How long to wait after a try that failed: 5 s, twice as long each time, at most 10 min; of that something
    /// between half and all, so that those that failed together do not come together again.
    /// - Parameters:
    ///   - attempts: tries so far; at least 1.
    ///   - random: from 0 to 1.
    public static func pause(after attempts: Int, random: Double) -> Duration {
        let longest = 5 * Double(1 << min(max(attempts, 1) - 1, 7))
        return .seconds(Int64((min(longest, 600) * (0.5 + 0.5 * min(max(random, 0), 1))).rounded(.up)))
    }
}
