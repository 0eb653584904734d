import Glibc
public import MusterCore
import MusterSystem

/// `muster-guard undo`: makes every open fact of this host's journal hold again, ending a live guard first.
public struct UndoCommand: Sendable {
    /// Leaves a live guard alone: for the boot unit and the timer.
    public var orphansOnly = false
    /// Also looks into journals that were set aside, and for processes that carry our ids.
    public var scan = false
    public var json = false
    public var state: String?
    public var forget: Forget?
    /// How long a live guard may take to undo everything by itself.
    public var deadline = Duration.seconds(45)

    /// An injection that a person gives up.
    public struct Forget: Sendable {
        public var id: InjectionID
        public var reason: String
        public var person: String
        public init(id: InjectionID, reason: String, person: String) {
            self.id = id
            self.reason = reason
            self.person = person
        }
    }

    public init() {}

    /// - Returns: an exit code: 0 when nothing is open, 2 when what it is to forget is not there, 5 when something still
    ///   is, 7 when it may not.
    public func run(_ equipment: Equipment) -> Int32 {
        do {
            try Signals.ignore(SIGPIPE)
            return try work(equipment)
        } catch {
            let failure = (error as? GuardFailure) ?? GuardFailure(.host, words(error), advice: "")
            Log.note(failure.message + (failure.advice.isEmpty ? "" : "; " + failure.advice))
            return switch failure.code {
            case .surroundings, .locked: 7
            case .notFound: 2
            default: 5
            }
        }
    }

    private func work(_ equipment: Equipment) throws -> Int32 {
        let path = StateDirectory.path(explicit: state)
        if orphansOnly, let holder = LockHolder.read() {
            report(UndoSummary(ended: nil, alive: holder.inWords), "\(holder.inWords) is at work; left alone")
            return 0
        }
        guard let state = try StateDirectory(existing: path) else {
            report(UndoSummary(), "nothing was ever injected here: there is no \(path)")
            return 0
        }
        var summary = UndoSummary()
        let lock = try takeHost(&summary, state)
        defer { lock?.release() }
        if lock == nil, orphansOnly {
            report(summary, "\(summary.alive ?? "somebody") is at work; left alone")
            return 0
        }
        if let forget { try giveUp(forget, equipment, state, &summary) }
        let run = MendingRun(executable: try ThisProcess.openExecutable(), state: state.path)
        let reply = try run.untilClosed(within: .seconds(10))
        summary.reports = reply.reports
        summary.open = reply.open
        // The hands have let go of the journal by now.
        if scan { summary.scan = try Scan(equipment, state, try equipment.journal(state.path)).run() }
        summary.others = DoctorReport.others(besides: state.path).filter(\.hasJournal).map(\.path)
        try standing(equipment, state, &summary)
        report(summary, nil)
        return summary.exitCode
    }

    /// Ends whoever works on this host, and takes the host for us.
    private func takeHost(_ summary: inout UndoSummary, _ state: StateDirectory) throws -> HostLock? {
        let ourselves = try LockHolder.ourselves(.undo, state: state.path)
        let clock = SystemTimekeeper()
        let giveUp = clock.monotonic() + deadline + .seconds(30)
        while true {
            let stale = (try? FileLock.read(HostLock.path())).flatMap { $0 }
            if let lock = try HostLock.tryAcquire(ourselves) {
                try endWarden(named: stale, state)
                return lock
            }
            guard let holder = LockHolder.read() else {
                clock.sleep(for: .milliseconds(5))
                if clock.monotonic() > giveUp {
                    throw GuardFailure(
                        .locked, "somebody holds \(HostLock.path()) and left no name",
                        advice: "see `fuser \(HostLock.path())`")
                }
                continue
            }
            // Somebody else's drill, with a journal of its own: ours is mended beside it, under the lock of its
            // hands.
            if orphansOnly || holder.stateDirectory != state.path {
                summary.alive = holder.inWords
                return nil
            }
            if try end(holder) {
                summary.ended = holder.inWords
            } else {
                summary.waited = (holder.role == .undo ? "another " : "") + holder.inWords
            }
        }
    }

    /// - Returns: whether it was told to end; a warden or another undo is waited for.
    private func end(_ holder: LockHolder) throws -> Bool {
        let isGuard = holder.role == .guard
        guard let process = try PidDescriptor.of(holder.process) else { return isGuard }
        let clock = SystemTimekeeper()
        // A warden or another undo is mending already; only a guard is told to.
        if isGuard { try signal(process, SIGTERM, holder) }
        let end = clock.monotonic() + deadline
        while clock.monotonic() < end {
            // A stopped process would never hear a SIGTERM.
            if isProcessStopped(holder.process.pid) { break }
            if try process.waitForEnd(until: min(end, clock.monotonic() + .milliseconds(100))) {
                return isGuard
            }
        }
        try signal(process, SIGKILL, holder)
        _ = try process.waitForEnd(until: clock.monotonic() + .seconds(5))
        return true
    }

    private func signal(_ process: PidDescriptor, _ number: Int32, _ holder: LockHolder) throws {
        do {
            _ = try process.send(number)
        } catch {
            guard error.code == EPERM else { throw error }
            throw GuardFailure(
                .locked, "\(holder.inWords) belongs to another user",
                advice: "run this as that user, or as root")
        }
    }

    /// A warden whose guard is gone mends what we are about to mend, or is stopped and would stay for ever.
    private func endWarden(named text: String?, _ state: StateDirectory) throws {
        guard let text, let holder = try? Frame.decode(LockHolder.self, from: Array(text.utf8)),
            holder.stateDirectory == state.path, let warden = holder.warden,
            let process = try PidDescriptor.of(warden)
        else { return }
        _ = try? process.send(SIGKILL)
        _ = try? process.waitForEnd(until: SystemTimekeeper().monotonic() + .seconds(2))
    }

    private func report(_ summary: UndoSummary, _ text: String?) {
        if json {
            if let line = try? Frame.encode(summary) { say(String(decoding: line.dropLast(), as: UTF8.self)) }
        } else {
            if let text { say(text) } else { for line in summary.lines { say(line) } }
        }
    }
}

extension UndoCommand {
    private func giveUp(
        _ forget: Forget, _ equipment: Equipment, _ state: StateDirectory, _ summary: inout UndoSummary
    ) throws {
        let journal = try equipment.journal(state.path)
        guard try journal.openInjections().contains(where: { $0.id == forget.id }) else {
            throw GuardFailure(
                .notFound, "there is no open injection \(forget.id)", advice: "see `muster-guard list`")
        }
        try journal.forget(forget.id, reason: forget.reason, by: forget.person)
        summary.forgotten = forget.id
    }

    private func standing(_ equipment: Equipment, _ state: StateDirectory, _ summary: inout UndoSummary)
        throws
    {
        guard case .setAside(let paths) = try equipment.journal(state.path).standing else { return }
        summary.aside = paths
    }
}
