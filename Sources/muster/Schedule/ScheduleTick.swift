import Foundation
import MusterCore
import MusterDocuments
import MusterOutcomes
import MusterSystem

/// One look at the schedules: settles what has come due, and runs what may run. Any number of them may happen at the
/// same time; what each decides, it decides in one transaction of the store.
struct ScheduleTick {
    let schedules: Schedules
    let store: OutcomeStore
    let project: Project
    let clock = SystemTimekeeper()

    /// What was decided, and what of it is to be run by us.
    struct Decided {
        var settled: [(planned: PlannedOccurrence, schedule: Schedule)] = []
        var toRun: [(planned: PlannedOccurrence, schedule: Schedule)] = []
        var missedInBulk: [String: Int] = [:]
        var jump: Duration?
    }

    func decide() throws -> Decided {
        guard let claimant = try processIdentity(of: getpid()) else {
            throw Refusal(.internalError, "this process was not found in /proc", advice: "")
        }
        let now = Moment(utcNanoseconds: clock.utcNanoseconds())
        let pauses = try store.pauses(at: now)
        let bootID = try bootID()
        return try store.scheduling { book in
            var decided = Decided()
            decided.jump = try book.look(wall: now, sinceBoot: clock.sinceBoot(), bootID: bootID)
            let running = try book.running(now: now)
            var candidates: [Admission.Candidate] = []
            var byName: [String: Schedule] = [:]
            for var schedule in schedules.schedules {
                schedule.pause = pauses[schedule.name] ?? schedule.pause
                byName[schedule.name] = schedule
                let state = try state(of: schedule, book, running)
                let settler = Settler(schedule: schedule, calendar: schedules.calendar)
                let found = settler.settle(state, now: now, jump: decided.jump)
                let final = try book.record(found.settled, of: schedule, now: now, claimant: claimant)
                _ = try book.record(found.waiting, of: schedule, now: now, claimant: claimant)
                try book.settle(schedule.name, until: found.settledUntil, missedInBulk: found.earlierMissed)
                if found.earlierMissed > 0 { decided.missedInBulk[schedule.name] = found.earlierMissed }
                decided.settled += (final + found.waiting).map { ($0, schedule) }
                candidates += found.ready.map { .init($0, of: schedule) }
            }
            var admission = Admission(
                running: running.map { one in
                    .init(name: one.schedule, locks: byName[one.schedule]?.locks ?? [LockPath("local")])
                }, mostAtOnce: schedules.maxConcurrent)
            for planned in admission.admit(candidates, now: now) {
                guard let schedule = byName[planned.schedule] else { continue }
                let written = try book.record([planned], of: schedule, now: now, claimant: claimant)
                if planned.decision.fate == .run {
                    decided.toRun += written.map { ($0, schedule) }
                } else {
                    decided.settled.append((planned, schedule))
                }
            }
            return decided
        }
    }

    private func state(
        of schedule: Schedule, _ book: ScheduleBook, _ running: [ScheduleBook.Running]
    ) throws -> ScheduleState {
        let planner = SchedulePlanner(schedule: schedule, calendar: schedules.calendar)
        var state = try book.state(of: schedule.name) { key in
            // The occurrence of that name, if the rule still has it.
            let from = Moment(seconds: key.nominal.seconds - 2 * 86_400)
            for occurrence in Occurrences(
                of: schedule.rule, in: schedule.zone, gap: schedule.gap, after: from)
            {
                if occurrence.nominal == key.nominal, occurrence.fold == key.fold {
                    return planner.plan(occurrence)
                }
                if occurrence.nominal.seconds > key.nominal.seconds + 2 * 86_400 { break }
            }
            return nil
        }
        state.isRunning = running.contains { $0.schedule == schedule.name }
        return state
    }

    /// Runs one drill to its end, as `muster run` does, and keeps how it ended. What is sent to us (Ctrl-C, a service
    /// manager that stops) is handed on: the run is aborted, puts everything back, and is recorded; the same happens
    /// when we die, and when a blackout begins, unless the schedule says `onFreeze: finish`.
    /// - Returns: the exit code of the run.
    func run(_ planned: PlannedOccurrence, of schedule: Schedule) throws -> Int32 {
        let signals = [SIGINT, SIGTERM, SIGHUP]
        try Signals.block(signals)
        defer { try? Signals.unblock(signals) }
        let child: Child
        do {
            child = try command(schedule).start()
        } catch {
            try store.finish(planned.key, exitCode: Status.internalError.rawValue, at: moment)
            throw error
        }
        var isStopped = false
        while true {
            if let status = try child.wait(for: .zero) {
                var code = Status.internalError.rawValue
                if case .exited(let found) = status { code = found }
                try store.finish(planned.key, exitCode: code, at: moment)
                return code
            }
            var reason = try Signals.wait(signals, atMost: .milliseconds(500)).map { "signal \($0)" }
            if reason == nil, schedule.onFreeze == .abort,
                let freeze = schedules.calendar.blackout(at: moment)
            {
                reason = "blackout '\(freeze.name)' begins: \(freeze.reason)"
            }
            guard let reason, !isStopped else { continue }
            isStopped = true
            Terminal.note("\(reason); the run is aborted and puts everything back")
            _ = try child.kill(SIGINT)
        }
    }

    private func command(_ schedule: Schedule) -> Spawn {
        let variables = schedule.variables.sorted { $0.key < $1.key }.flatMap {
            ["--var", "\($0.key)=\($0.value)"]
        }
        let path = schedule.drill.hasPrefix("/") ? schedule.drill : project.root + "/" + schedule.drill
        var spawn = Spawn([Files.besideUs + "/muster", "run", path] + variables)
        spawn.output = .inherit
        spawn.errors = .inherit
        spawn.directory = project.root
        // A terminal's Ctrl-C comes to it through us, once.
        spawn.newSession = true
        spawn.deathSignal = SIGINT
        return spawn
    }

    private var moment: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }
}
