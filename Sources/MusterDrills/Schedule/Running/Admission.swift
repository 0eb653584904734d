public import MusterCore

/// Who of those that are ready starts: by priority, one after another, nobody on what somebody else holds.
public struct Admission: Sendable {
    /// A drill that runs.
    public struct Holder: Hashable, Sendable {
        public var name: String
        public var locks: [LockPath]

        public init(name: String, locks: [LockPath]) {
            self.name = name
            self.locks = locks
        }
    }

    /// An occurrence that wants to start.
    public struct Candidate: Sendable {
        public var planned: PlannedOccurrence
        public var priority: Int
        public var locks: [LockPath]
        public var startDeadline: Duration

        public init(_ planned: PlannedOccurrence, of schedule: Schedule) {
            self.planned = planned
            priority = schedule.priority
            locks = schedule.locks
            startDeadline = schedule.startDeadline
        }
    }

    private var running: [Holder]
    private let mostAtOnce: Int

    /// - Parameter mostAtOnce: how many drills may run at the same time; at least 1.
    public init(running: [Holder], mostAtOnce: Int = 1) {
        self.running = running
        self.mostAtOnce = mostAtOnce
    }

    /// - Returns: all of them, with RUN, QUEUED, or SKIPPED where the deadline has passed; those with higher priority
    ///   first, then by when they were due and by name.
    public mutating func admit(_ candidates: [Candidate], now: Moment) -> [PlannedOccurrence] {
        let order = candidates.sorted {
            (-$0.priority, $0.planned.due, $0.planned.schedule, $0.planned.key.nominal)
                < (-$1.priority, $1.planned.due, $1.planned.schedule, $1.planned.key.nominal)
        }
        return order.map { candidate in
            guard let obstacle = obstacle(candidate) else {
                running.append(Holder(name: candidate.planned.schedule, locks: candidate.locks))
                let reason = candidate.planned.decision
                return candidate.planned.decided(.run, reason.fate == .run ? reason.reason : .due)
            }
            let isTooLate = now >= candidate.planned.due + candidate.startDeadline
            return candidate.planned.decided(isTooLate ? .skipped : .queued, obstacle)
        }
    }

    private func obstacle(_ candidate: Candidate) -> Decision.Reason? {
        for holder in running {
            let shared = candidate.locks.first { wanted in holder.locks.contains { $0.overlaps(wanted) } }
            if let shared { return .locked(by: holder.name, on: shared.text) }
        }
        return running.count >= mostAtOnce ? .tooMany(running: running.count) : nil
    }
}
