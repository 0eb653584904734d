import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterOutcomes
import MusterSystem

/// Gates, the end of a day, and going on after a crash.
extension GameDayHolding {
    /// The gate: nothing is left broken, and no guard holds the host, for as long as the plan says.
    func settle(after position: Int) throws {
        let name = day.drills[position].name
        let (isSettled, found) = try waitUntilQuiet(
            for: day.settle.duration, within: day.settle.within, stopsForWishes: true)
        guard stop == nil else { return }
        let event = GameDayDrillEvent(
            position: position, name: name, phase: isSettled ? .settled : .unsettled)
        try desk.add(
            .drill,
            isSettled
                ? "the gate behind '\(name)' is passed: nothing was left broken for \(day.settle.duration.forPeople)"
                : "the gate behind '\(name)' is not passed within \(day.settle.within.forPeople): \(found)",
            detail: event.value)
        if !isSettled { haltDay(.aborted(.settle, "the system did not settle after '\(name)': \(found)")) }
    }

    /// - Returns: whether nothing was open for so long, and if not, what stood in the way last.
    func waitUntilQuiet(
        for duration: Duration, within limit: Duration, stopsForWishes: Bool
    ) throws -> (isQuiet: Bool, found: String) {
        let end = clock.monotonic() + limit
        var since: Instant?
        var found = ""
        while clock.monotonic() < end {
            found = Self.residue(state)
            if found.isEmpty {
                since = since ?? clock.monotonic()
                if let since, clock.monotonic() - since >= duration { return (true, "") }
            } else {
                since = nil
            }
            let signal = try Signals.wait(Self.signals, atMost: .milliseconds(300))
            try look()
            if let signal { haltDay(.aborted(.manual, Self.words(ofSignal: signal))) }
            if stopsForWishes, stop != nil { return (false, found) }
        }
        return (false, found.isEmpty ? "it was not quiet for long enough" : found)
    }

    /// What is left broken on this host, in words; empty when nothing is.
    static func residue(_ state: StateOptions) -> String {
        if let holder = LockHolder.read() { return "the host is held by \(holder.inWords)" }
        guard let open = GuardCommandLine.openInjections(state) else {
            return "the guard's journal cannot be read"
        }
        return open.isEmpty ? "" : "\(Observing.count(open.count, "injection")) still open: run `muster undo`"
    }

    /// No drill is started any more: what is broken is put back, looked at, and the day goes over to the people.
    func end() throws -> Status {
        while let position = try nextDrill() {
            let event = GameDayDrillEvent(
                position: position, name: day.drills[position].name, phase: .skipped)
            try desk.add(
                .drill, "'\(event.name)' is skipped: \(stop?.reason ?? "the day ended")", detail: event.value)
        }
        if let stop { try announce(stop) }
        let isReal = try desk.record().isConverted
        if !isReal, try desk.record().state == .running {
            try desk.step(to: .recovering, stop?.reason ?? "every drill is over")
        }
        var (isQuiet, found) = try waitUntilQuiet(
            for: .zero, within: day.settle.within, stopsForWishes: false)
        if !isQuiet { found = try putBack(found) }
        isQuiet = found.isEmpty
        // Somebody may have called a real incident while it was waited for.
        if let stop { try announce(stop) }
        return try close(residue: found)
    }

    /// The last resort: `muster undo`.
    private func putBack(_ found: String) throws -> String {
        try desk.add(.note, "after \(day.settle.within.forPeople): \(found); `muster undo` is run")
        _ = try? GuardCommandLine.run(["undo"] + state.arguments, shows: !isQuiet)
        return Self.residue(state)
    }

    private func close(residue: String) throws -> Status {
        var record = try desk.record()
        if !residue.isEmpty {
            try addCritical(residue)
        }
        if record.state == .recovering {
            try desk.step(
                to: .verifying,
                residue.isEmpty ? "nothing is left broken" : "something is left broken: \(residue)")
        }
        try verify(residue: residue)
        record = try desk.record()
        if record.state == .verifying {
            if let stop, stop.kind == .aborted {
                try desk.step(to: .aborted, "ended early: \(stop.reason)")
            } else {
                try desk.step(to: .hotwash, "all is looked at; now people say what they saw")
            }
            if stop == nil || record.abortWish == nil { try tell(day.comms.end, .verdict) }
        }
        return try status(hasResidue: !residue.isEmpty)
    }

    /// What people have to know before they read the report; they are told.
    private func addCritical(_ text: String, run: String? = nil) throws {
        try desk.add(.finding, text, detail: GameDayFinding(isCritical: true).value, run: run)
        let record = try desk.record()
        Notifier(project: file.project).tell(
            ofFinding: text, "\(record.prefix): critical finding of muster",
            ["gameDay": .text(record.header.name)], in: desk.store)
    }

    /// Whether what is on record can be relied on.
    private func verify(residue: String) throws {
        if let broken = try desk.store.firstBrokenEntry(ofGameDay: desk.id) {
            try addCritical("entry \(broken) of the timeline is not as it was written")
        }
        let record = try desk.record()
        for (entry, event) in record.drillEvents where event.phase == .finished {
            guard let run = entry.run, event.outcome != nil else { continue }
            if case .intact = try desk.store.verifyChain(run) { continue }
            try addCritical("the chain of outcome #\(event.outcome ?? 0) does not hold", run: run)
        }
        let open = try desk.store.unclosedInjections().filter { open in
            record.drillEvents.contains { $0.entry.run == open.run }
        }
        if !open.isEmpty {
            let words = open.map { "'\($0.1.name)'" }.joined(separator: ", ")
            try addCritical("not on record as put back: \(words)")
        }
    }

    /// The worst of all drills, and of how the day ended.
    private func status(hasResidue: Bool) throws -> Status {
        let finished = try desk.record().drillEvents.filter { $0.event.phase == .finished }
        var codes = finished.map { event in
            event.event.exitCode.flatMap { Status(rawValue: Int32($0)) } ?? .inconclusive
        }
        if let stop, stop.kind != .failed { codes.append(.aborted) }
        if hasResidue { codes.append(.residue) }
        return Status.worst(codes)
    }

    // MARK: After a crash

    /// Takes up a day that nobody carries out although it is under way: records the gap, and how the drill ended that
    /// was under way.
    func resume() throws {
        let record = try desk.record()
        // What people wrote meanwhile, and what was told because of it, is no sign of life of the day.
        guard
            let last = record.entries.last(where: { $0.source == .auto && $0.kind != .comm })
                ?? record.entries.last
        else { return }
        let gap = Duration.nanoseconds(max(0, clock.utcNanoseconds() - last.recordedUTC))
        try desk.add(
            .gap, "nobody carried the day out for at most \(gap.forPeople); it is taken up again",
            detail: ["sinceUtc": .int(last.recordedUTC), "nanoseconds": .int(gap.nanoseconds)])
        say("taken up again; nobody carried it out for at most \(gap.forPeople)")
        // What was asked for meanwhile counts.
        if let wish = record.abortWish {
            haltDay(
                wish.source == .auto
                    ? Stop(kind: .aborted, reason: wish.text, detail: wish.detail)
                    : .aborted(.manual, "\(wish.actor): \(wish.text)"))
        }
        if let wish = record.entries.last(where: { $0.kind == .convert }) {
            haltDay(.converted("\(wish.actor): \(wish.text)"))
        }
        for (entry, event) in record.drillEvents where event.phase == .started {
            guard let run = entry.run,
                !record.drillEvents.contains(where: { $0.entry.run == run && $0.event.phase == .finished })
            else { continue }
            try takeUp(event, run)
        }
        if ![.running, .converted].contains(record.state), stop == nil {
            haltDay(.failed("it was ending when nobody carried it out any more"))
        }
    }
    /// How a drill ended whose run was interrupted when we died: it puts everything back, and is recorded.
    private func takeUp(_ event: GameDayDrillEvent, _ run: String) throws {
        _ = try waitUntilQuiet(for: .zero, within: .seconds(120), stopsForWishes: false)
        let end = clock.monotonic() + .seconds(60)
        while let outcome = try outcome(of: run), outcome.isRunning, clock.monotonic() < end {
            _ = try Signals.wait(Self.signals, atMost: .milliseconds(200))
        }
        guard try outcome(of: run) == nil else {
            _ = try conclude(event.position, run, nil)
            return
        }
        var event = event
        event.phase = .notBegun
        try desk.add(.drill, "'\(event.name)' had not begun", detail: event.value, run: run)
    }

    func outcome(of run: String) throws -> OutcomeSummary? {
        try desk.store.summaries(limit: nil).first { $0.id == run }
    }
}
