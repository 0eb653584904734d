import Glibc
import MusterCore
import MusterSystem

extension GuardProcess {
    /// How long one fact may take to be restored (SAFETY 3).
    static let factLimit = Duration.seconds(32)
    /// How long a request may take that names no deadline.
    static let requestLimit = Duration.seconds(60)
    /// How far beyond its deadline an operation may run before the hands count as stuck.
    static let overtime = Duration.seconds(2)

    /// Starts hands, which begin by mending whatever is open.
    func startHands() throws {
        hands = try HandsLink(executable: executable, state: state.path, deferred: deferred)
        if ending != nil { hands?.forbid() }
        stoppedTicks = 0
        current = CurrentWork(kind: .mending, deadline: clock.monotonic() + Self.factLimit)
    }

    func readHands() {
        do {
            guard let messages = try hands?.receive() else {
                handsLost("have died")
                return
            }
            for message in messages { handle(message) }
        } catch {
            handsLost("said something that cannot be read")
        }
    }

    private func handle(_ message: HandsMessage) {
        switch message {
        case .standing(let found):
            standing = found.journal
            current?.deadline = clock.monotonic() + Self.factLimit
        case .progress(let id, _):
            current?.restoring = id
            if case .mending = current?.kind { current?.deadline = clock.monotonic() + Self.factLimit }
            if case .request(_, isUndo: true) = current?.kind {
                current?.deadline = clock.monotonic() + Self.factLimit
            }
        case .forward(let line): send(line)
        case .done(let count):
            open = count
            current = nil
            if ending != nil { needsUndo = true }
        case .mended(let reply): mended(reply)
        case .failed(let failure):
            note(.note, "the hands cannot work: \(failure.message)")
            lastFailure = failure
        }
    }

    private func mended(_ reply: UndoReply) {
        current = nil
        open = reply.open
        retryAt = nil
        needsUndo = false
        if ending == nil {
            if saidHello {
                note(.undone, "mended what was open", reports: reply.reports, open: reply.open)
            } else {
                sayHello(mended: reply.reports, stillMending: false)
            }
            return
        }
        lastReports = reply.reports
        if reply.isHopeless, leaving {
            patienceEnds = clock.monotonic()
        } else if reply.open > 0 {
            retryAt = clock.monotonic() + retryPause
            retryPause = min(retryPause * 2, .seconds(5))
        }
        for step in reply.reports where step.isEndedStep {
            note(.note, "\(step.name) was still running and was ended: \(ending ?? "")")
        }
        note(
            .undone, reply.open == 0 ? "everything is undone" : "\(reply.open) injections are still open",
            reports: reply.reports, open: reply.open)
    }

    /// The hands died or hang: new ones undo everything, and try last what these were at.
    func handsLost(_ how: String) {
        guard let old = hands else { return }
        hands = nil
        let lost = current
        current = nil
        if !old.kill() {
            // Uninterruptible in the kernel: they hold their lock until it lets them go, and nobody else
            // may mend meanwhile.
            note(.note, "the hands hang in the kernel and cannot be killed; waiting for them")
        }
        if let id = lost?.restoring { deferred = deferred.filter { $0 != id } + [id] }
        if case .request(let id, _) = lost?.kind {
            refuse(
                id,
                GuardFailure(
                    .ending, "the guard's hands \(how) while doing this; everything is being undone",
                    advice: "see `muster guard check`, then start the drill again"), clock.monotonic())
        }
        let wasServing = ending == nil && saidHello
        if wasServing { note(.handsLost, "the hands \(how); new ones undo everything") }
        if saidHello { undoEverything(because: "the hands \(how)") }
        handsFailures += 1
        // What they had opened is not known until others have looked.
        open = nil
        // New hands may fail at once, for the same reason: not in a tight loop.
        restartHandsAt = clock.monotonic() + (handsFailures > 1 ? min(retryPause, .seconds(2)) : .zero)
        if handsFailures > 1 { retryPause = min(retryPause * 2, .seconds(5)) }
        if handsFailures > 3, !saidHello {
            sayRefusal(
                lastFailure
                    ?? GuardFailure(
                        .journal, "the guard's hands cannot start", advice: "see `muster doctor`"))
        }
    }
}
