import Glibc
import MusterCore
import MusterSystem

/// Descriptors of the protocol, out of every child's reach.
struct Streams {
    let input: Descriptor
    let output: Descriptor

    /// Moves 0 and 1 to high close-on-exec numbers; 0 becomes /dev/null and 1 becomes 2, so that nothing that
    /// is started or printed later can disturb the protocol or keep it open (SAFETY 13).
    /// - Throws: `GuardFailure` when one of them is a terminal.
    static func take() throws -> Streams {
        guard isatty(0) == 0, isatty(1) == 0 else {
            throw GuardFailure(
                .surroundings, "a guard speaks to an engine, not to a terminal",
                advice: "start it through `muster run`, or remove -t from ssh, docker or kubectl")
        }
        let input = try Descriptor.duplicate(0)
        let output = try Descriptor.duplicate(1)
        let null = try Descriptor(opening: "/dev/null", O_RDONLY)
        guard dup2(null.number, 0) == 0, dup2(2, 1) == 1 else {
            throw SystemError.last("move the standard streams")
        }
        try output.setNonblocking()
        return Streams(input: input, output: output)
    }
}

extension GuardProcess {
    /// `muster-guard guard`: everything from the first instruction to the last.
    /// - Returns: an exit code (REPORTS 4.3).
    public static func main(_ options: GuardOptions, _ equipment: Equipment) -> Int32 {
        var streams: Streams?
        do {
            // A terminal that closes, Ctrl-C and a dying ssh reach it through the foreground group.
            try Signals.ignore(SIGHUP, SIGINT, SIGPIPE)
            try Signals.block([SIGTERM])
            let signals = try SignalDescriptor([SIGTERM])
            let taken = try Streams.take()
            streams = taken
            let state = try StateDirectory(opening: StateDirectory.path(explicit: options.state))
            try state.checkWritable()
            let engine = try options.engine.flatMap { try processIdentity(of: $0) }
            let holder = try LockHolder.ourselves(
                .guard, state: state.path, run: options.run, engine: engine)
            guard let lock = try acquire(holder) else {
                throw GuardFailure(
                    .locked,
                    "this host is taken by \(LockHolder.read()?.inWords ?? "somebody who left no name")",
                    advice: "wait until that drill is over, or end it with `muster abort` or `muster undo`")
            }
            let process = try GuardProcess(
                options: options, equipment: equipment, state: state, streams: taken, lock: lock,
                holder: holder, signals: signals)
            return try process.run()
        } catch {
            let failure = (error as? GuardFailure) ?? GuardFailure(.surroundings, words(error), advice: "")
            Log.note(failure.message + (failure.advice.isEmpty ? "" : "; " + failure.advice))
            if let line = try? Refusal(refused: failure).line(nonce: options.nonce) {
                _ = try? streams?.output.write(some: line[...])
            }
            return failure.code == .locked ? 7 : streams == nil ? 2 : 7
        }
    }

    /// A guard that has just ended may hold the lock for a moment, and so may its warden that mends.
    private static func acquire(_ holder: LockHolder) throws -> HostLock? {
        let clock = SystemTimekeeper()
        let deadline = clock.monotonic() + .milliseconds(300)
        while true {
            if let lock = try HostLock.tryAcquire(holder) { return lock }
            guard clock.monotonic() < deadline else { return nil }
            clock.sleep(for: .milliseconds(10))
        }
    }
}

/// An error of the system or of ours, in words.
func words(_ error: any Error) -> String {
    switch error {
    case let failure as GuardFailure: failure.message
    case let error as SystemError: error.description
    default: describe(error)
    }
}
