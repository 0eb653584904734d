public import MusterCore

/// What reading everything back found.
public struct ReadBack: Sendable {
    /// One entry as it was found. 16 bytes, because there may be ten million of them.
    public struct Found: Hashable, Sendable {
        private var stream: Int32
        /// 30 bits; the two above them say what is wrong with it.
        private var copies: UInt32
        private var sequence: Int64

        private static let damaged: UInt32 = 1 << 30
        private static let misplaced: UInt32 = 1 << 31

        public var key: EntryKey {
            get { EntryKey(stream: stream, sequence: sequence) }
            set {
                stream = newValue.stream
                sequence = newValue.sequence
            }
        }
        public var isIntact: Bool {
            get { copies & Self.damaged == 0 }
            set { copies = newValue ? copies & ~Self.damaged : copies | Self.damaged }
        }
        /// It stands after an entry that its stream wrote later.
        public var isMisplaced: Bool {
            get { copies & Self.misplaced != 0 }
            set { copies = newValue ? copies | Self.misplaced : copies & ~Self.misplaced }
        }
        /// How many times it was there.
        public var count: Int {
            get { Int(copies & ~(Self.damaged | Self.misplaced)) }
            set {
                let flags = copies & (Self.damaged | Self.misplaced)
                copies = flags | min(UInt32(clamping: newValue), Self.damaged - 1)
            }
        }

        public init(key: EntryKey, isIntact: Bool, count: Int = 1, isMisplaced: Bool = false) {
            stream = key.stream
            sequence = key.sequence
            copies = 0
            self.count = count
            self.isIntact = isIntact
            self.isMisplaced = isMisplaced
        }
    }

    /// The same, from a copy of the store.
    public struct Replica: Sendable {
        /// As the drill names it, such as its URL.
        public var name: String
        public var found: [Found]
        public var agreed: Bool
        public var passes: Int
        public var problems: [String]
        public var unread: [EntryKey]

        public init(
            name: String, found: [Found], agreed: Bool, passes: Int, problems: [String] = [],
            unread: [EntryKey] = []
        ) {
            self.name = name
            self.found = found
            self.agreed = agreed
            self.passes = passes
            self.problems = problems
            self.unread = unread
        }

        public var isComplete: Bool { agreed && problems.isEmpty && unread.isEmpty }
    }

    /// By key; in this order classification costs no sorting.
    public var found: [Found]
    /// Whether two passes in a row agreed.
    public var agreed: Bool
    /// Entries absent in an earlier pass and present in a later one.
    public var late: [EntryKey]
    public var passes: Int
    /// Why it is not complete; empty when every entry was asked for and answered.
    public var problems: [String]
    /// Asked for without an answer, or not asked for: whether they are there is not known.
    public var unread: [EntryKey]
    /// The store cannot tell which keys it holds, so that only what was written could be asked for.
    public var cannotList: Bool
    /// Proof of damage beside the entries, in words: a failed check of the whole store, a broken invariant.
    public var violations: [String] = []
    /// Which entries were asked for, where that was a sample; nil: all of them.
    public var sample: ReadSample?
    /// What copies of the store hold, read after the store itself.
    public var replicas: [Replica] = []
    /// From the beginning to the end of the last pass.
    public var lastPass: Bracket?
    /// What a reader should know, such as that the store may drop entries by itself.
    public var hints: [String] = []

    public init(
        found: [Found], agreed: Bool, late: [EntryKey] = [], passes: Int, problems: [String] = [],
        unread: [EntryKey] = [], cannotList: Bool = false
    ) {
        self.found = found
        self.agreed = agreed
        self.late = late
        self.passes = passes
        self.problems = problems
        self.unread = unread
        self.cannotList = cannotList
    }

    /// Whether everything that was asked for was answered, twice alike. What a sample left out is another matter.
    public var isComplete: Bool { agreed && problems.isEmpty && unread.isEmpty }
}

/// Entries of one stream in a row of which reading found the same.
public struct ReadRun: Hashable, Sendable {
    public enum State: String, Sendable {
        case absent, intact, damaged, unread
        /// Intact, but after an entry that its stream wrote later.
        case misplaced
    }

    public var stream: Int32
    public var numbers: ClosedRange<Int64>
    public var state: State
    /// How many times each was there.
    public var count: Int

    public init(stream: Int32, numbers: ClosedRange<Int64>, state: State, count: Int = 1) {
        self.stream = stream
        self.numbers = numbers
        self.state = state
        self.count = count
    }

    public var isPresent: Bool { state != .absent && state != .unread }
}
