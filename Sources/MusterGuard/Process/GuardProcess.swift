import Glibc
import MusterCore
import MusterSystem

/// The guard: frames, lease, lock and a bounded queue, in one thread that never waits for anybody. Everything
/// that can hang is done by its hands.
///
/// Its life: `starting` (the hands mend what earlier guards left), `serving`, `undoing` (nothing is injected any
/// more), gone. It only ever moves forward.
public final class GuardProcess {
    let options: GuardOptions
    let equipment: Equipment
    let state: StateDirectory
    let clock = SystemTimekeeper()
    let executable: Descriptor
    let input: Descriptor
    let output: Descriptor
    let signals: SignalDescriptor
    let lock: HostLock

    var holder: LockHolder
    var warden: WardenLink?
    var hands: HandsLink?
    var lease: Lease
    var reader = LineReader()
    var queue = WriteQueue()

    /// Requests that wait for the hands, with the id of each.
    var waiting: [PendingRequest] = []
    var current: CurrentWork?
    var standing: JournalStanding = .sound
    /// Open injections, as the hands last said; nil before they have said anything.
    var open: Int?
    /// What hung or killed hands, tried last by the next ones.
    var deferred: [InjectionID] = []
    var saidHello = false
    var startedAt: Instant
    /// Why nothing is injected any more; nil while serving.
    var ending: String?
    /// Whether to go once nothing is open: the engine is gone, or asked for it.
    var leaving = false
    var byeRequest: (id: Int64, from: Instant)?
    var inputEnded = false
    var retryAt: Instant?
    var retryPause = Duration.milliseconds(100)
    /// No more tries after this; set once leaving.
    var patienceEnds: Instant?
    var nextBeat: Instant
    var stoppedTicks = 0
    var handsFailures = 0
    var restartHandsAt: Instant?
    /// Whether an undo of everything is due before anything else.
    var needsUndo = false
    var lastReports: [UndoReport] = []
    var lastFailure: GuardFailure?
    /// Whether this guard could not begin at all.
    var refused = false
    var nextTick: Instant

    init(
        options: GuardOptions, equipment: Equipment, state: StateDirectory, streams: Streams, lock: HostLock,
        holder: LockHolder, signals: SignalDescriptor
    ) throws {
        self.options = options
        self.equipment = equipment
        self.state = state
        self.lock = lock
        self.holder = holder
        self.signals = signals
        input = streams.input
        output = streams.output
        executable = try ThisProcess.openExecutable()
        let now = clock.monotonic()
        lease = Lease(options.lease, at: clock.sinceBoot())
        startedAt = now
        nextBeat = now
        nextTick = now
    }

    /// The loop.
    /// - Returns: an exit code.
    func run() throws -> Int32 {
        let link = try WardenLink(
            executable: executable, state: state, lease: options.lease, guardProcess: holder.process)
        warden = link
        holder.warden = link.identity
        try lock.write(holder)
        try startHands()
        while true {
            try step()
            if let code = finish() { return code }
        }
    }

    /// Waits for the next thing to happen, and handles all that has.
    private func step() throws {
        var interests = [Interest(signals.descriptor.number, .readable)]
        let inputAt = inputEnded ? nil : interests.count
        if !inputEnded { interests.append(Interest(input.number, .readable)) }
        let handsAt = hands == nil ? nil : interests.count
        if let hands { interests.append(Interest(hands.descriptor, .readable)) }
        let wardenAt = warden == nil ? nil : interests.count
        if let warden { interests.append(Interest(warden.child.pidfd.descriptor.number, .readable)) }
        let outputAt = queue.isEmpty ? nil : interests.count
        if !queue.isEmpty { interests.append(Interest(output.number, .writable)) }

        let events = try waitFor(interests, until: nextDeadline())
        beat()
        // Input before the lease: a guard that was itself held up must first read the renewals that wait.
        if let inputAt, !events[inputAt].isEmpty { try readInput() }
        if let handsAt, !events[handsAt].isEmpty { readHands() }
        if let wardenAt, !events[wardenAt].isEmpty { wardenDied("died") }
        if !events[0].isEmpty { readSignals() }
        if let outputAt, !events[outputAt].isEmpty { flush() }
        checkTimes()
        try dispatch()
        flush()
    }

    private func nextDeadline() -> Instant {
        let now = clock.monotonic()
        var next = min(nextBeat, nextTick)
        if saidHello, ending == nil { next = min(next, now + lease.left(at: clock.sinceBoot())) }
        if let current { next = min(next, current.deadline) }
        if let retryAt { next = min(next, retryAt) }
        if let restartHandsAt { next = min(next, restartHandsAt) }
        if let patienceEnds { next = min(next, max(patienceEnds, now + .milliseconds(50))) }
        return max(next, now)
    }

    private func readSignals() {
        while let signal = (try? signals.next()) ?? nil {
            leaving = true
            undoEverything(because: "signal \(signal) asked for it")
        }
    }

    private func readInput() throws {
        let read: Descriptor.Read
        do {
            read = try input.read(upTo: 65536)
        } catch {
            read = .end
        }
        switch read {
        case .wouldBlock: return
        case .end:
            inputEnded = true
            leaving = true
            undoEverything(because: "the connection to the engine ended without a goodbye")
        case .bytes(let bytes):
            reader.append(bytes)
            do {
                while let line = try reader.next() { try take(line) }
            } catch let problem as FrameProblem {
                inputEnded = true
                leaving = true
                undoEverything(because: "the engine sent " + problem.inWords)
            }
        }
    }

    // MARK: Writing

    func send(_ frame: [UInt8], droppable: Bool = false) {
        guard !queue.push(frame, droppable: droppable) else { return }
        leaving = true
        undoEverything(because: "the engine does not read what it asked for")
    }

    func send(_ value: some Encodable) {
        if let frame = try? Frame.encode(value) { send(frame) }
    }

    func note(_ kind: GuardEvent.Kind, _ text: String, reports: [UndoReport] = [], open: Int? = nil) {
        Log.note(text)
        // The hello stands first on the wire, whatever happens before it.
        guard saidHello else { return }
        let event = GuardEvent(kind, text, at: clock.monotonic(), reports: reports, open: open)
        if let frame = try? Frame.encode(EventFrame(event: event)) { send(frame, droppable: kind == .note) }
    }

    func flush() {
        do {
            try queue.flush { try output.write(some: $0) }
        } catch {
            // Nobody reads any more. The end of the input, or the lease, says what to do about it.
            queue = WriteQueue()
        }
    }
}

/// A request that waits for the hands.
struct PendingRequest {
    var frame: RequestFrame
    var line: [UInt8]
}

/// What the hands are doing.
struct CurrentWork {
    enum Kind: Equatable {
        /// Starting, which mends; or an undo of everything.
        case mending
        case request(id: Int64, isUndo: Bool)
    }
    var kind: Kind
    /// CLOCK_MONOTONIC; passed, the hands are stuck.
    var deadline: Instant
    /// What an undo is about to restore.
    var restoring: InjectionID?
}
