import Glibc
public import MusterCore
import MusterSystem

/// The only process that touches the host: owns the journal, does one thing at a time, to its end.
///
/// It begins by mending whatever is open, so replacing dead hands and undoing everything are the same act.
public final class HandsProcess {
    private let equipment: Equipment
    private let state: StateDirectory
    private let deferred: [InjectionID]
    private let orders = Descriptor(adopting: HandsLink.orderDescriptor)
    private let results = Descriptor(adopting: HandsLink.resultDescriptor)
    private let clock = SystemTimekeeper()

    /// - Parameter deferred: what hung or killed earlier hands, tried after everything else.
    public init(_ equipment: Equipment, state: StateDirectory, deferred: [InjectionID]) {
        self.equipment = equipment
        self.state = state
        self.deferred = deferred
    }

    /// Serves until its owner closes the pipe of orders.
    /// - Returns: an exit code.
    public func run() -> Int32 {
        do {
            try Signals.ignore(SIGPIPE, SIGHUP, SIGINT)
            let lock = try takeLock()
            defer { withExtendedLifetime(lock) {} }
            let worker = try makeWorker()
            let open = try worker.journal.openInjections().count
            try tell(.standing(HandsStanding(journal: worker.journal.standing, open: open)))
            try tell(.mended(try worker.mender.mend(deferred: deferred, progress: progress)))
            try serve(worker)
            return 0
        } catch {
            try? tell(.failed(GuardFailure(error)))
            return 70
        }
    }

    private func makeWorker() throws -> HandsWorker {
        let journal = try equipment.journal(state.path)
        // From the engine, by way of the guard's environment: nothing that is only mended needs them.
        let protected = (environment("MUSTER_PROTECT") ?? "").split(separator: ":").map(String.init)
        let site = GuardSite(
            executable: try ownExecutablePath(), stateDirectory: state.path, protectedPaths: protected)
        let host = try equipment.host(site, journal)
        return HandsWorker(equipment: equipment, host: host, journal: journal)
    }

    /// Never two menders of one journal. Whoever held this before us has been killed, or is about to be.
    private func takeLock() throws -> FileLock {
        while true {
            if let lock = try FileLock.tryAcquire(state.handsLock) {
                try? lock.write("\(getpid())")
                return lock
            }
            // Our owner's end of file is the only other way out.
            let events = try waitFor(
                [Interest(orders.number, .readable)], until: clock.monotonic() + .milliseconds(5))
            if events[0].contains(.hungUp) { throw GuardFailure(.ending, "the guard is gone", advice: "") }
            if events[0].contains(.readable) { clock.sleep(for: .milliseconds(5)) }
        }
    }

    private func serve(_ worker: HandsWorker) throws {
        var reader = LineReader(limit: Frame.limit + 16)
        while true {
            while let line = try reader.next() {
                if line.first == UInt8(ascii: "U") {
                    let reply = try worker.mender.mend(progress: progress)
                    try tell(.mended(reply))
                } else if line.first == UInt8(ascii: "Q") {
                    let answer = worker.answer(
                        Array(line.dropFirst(2)), permitted: Self.permitted, progress: progress)
                    try tell(.forward(answer))
                    try tell(.done(open: (try? worker.journal.openInjections().count) ?? -1))
                }
            }
            guard case .bytes(let bytes) = try orders.read(upTo: 65536) else { return }
            reader.append(bytes)
        }
    }

    private func progress(_ id: InjectionID, _ sentence: String) {
        try? tell(.progress(id, sentence))
    }

    private func tell(_ message: HandsMessage) throws { try results.write(try message.line()) }

    /// Whether the lease is lost or the guard gone: asked before each step that cannot be taken back without an
    /// undo.
    private static func isForbidden() -> Bool {
        let interest = Interest(HandsLink.flagDescriptor, .readable)
        guard let events = try? waitFor([interest], until: Instant(nanoseconds: 0)) else { return true }
        return !events[0].isEmpty
    }

    private static func permitted() throws {
        guard isForbidden() else { return }
        throw GuardFailure(
            .ending, "the guard is undoing everything, so this injection was ended",
            advice: "see why the lease was lost; start the drill again")
    }
}

/// The path of the running executable, for helpers that are started from it.
func ownExecutablePath() throws -> String {
    guard let real = realpath("/proc/self/exe", nil) else {
        throw SystemError.last("resolve /proc/self/exe")
    }
    defer { free(real) }
    return String(cString: real)
}
