import Glibc
import MusterCore
import MusterSystem

extension GuardProcess {
    /// How long an undo is tried again once nobody is there to ask for it; then the boot unit, the timer or
    /// the next command goes on.
    static let patience = Duration.seconds(30)
    /// How long an injection, or whatever else the hands are at, may still take once everything is to be undone.
    /// Ending an injection half-way is safe: its row is in the journal before anything is touched.
    static let grace = Duration.milliseconds(150)

    /// From here on nothing is injected, and whatever is open is undone.
    func undoEverything(because reason: String) {
        if leaving, patienceEnds == nil { patienceEnds = clock.monotonic() + Self.patience }
        if ending == nil {
            ending = reason
            needsUndo = true
            note(.undoing, "undoing everything: \(reason)")
        }
        hands?.forbid()
        for request in waiting {
            if case .inject = request.frame.command {
                refuse(request.frame.id, endingFailure, clock.monotonic())
            }
        }
        waiting.removeAll {
            if case .inject = $0.frame.command { true } else { false }
        }
        if let work = current, case .request(_, isUndo: false) = work.kind {
            current?.deadline = min(work.deadline, clock.monotonic() + Self.grace)
        }
    }

    func wardenDied(_ how: String) {
        guard let old = warden else { return }
        warden = nil
        old.kill()
        holder.warden = nil
        try? lock.write(holder)
        note(.wardenLost, "the warden \(how); nothing is injected any more")
        undoEverything(because: "the warden \(how)")
    }

    /// Lease, deadlines, signs of life.
    func checkTimes() {
        let now = clock.monotonic()
        if saidHello, ending == nil, lease.hasLapsed(at: clock.sinceBoot()) {
            leaving = true
            undoEverything(because: "the engine has not renewed its lease of \(options.lease.unitsText)")
        }
        if !saidHello, now - startedAt > .seconds(7) { sayHello(mended: [], stillMending: true) }
        if let work = current, now >= work.deadline { handsLost("are stuck") }
        if hands == nil, let at = restartHandsAt, now >= at {
            restartHandsAt = nil
            do {
                try startHands()
            } catch {
                Log.note("hands cannot be started: \(describe(error))")
                restartHandsAt = now + .seconds(1)
            }
        }
        if let at = retryAt, now >= at {
            retryAt = nil
            needsUndo = true
        }
        if now >= nextTick { tick(now) }
    }

    /// Looks for processes of ours that somebody has stopped: they would neither work nor die.
    private func tick(_ now: Instant) {
        if ending == nil, let open, open > 0, let file = Halt.file() {
            undoEverything(because: "\(file) stands there")
        }
        nextTick = now + max(.milliseconds(50), min(.milliseconds(500), options.lease / 4))
        guard hands?.isStopped == true || warden.map({ isProcessStopped($0.child.pid) }) == true else {
            stoppedTicks = 0
            return
        }
        stoppedTicks += 1
        guard stoppedTicks >= 2 else { return }
        stoppedTicks = 0
        if hands?.isStopped == true { handsLost("were stopped") }
        if let warden, isProcessStopped(warden.child.pid) { wardenDied("was stopped") }
    }

    func beat() {
        let now = clock.monotonic()
        guard now >= nextBeat else { return }
        warden?.beat()
        nextBeat = now + options.lease / 2
    }

    /// - Returns: the exit code once there is nothing left to do.
    func finish() -> Int32? {
        if refused {
            flush()
            warden?.sayClean()
            lock.release()
            return 7
        }
        guard leaving, ending != nil, current == nil, waiting.isEmpty else { return nil }
        let isClosed = open == 0 && !needsUndo
        let isOutOfPatience = patienceEnds.map { clock.monotonic() >= $0 } ?? false
        guard isClosed || isOutOfPatience else {
            return nil
        }
        if let bye = byeRequest { answer(bye.id, UndoReply(reports: lastReports, open: open ?? 0), bye.from) }
        flushFinally()
        hands?.kill()
        warden?.sayClean()
        lock.release()
        return isClosed ? 0 : 5
    }

    /// Last words, for as long as somebody reads them.
    private func flushFinally() {
        let deadline = clock.monotonic() + .milliseconds(200)
        flush()
        while !queue.isEmpty, clock.monotonic() < deadline {
            _ = try? waitFor([Interest(output.number, .writable)], until: deadline)
            flush()
        }
    }

    func sayHello(mended: [UndoReport], stillMending: Bool) {
        guard !saidHello else { return }
        saidHello = true
        var name = utsname()
        uname(&name)
        let host = withUnsafeBytes(of: &name.nodename) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let hello = Hello(
            version: equipment.version, protocol: Hello.current, host: host,
            bootID: holder.process.bootID, userID: holder.userID, tag: state.tag, stateDirectory: state.path,
            pid: getpid(), lease: options.lease.nanoseconds, journal: standing, mended: mended,
            isStillMending: stillMending)
        lease.renew(at: clock.sinceBoot())
        if let line = try? hello.line(nonce: options.nonce) { send(line) }
    }

    func sayRefusal(_ failure: GuardFailure) {
        saidHello = true
        refused = true
        if let line = try? Refusal(refused: failure).line(nonce: options.nonce) { send(line) }
    }
}
