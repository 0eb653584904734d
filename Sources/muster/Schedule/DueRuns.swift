import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// What `tick` and `serve` have in common: looking at the schedules, and starting what may run. Any number of them may
/// look at the same time; what each decides, it decides in one transaction of the store.
struct DueRuns {
    let schedules: Schedules
    let store: OutcomeStore
    let project: Project
    private let clock = SystemTimekeeper()

    init(schedules: Schedules, store: OutcomeStore, project: Project) {
        self.schedules = schedules
        self.store = store
        self.project = project
    }

    var now: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }

    /// - Throws: `Refusal`, `OutcomeStoreError`, `SystemError`; then nothing was decided.
    func look() throws -> ScheduleAnswer {
        guard let claimant = try processIdentity(of: getpid()) else {
            throw Refusal(.internalError, "this process was not found in /proc", advice: "")
        }
        var question = ScheduleQuestion(
            schedules.schedules, schedules.calendar, mostAtOnce: schedules.maxConcurrent)
        // Not within the transaction, which others wait for.
        question.subjects = try subjects()
        let reading = ClockReading(
            wall: now, sinceBoot: clock.sinceBoot(), bootID: try bootID())
        let notifier = Notifier(project: project)
        let channels = Result { try notifier.channels() }
        var undirected: [Notice] = []
        let answer = try store.look(at: question, reading, claimant: claimant) { answer in
            let news = notifier.news(of: answer)
            guard let known = try? channels.get() else {
                undirected = news
                return ([], [])
            }
            return (news, known)
        }
        for notice in undirected { try notifier.post(notice, in: store) }
        if try store.nextNotice() != nil { notifier.deliver(store.path) }
        return answer
    }

    /// What would run now of the schedules for which somebody has approved something that may still start.
    private func subjects() throws -> [String: Approval.Subject] {
        guard schedules.schedules.contains(where: \.needsApproval) else { return [:] }
        // Local times are at most a day from UTC, and a deadline is at most a week.
        let recent = now.seconds - 9 * 86_400
        let names = Set(
            try store.standingApprovals().keys.filter { $0.nominal.seconds > recent }.map(\.schedule))
        let finder = ApprovalSubject(project: project)
        var found: [String: Approval.Subject] = [:]
        for schedule in schedules.schedules where schedule.needsApproval && names.contains(schedule.name) {
            // One that cannot be read is another one than was approved.
            found[schedule.name] = (try? finder.of(schedule)) ?? Approval.Subject()
        }
        return found
    }

    /// Starts a drill as `muster run` does. It aborts, puts everything back and records that when it gets SIGINT, and
    /// gets that also when the thread that calls this ends, as it does with the process.
    /// What was approved goes with it: files may be edited until it has read them, and anything else it refuses.
    func start(_ item: ScheduleAnswer.Item) throws -> Child {
        let schedule = item.schedule
        var argv = [Files.besideUs + "/muster", "run", project.path(ofDrill: schedule.drill)]
        argv += schedule.variables.sorted { $0.key < $1.key }.flatMap { ["--var", "\($0.key)=\($0.value)"] }
        argv += ["--outcomes", Files.absolute(store.path), "--scheduled", item.planned.key.text]
        if schedule.needsApproval { argv += ["--approved", item.approval?.subject.execHash ?? "nothing"] }
        var spawn = Spawn(argv)
        spawn.output = .inherit
        spawn.errors = .inherit
        spawn.directory = project.root
        // A terminal's Ctrl-C comes to it through us, once.
        spawn.newSession = true
        spawn.deathSignal = SIGINT
        return try spawn.start()
    }

    /// Keeps how a run ended; one that came to no outcome is told of.
    func finish(_ key: OccurrenceKey, exitCode: Int32, at moment: Moment) throws {
        try store.finish(key, exitCode: exitCode, at: moment)
        let notifier = Notifier(project: project)
        if let notice = notifier.failure(of: key, exitCode) { try notifier.post(notice, in: store) }
    }

    /// How a run ended, for its record.
    static func code(_ status: ExitStatus) -> Int32 {
        if case .exited(let code) = status { code } else { Status.internalError.rawValue }
    }

    /// Why a run of this schedule must not go on; nil when it may.
    func interruption(of schedule: Schedule) -> String? {
        guard schedule.onFreeze == .abort, let freeze = schedules.calendar.blackout(at: now) else {
            return nil
        }
        return "blackout '\(freeze.name)' begins: \(freeze.reason)"
    }

    /// Runs one drill to its end and keeps how it ended. What is sent to us (Ctrl-C, a service manager that stops) is
    /// handed on.
    /// - Returns: the exit code of the run.
    func run(_ item: ScheduleAnswer.Item) throws -> Int32 {
        let signals = [SIGINT, SIGTERM, SIGHUP]
        try Signals.block(signals)
        defer { try? Signals.unblock(signals) }
        let child: Child
        do {
            child = try start(item)
        } catch {
            try finish(item.planned.key, exitCode: Status.internalError.rawValue, at: now)
            throw error
        }
        var isStopped = false
        while true {
            if let status = try child.wait(for: .zero) {
                try finish(item.planned.key, exitCode: Self.code(status), at: now)
                return Self.code(status)
            }
            let signal = try Signals.wait(signals, atMost: .milliseconds(500)).map { "signal \($0)" }
            guard let reason = signal ?? interruption(of: item.schedule), !isStopped else { continue }
            isStopped = true
            Terminal.note("\(reason); the run is aborted and puts everything back")
            _ = try child.kill(SIGINT)
        }
    }
}

extension ScheduleAnswer.Item {
    /// For people: when, what and why.
    var line: String {
        let words = planned.words(in: schedule.zone)
        return
            "\(ScheduleText.local(planned.due, schedule.zone)) \(schedule.zone.name)  \(planned.schedule)  "
            + planned.decision.fate.rawValue + (words.isEmpty ? "" : ": \(words)")
    }
}
