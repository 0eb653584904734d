public import MusterCore

/// The runs of one drill that were asked for together, `muster run --repeat N`. All that were begun belong to it,
/// however they ended: leaving out what went badly is how figures get better than the system.
public struct RepeatGroup: Sendable {
    public struct Member: Sendable {
        public var number: Int
        public var header: RunHeader
        /// nil while it runs, or when it was interrupted.
        public var closing: RunClosing?
        public var isRunning: Bool
        /// Of the runbooks that it used.
        public var execHashes: [String]
        /// nil when it was interrupted before that was recorded.
        public var phase: FaultPhase?

        public init(
            number: Int, header: RunHeader, closing: RunClosing?, isRunning: Bool = false,
            execHashes: [String] = [], phase: FaultPhase? = nil
        ) {
            self.number = number
            self.header = header
            self.closing = closing
            self.isRunning = isRunning
            self.execHashes = execHashes
            self.phase = phase
        }

        /// How long until it recovered. What proves nothing could be of any length, and says so: it is neither
        /// left out nor guessed.
        public var recovery: Interval { measured ?? Interval(lower: .zero, upper: nil) }

        /// Whether its recovery time is one that was measured, if only from below.
        public var isProven: Bool { measured != nil }

        private var measured: Interval? {
            guard let judgement = closing?.judgement else { return nil }
            switch judgement.status {
            case .invalid, .instrumentSuspect: return nil
            case .noOutage: return Interval(lower: .zero, upper: .zero)
            case .recovered, .recoveredFlapped, .degraded, .notRecovered: break
            }
            if let objective = judgement.objectives.first(where: { $0.name == "rto" }) {
                return objective.interval
            }
            return judgement.measurements.first { $0.name == "rta" && $0.subject.isEmpty }?.interval
        }

        /// Acknowledged writes that were lost or are corrupt; nil when that is not known.
        public var lost: Int? {
            guard let judgement = closing?.judgement, judgement.status != .invalid,
                !judgement.ledgers.isEmpty,
                judgement.ledgers.allSatisfy({ $0.inconclusive == nil })
            else { return nil }
            return judgement.ledgers.reduce(0) { $0 + $1.lost + $1.corrupt }
        }
    }

    public var id: String
    /// In the order in which they ran; never empty.
    public var members: [Member]

    public init(id: String, members: [Member]) {
        precondition(!members.isEmpty, "a group has members")
        self.id = id
        self.members = members
    }

    public var drill: String { members[0].header.drill }
    public var phase: FaultPhase? { members.lazy.compactMap(\.phase).first }

    /// `#4 to #13`.
    public var numbers: String {
        let (first, last) = (members[0].number, members[members.count - 1].number)
        return first == last ? "#\(first)" : "#\(first) to #\(last)"
    }

    /// What is not as it was in `earlier`, in words; empty when the two may be compared.
    public func changes(since earlier: RepeatGroup) -> [String] {
        let spread = phase?.window == earlier.phase?.window ? [] : ["how far the faults are spread"]
        return Self.changes(earlier.members[0], members[0]) + spread
    }

    /// What did not stay the same from the first member to the others.
    public var changesWithin: [String] {
        var seen: Set<String> = []
        return members.dropFirst().flatMap { Self.changes(members[0], $0) }.filter {
            seen.insert($0).inserted
        }
    }

    private static func changes(_ one: Member, _ other: Member) -> [String] {
        let (before, after) = (one.header, other.header)
        let parts: [(String, Bool)] = [
            ("the drill file", before.drillHash == after.drillHash),
            ("its variables", before.variables == after.variables),
            ("the configuration", before.configurationHash == after.configurationHash),
            // Who was interrupted before a runbook began has used none.
            ("a runbook", one.closing == nil || other.closing == nil || one.execHashes == other.execHashes),
            ("the host", before.host == after.host),
            ("the kernel", before.kernel == after.kernel),
            (
                "Muster itself",
                before.toolVersion == after.toolVersion && before.judgeVersion == after.judgeVersion
            ),
        ]
        return parts.filter { !$0.1 }.map(\.0)
    }
}
