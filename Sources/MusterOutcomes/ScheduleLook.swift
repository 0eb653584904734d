public import MusterCore
public import MusterDrills

/// What the clocks of a machine say at one look (clock_gettime(2)).
public struct ClockReading: Sendable {
    public var wall: Moment
    /// CLOCK_BOOTTIME.
    public var sinceBoot: Instant
    public var bootID: String

    public init(wall: Moment, sinceBoot: Instant, bootID: String) {
        self.wall = wall
        self.sinceBoot = sinceBoot
        self.bootID = bootID
    }
}

/// What is to be looked at.
public struct ScheduleQuestion: Sendable {
    public var schedules: [Schedule]
    public var calendar: ScheduleCalendar
    /// How many scheduled drills may run at the same time.
    public var mostAtOnce: Int
    /// What would run now, by schedule; of one that is missing here, nothing that wants an approval starts.
    public var subjects: [String: Approval.Subject] = [:]

    public init(_ schedules: [Schedule], _ calendar: ScheduleCalendar, mostAtOnce: Int) {
        self.schedules = schedules
        self.calendar = calendar
        self.mostAtOnce = mostAtOnce
    }
}

/// What a look led to.
public struct ScheduleAnswer: Sendable {
    /// An occurrence and the schedule that it is of.
    public struct Item: Sendable {
        public var planned: PlannedOccurrence
        public var schedule: Schedule
        /// Under which it runs, where the schedule wants one.
        public var approval: Approval?
    }

    /// What was decided and does not run, or waits.
    public var settled: [Item] = []
    /// What this claimant and nobody else has to run, now.
    public var toRun: [Item] = []
    /// How many were missed besides, by schedule.
    public var missedInBulk: [String: Int] = [:]
    /// By how much the wall clock was set since the last look; nil when it was not.
    public var jump: Duration?
    /// Runs whose scheduler died.
    public var died: [OccurrenceKey] = []
}

extension OutcomeStore {
    /// Looks at schedules once: decides about everything that came due since the last look, in one transaction. Any
    /// number of processes may do so at the same time.
    /// - Parameters:
    ///   - claimant: the process that will run what is to run.
    ///   - announcing: what others are to be told of it, and whom; kept in the same transaction.
    /// - Throws: `OutcomeStoreError`; then nothing was decided.
    public func look(
        at question: ScheduleQuestion, _ clock: ClockReading, claimant: ProcessIdentity,
        announcing: (ScheduleAnswer) -> (notices: [Notice], channels: [NoticeChannel]) = { _ in ([], []) }
    ) throws -> ScheduleAnswer {
        try scheduling { book in
            var answer = ScheduleAnswer()
            answer.jump = try book.look(
                wall: clock.wall, sinceBoot: clock.sinceBoot, bootID: clock.bootID)
            let running = try book.running(now: clock.wall)
            answer.died = running.died
            let pauses = try book.pauses(at: clock.wall)
            var candidates: [Admission.Candidate] = []
            var byName: [String: Schedule] = [:]
            var approvals: [OccurrenceKey: Approval] = [:]
            for var schedule in question.schedules {
                schedule.pause = pauses[schedule.name] ?? schedule.pause
                byName[schedule.name] = schedule
                var state = try book.state(of: schedule, question.calendar)
                state.isRunning = running.alive.contains { $0.schedule == schedule.name }
                state.subject = question.subjects[schedule.name] ?? state.subject
                if question.subjects[schedule.name] == nil { state.approvals = [:] }
                approvals.merge(state.approvals) { first, _ in first }
                let found = Settler(schedule: schedule, calendar: question.calendar).settle(
                    state, now: clock.wall, jump: answer.jump)
                let final = try book.record(found.settled, of: schedule, now: clock.wall, claimant: claimant)
                _ = try book.record(found.waiting, of: schedule, now: clock.wall, claimant: claimant)
                try book.settle(schedule.name, until: found.settledUntil, missedInBulk: found.earlierMissed)
                if found.earlierMissed > 0 { answer.missedInBulk[schedule.name] = found.earlierMissed }
                answer.settled += (final + found.waiting).map { .init(planned: $0, schedule: schedule) }
                candidates += found.ready.map { .init($0, of: schedule) }
            }
            var admission = Admission(
                running: running.alive.map { one in
                    .init(name: one.schedule, locks: byName[one.schedule]?.locks ?? [LockPath("local")])
                }, mostAtOnce: question.mostAtOnce)
            for planned in admission.admit(candidates, now: clock.wall) {
                guard let schedule = byName[planned.schedule] else { continue }
                let written = try book.record([planned], of: schedule, now: clock.wall, claimant: claimant)
                let items = written.map {
                    ScheduleAnswer.Item(planned: $0, schedule: schedule, approval: approvals[$0.key])
                }
                if planned.decision.fate == .run { answer.toRun += items } else { answer.settled += items }
            }
            let news = announcing(answer)
            for notice in news.notices { try book.post(notice, to: news.channels) }
            return answer
        }
    }
}
