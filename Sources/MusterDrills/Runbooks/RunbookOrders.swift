public import MusterCore

extension RunbookMachine {
    /// What is to be done next.
    public enum Order: Sendable {
        /// Run the block of the step, and end everything that it started when the time is over.
        case attempt(RunbookItem, number: Int, within: Duration)
        case pause(until: Instant)
        /// Show it to a person, and wait for the answer.
        case ask(RunbookItem, within: Duration)
        case finish(RunbookResult)
    }

    /// What came of it.
    public enum Reply: Sendable {
        case begin
        case attempted(Attempt)
        case paused
        case answered(Answer)
        /// While it was carried out, somebody broke the run off.
        case cancelled(reason: String)
    }

    /// How one attempt ended.
    public struct Attempt: Sendable {
        public enum End: Hashable, Sendable {
            case succeeded
            /// - code: nil when there was no program that could exit.
            case failed(code: Int?, reason: String)
            case timedOut
        }
        public var end: End
        /// The end of what it said, without secrets.
        public var output: String
        /// Lines that it said before that.
        public var linesBefore: Int
        /// What a capture found; nil otherwise, and for a secret.
        public var value: String?

        public init(_ end: End, output: String = "", linesBefore: Int = 0, value: String? = nil) {
            self.end = end
            self.output = output
            self.linesBefore = linesBefore
            self.value = value
        }
    }

    /// What a person said, and when.
    public struct Answer: Sendable {
        public enum Word: Hashable, Sendable {
            case done
            case refused(reason: String)
            /// Nobody answered in time. It never means yes.
            case timedOut
            /// There is nobody to ask.
            case nobody
        }
        public var word: Word
        public var actor: String?
        public var evidence: String?
        /// From being shown until somebody began.
        public var wait: Duration
        /// From there until the answer.
        public var work: Duration

        public init(
            _ word: Word, actor: String? = nil, evidence: String? = nil, wait: Duration = .zero,
            work: Duration = .zero
        ) {
            self.word = word
            self.actor = actor
            self.evidence = evidence
            self.wait = wait
            self.work = work
        }
    }

    /// What to save first, and what to do then.
    public struct Turn: Sendable {
        public var changed: [RunbookTurn]
        public var order: Order
    }
}
