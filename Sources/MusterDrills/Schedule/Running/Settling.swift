public import MusterCore

/// What a scheduler knows when it looks at one schedule.
public struct ScheduleState: Sendable {
    /// Until when everything was settled at the last look; nil for a schedule that is seen for the first time,
    /// which begins now and never with what lies behind.
    public var settledUntil: Moment?
    /// What was recorded with a final fate, as far as it can come up again.
    public var handled: Set<OccurrenceKey> = []
    /// What was due, was looked at in time, and waits for a lock or an approval.
    public var waiting: [PlannedOccurrence] = []
    /// Approvals of its occurrences.
    public var approvals: [OccurrenceKey: Approval] = [:]
    /// Hashes of what would run now.
    public var subject = Approval.Subject()
    /// Whether a run of this schedule is going on.
    public var isRunning = false

    public init() {}
}

/// Compares two looks at the clocks of one machine.
public enum ClockCheck {
    /// A step that is larger than this is no drift.
    public static let tolerance = Duration.seconds(60)

    /// - Parameters: wall clock and CLOCK_BOOTTIME (clock_gettime(2)) at both looks, in the same boot.
    /// - Returns: by how much somebody set the wall clock in between; nil when nobody did. A virtual machine that
    ///   was set back to a snapshot shows itself like this.
    public static func jump(wall: (Moment, Moment), sinceBoot: (Instant, Instant)) -> Duration? {
        let jump = (wall.1 - wall.0) - (sinceBoot.1 - sinceBoot.0)
        return jump > tolerance || jump < .zero - tolerance ? jump : nil
    }
}

/// What one look at a schedule leads to.
public struct Settlement: Sendable {
    /// Decisions to be recorded, in the order in which the occurrences were due; each is final.
    public var settled: [PlannedOccurrence] = []
    /// What may start now, if nobody is in the way.
    public var ready: [PlannedOccurrence] = []
    /// What goes on waiting for its approval.
    public var waiting: [PlannedOccurrence] = []
    /// Occurrences that were missed before the oldest one in `settled`, where an outage left too many to record
    /// them one by one.
    public var earlierMissed = 0
    public var settledUntil: Moment

    /// How many missed occurrences of one look are recorded one by one.
    public static let mostOneByOne = 1000
}

/// Decides what becomes of occurrences that have come due. Pure: what it is told is all that it knows.
public struct Settler: Sendable {
    private let schedule: Schedule
    private let calendar: ScheduleCalendar
    private let planner: SchedulePlanner
    /// A look this long after an occurrence was due is a look in time: timers fire once a minute, and late.
    public static let inTime = Duration.seconds(120)

    public init(schedule: Schedule, calendar: ScheduleCalendar) {
        self.schedule = schedule
        self.calendar = calendar
        planner = SchedulePlanner(schedule: schedule, calendar: calendar)
    }

    /// - Parameters:
    ///   - now: the wall clock.
    ///   - jump: by how much the wall clock was set since the last look; nil when it was not.
    public func settle(_ state: ScheduleState, now: Moment, jump: Duration? = nil) -> Settlement {
        // A clock that was set back must not settle anything twice.
        let since = state.settledUntil ?? now
        var result = Settlement(settledUntil: max(since, now))
        var candidates = state.waiting
        if since < now { candidates += fresh(since, state, now, jump, &result) }
        for planned in candidates { judge(planned, state, now, &result) }
        return result
    }

    /// What came due since the last look; all but the one that may still run are settled at once.
    private func fresh(
        _ since: Moment, _ state: ScheduleState, _ now: Moment, _ jump: Duration?, _ result: inout Settlement
    ) -> [PlannedOccurrence] {
        var missed = Recent(limit: Settlement.mostOneByOne)
        var latest: PlannedOccurrence?
        let waiting = Set(state.waiting.map(\.key))
        for planned in SchedulePlan(of: schedule, calendar: calendar, after: since) {
            guard planned.due <= now else { break }
            guard !state.handled.contains(planned.key), !waiting.contains(planned.key) else { continue }
            guard planned.decision.fate == .run else {
                missed.add(planned)
                continue
            }
            if let earlier = latest { missed.add(earlier.decided(.missed, .laterOneIsDue)) }
            latest = planned
        }
        if let last = latest, let reason = lateness(last, now, jump) {
            missed.add(last.decided(.missed, reason))
            latest = nil
        }
        result.settled += missed.kept.sorted { ($0.due, $0.key.nominal) < ($1.due, $1.key.nominal) }
        result.earlierMissed = missed.dropped
        guard var candidate = latest else { return [] }
        let late = now - candidate.due
        if late > Self.inTime { candidate.decision = Decision(.run, .late(by: late)) }
        return [candidate]
    }

    private func lateness(_ planned: PlannedOccurrence, _ now: Moment, _ jump: Duration?) -> Decision.Reason?
    {
        if let jump { return .clockJumped(by: jump) }
        let late = now - planned.due
        if late <= Self.inTime { return nil }
        if schedule.catchUp == .none { return .notLookedAt(for: late) }
        return late > schedule.startDeadline ? .deadlinePassed(by: late) : nil
    }

    /// One that is due and that somebody looks at: the calendar is asked again, as time has passed.
    private func judge(
        _ planned: PlannedOccurrence, _ state: ScheduleState, _ now: Moment, _ result: inout Settlement
    ) {
        let isTooLate = now > planned.due + schedule.startDeadline
        if let reason = planner.refusal(at: now) ?? planner.windowRefusal(at: now) {
            result.settled.append(planned.decided(.suppressed, reason))
        } else if state.isRunning {
            result.settled.append(planned.decided(.skipped, .stillRunning))
        } else if let flaw = approvalFlaw(planned, state, now) {
            if isTooLate {
                result.settled.append(planned.decided(.expired, flaw))
            } else {
                result.waiting.append(planned.decided(.queued, flaw))
            }
        } else if isTooLate, planned.decision.fate == .queued {
            switch planned.decision.reason {
            case .locked, .tooMany: result.settled.append(planned.decided(.skipped, planned.decision.reason))
            // It was approved in time, and then nobody looked until it was too late.
            default: result.settled.append(planned.decided(.missed, .deadlinePassed(by: now - planned.due)))
            }
        } else {
            result.ready.append(planned)
        }
    }

    private func approvalFlaw(
        _ planned: PlannedOccurrence, _ state: ScheduleState, _ now: Moment
    ) -> Decision.Reason? {
        guard schedule.needsApproval else { return nil }
        // What came after the deadline came too late, whenever somebody looks.
        guard let approval = state.approvals[planned.key], approval.at <= planned.due + schedule.startDeadline
        else {
            return .notApproved
        }
        return schedule.flaw(in: approval, of: state.subject, at: now).map { .approvalVoid($0) }
    }

    /// The newest of many, and how many there were before.
    private struct Recent {
        let limit: Int
        private var ring: [PlannedOccurrence] = []
        private var oldest = 0
        private(set) var dropped = 0

        init(limit: Int) { self.limit = limit }

        var kept: [PlannedOccurrence] { Array(ring[oldest...] + ring[..<oldest]) }

        mutating func add(_ planned: PlannedOccurrence) {
            if ring.count < limit {
                ring.append(planned)
            } else {
                ring[oldest] = planned
                oldest = (oldest + 1) % limit
                dropped += 1
            }
        }
    }
}

extension PlannedOccurrence {
    /// It with another fate.
    public func decided(_ fate: Fate, _ reason: Decision.Reason) -> Self {
        var planned = self
        planned.decision = Decision(fate, reason)
        return planned
    }
}
