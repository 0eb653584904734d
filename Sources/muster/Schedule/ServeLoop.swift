import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem
import Synchronization

/// `muster serve`: one thread that waits for what is due, for what runs, for edits and for signals. What takes time,
/// which is the drills, runs in processes of its own, so that the loop never waits for anything but the store.
final class ServeLoop {
    private static let lookEvery = Duration.seconds(60)
    /// While something waits for a lock or an approval.
    private static let lookOftenEvery = Duration.seconds(10)
    /// The longest that it sleeps: files are looked at, and the service manager is told, as often.
    private static let restEvery = Duration.seconds(2)

    private let store: OutcomeStore
    private let project: Project
    private let onStop: Schedule.Interruption?
    private let manager: ServiceManager
    private let clock = SystemTimekeeper()
    private let epoll: Epoll
    private let timer: WallTimer
    private let signals: SignalInbox
    private var file: ScheduleFile
    private var runs = ServeRuns()
    private let postman: Postman
    /// When somebody asked for a stop, and what becomes of what runs.
    private var stop: Schedule.Interruption?
    private var nextLook: Instant
    private var nextDue: Moment?
    /// What was said of those that wait, so that it is not said again each time.
    private var said: [OccurrenceKey: Decision.Reason] = [:]
    private var trouble: String?
    /// Why nobody can be told of anything.
    private var silence: String?

    /// - Throws: `Refusal` with exit code 2 when the schedules cannot be used: there are no earlier ones to go by.
    init(path: String, store: OutcomeStore, project: Project, onStop: Schedule.Interruption?) throws {
        self.store = store
        self.project = project
        self.onStop = onStop
        manager = ServiceManager(environment: ProcessInfo.processInfo.environment, pid: getpid())
        // Meant for us: a fixture that knows these words must not speak for us.
        for name in ServiceManager.variables { unsetenv(name) }
        // What we start need not send what it has to tell: we do.
        setenv(Notifier.deliveredByOthers, "1", 1)
        file = try ScheduleFile(path: path, now: Moment(utcNanoseconds: clock.utcNanoseconds()))
        epoll = try Epoll()
        timer = try WallTimer()
        signals = try SignalInbox([SIGTERM, SIGINT, SIGHUP])
        nextLook = clock.monotonic()
        postman = try Postman(NoticeDelivery(Notifier(project: project), from: store))
        try epoll.set(timer.descriptor.number, reading: true, key: 0)
        try epoll.set(signals.descriptor.number, reading: true, key: 0)
    }

    private var now: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }
    private var due: DueRuns { DueRuns(schedules: file.schedules, store: store, project: project) }

    /// Until it is stopped and everything has ended.
    func run() throws -> Status {
        log("goes by \(file.path): \(Observing.count(file.schedules.schedules.count, "schedule"))")
        record(.started, "it goes by \(file.path)")
        manager.tell("READY=1", "STATUS=looks at the schedules")
        while true {
            _ = try epoll.wait(atMost: rest)
            if try timer.take() == .clockWasSet { nextLook = clock.monotonic() }
            for signal in signals.take() { take(signal) }
            if runs.reap(due, log) { nextLook = clock.monotonic() }
            runs.interrupt(by: due.interruption, log)
            if stop == nil {
                reload()
                if clock.monotonic() >= nextLook || nextDue.map({ $0 <= now }) ?? false { look() }
            } else if runs.isEmpty {
                break
            } else {
                // systemd gives us more time as long as we say that we need it.
                manager.tell("EXTEND_TIMEOUT_USEC=60000000")
            }
            manager.tell("WATCHDOG=1", status)
        }
        postman.stop(within: .seconds(5))
        log("has ended")
        record(.stopped, "it was stopped")
        return .pass
    }

    /// Half the watchdog's patience at the most.
    private var rest: Duration { min(Self.restEvery, manager.watchdog.map { $0 / 2 } ?? Self.restEvery) }

    private var status: String {
        if let stop { return "STATUS=stopping (\(stop.rawValue)); runs: \(runs.words)" }
        let broken = file.isBroken ? "; \(file.path) CANNOT BE USED, going by an earlier version" : ""
        let next = nextDue.map { "next look \($0.text)" } ?? "nothing is due any more"
        return "STATUS=\(runs.isEmpty ? "nothing runs" : "runs: " + runs.words); \(next)\(broken)"
            + (trouble.map { "; TROUBLE: \($0)" } ?? "")
            + (silence == nil ? "" : "; nobody is told: see the log")
    }

    private func take(_ signal: Int32) {
        if signal == SIGHUP {
            manager.tell(
                "RELOADING=1", "MONOTONIC_USEC=\(clock.monotonic().nanoseconds / 1000)",
                "STATUS=reading the schedules again")
            if stop == nil { reload(asked: true) }
            manager.tell("READY=1", status)
            return
        }
        let name = signal == SIGINT ? "Ctrl-C" : "SIGTERM"
        if stop == nil {
            let policy = onStop ?? file.schedules.onStop
            stop = policy
            manager.tell("STOPPING=1", status)
            log(
                runs.isEmpty
                    ? "\(name): it ends"
                    : policy == .finish
                        ? "\(name): it ends when this has: \(runs.words)"
                        : "\(name): it ends when this is aborted and put back: \(runs.words)")
            if policy == .abort { runs.abort("the scheduler was stopped", log) }
        } else if stop == .finish {
            stop = .abort
            log("\(name) again: this is aborted and put back: \(runs.words)")
            runs.abort("the scheduler was stopped", log)
        } else {
            log("\(name) again: still putting back: \(runs.words)")
        }
    }

    /// Goes by the file as it is now; one that cannot be used changes nothing.
    private func reload(asked: Bool = false) {
        switch file.reload(now: now, asked: asked) {
        case .unchanged: return
        case .reloaded:
            log(
                "goes by the new \(file.path): \(Observing.count(file.schedules.schedules.count, "schedule"))"
            )
            record(.reloaded, "\(file.path) was edited")
        case .broken(let why):
            log("CANNOT USE \(file.path), and goes by what it said before:\n\(why)")
            record(.broken, "\(file.path) cannot be used; it goes by what it said before: \(why)")
        }
        nextLook = clock.monotonic()
    }

    private func look() {
        do {
            let answer = try due.look()
            trouble = nil
            tell(answer)
            lookForSilence()
            for item in answer.toRun { start(item) }
            let isWaiting = answer.settled.contains { $0.planned.decision.fate == .queued }
            nextLook = clock.monotonic() + (isWaiting ? Self.lookOftenEvery : Self.lookEvery)
            let now = now
            nextDue = file.schedules.schedules.compactMap { schedule in
                SchedulePlan(of: schedule, calendar: file.schedules.calendar, after: now).first { _ in true }?
                    .due
            }.min()
            if let nextDue { try timer.set(nextDue) }
        } catch {
            let words = (error as? Refusal)?.message ?? "\(error)"
            if words != trouble { log("CANNOT LOOK at the schedules: \(words)") }
            trouble = words
            nextDue = nil
            nextLook = clock.monotonic() + Self.lookOftenEvery
        }
    }

    /// Notices go on being kept when the file that says who gets them is broken; the log says that nobody does.
    private func lookForSilence() {
        var found: String?
        do { _ = try Notifier(project: project).channels() } catch {
            found = (error as? Refusal)?.message ?? "\(error)"
        }
        if let found, found != silence {
            log("NOBODY IS TOLD of what happens, which is kept (`muster notify list`): \(found)")
        } else if found == nil, silence != nil {
            log("people are told again of what happens")
        }
        silence = found
    }

    private func tell(_ answer: ScheduleAnswer) {
        if let jump = answer.jump {
            let words =
                "the clock was set by \(jump.forPeople) since the last look: nothing is started for it"
            log(words)
            record(.clock, words)
        }
        for key in answer.died { log("\(key.text): its scheduler died while it ran") }
        var waiting: [OccurrenceKey: Decision.Reason] = [:]
        for item in answer.settled {
            let isQueued = item.planned.decision.fate == .queued
            if isQueued { waiting[item.planned.key] = item.planned.decision.reason }
            if !isQueued || said[item.planned.key] != item.planned.decision.reason { log(item.line) }
        }
        said = waiting
        for (name, count) in answer.missedInBulk.sorted(by: { $0.key < $1.key }) {
            log("\(name): \(count) earlier ones were missed as well")
        }
    }

    private func start(_ item: ScheduleAnswer.Item) {
        log(item.line)
        do {
            let child = try due.start(item)
            try epoll.set(child.pidfd.descriptor.number, reading: true, key: 0)
            runs.add(item, child) { [epoll] in epoll.remove(child.pidfd.descriptor.number) }
        } catch {
            log("\(item.planned.key.text) could not be started: \(error)")
            runs.note(item.planned.key, Status.internalError.rawValue, now)
        }
    }

    private func record(_ kind: SchedulerNote.Kind, _ sentence: String) {
        do {
            try store.note(SchedulerNote(at: now, kind, sentence, pid: getpid()))
        } catch {
            log("could not be recorded: \(error)")
        }
    }

    private func log(_ text: String) { Terminal.note("\(now.text) muster serve: \(text)") }
}
