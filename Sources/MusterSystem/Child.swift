import CLinux
import Glibc
public import MusterCore
import Synchronization

/// How a process ended.
public enum ExitStatus: Hashable, Sendable {
    case exited(Int32)
    /// By a signal, with or without a core dump.
    case signalled(Int32)
}

/// A process that we started. Somebody must wait for it, or it stays a zombie until we end; `init` and a
/// subreaper are waited for by nobody else.
public final class Child: Sendable {
    public let pid: Int32
    /// Refers to this process whoever gets its number later; readable once it has ended (pidfd_open(2)).
    public let pidfd: PidDescriptor
    private let spawn: Spawn
    private struct State {
        var gate: Int32
        var status: Int32
        var ending: ExitStatus?
    }
    private let state: Mutex<State>

    init(_ child: csystem_child, spawn: Spawn) {
        pid = child.pid
        pidfd = PidDescriptor(adopting: child.pidfd)
        self.spawn = spawn
        var status = child.status
        if child.gate < 0 {
            close(status)
            status = -1
        }
        state = Mutex(State(gate: child.gate, status: status, ending: nil))
    }

    deinit {
        let (gate, status, ended) = state.withLock { ($0.gate, $0.status, $0.ending != nil) }
        guard gate >= 0 else { return }
        // Never released: it exits by itself, and nobody else knows of it.
        close(gate)
        close(status)
        if !ended { _ = try? pidfd.wait(until: nil) }
    }

    /// Lets a gated child run its program.
    /// - Returns: once the program runs.
    /// - Throws: `SystemError` when the program cannot be executed; the child has ended and was waited for.
    public func release() throws(SystemError) {
        let failure: SystemError? = state.withLock { state in
            guard state.gate >= 0 else { return nil }
            var child = csystem_child()
            child.gate = state.gate
            child.status = state.status
            var status = csystem_status()
            let result = csystem_release(&child, &status)
            close(state.gate)
            close(state.status)
            state.gate = -1
            state.status = -1
            return result == 0 ? nil : spawn.failure(status)
        }
        if let failure {
            _ = try? wait(until: nil)
            throw failure
        }
    }

    /// How it ended, waited for; nil while it runs.
    public func poll() throws(SystemError) -> ExitStatus? { try wait(until: Instant(nanoseconds: 0)) }

    /// Waits for its end.
    /// - Parameter deadline: on CLOCK_MONOTONIC; nil waits for ever.
    /// - Returns: nil when the deadline passed first.
    public func wait(until deadline: Instant?) throws(SystemError) -> ExitStatus? {
        if let ending = state.withLock({ $0.ending }) { return ending }
        guard try pidfd.waitForEnd(until: deadline) else { return nil }
        let result: Result<ExitStatus?, SystemError> = state.withLock { state in
            if let ending = state.ending { return .success(ending) }
            do throws(SystemError) {
                state.ending = try pidfd.reap()
                return .success(state.ending)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Waits up to `duration` for its end.
    public func wait(for duration: Duration) throws(SystemError) -> ExitStatus? {
        try wait(until: SystemTimekeeper().monotonic() + duration)
    }

    /// Sends SIGKILL.
    @discardableResult
    public func kill() throws(SystemError) -> Bool { try kill(SIGKILL) }

    /// Sends a signal to exactly this process.
    /// - Returns: false when it has ended.
    @discardableResult
    public func kill(_ signal: Int32) throws(SystemError) -> Bool { try pidfd.send(signal) }
}
