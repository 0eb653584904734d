import Glibc
public import MusterCore
import MusterSystem

/// Watches one guard from a session of its own, and mends when the guard dies without having said that
/// everything is in order, or gives no sign of life for two leases.
public struct Warden {
    static let pipeDescriptor: Int32 = 3
    static let guardDescriptor: Int32 = 4
    static let beat = UInt8(ascii: "h")
    static let clean = UInt8(ascii: "c")
    /// How long it goes on trying; after that the boot unit, the timer or the next command mends.
    static let patience = Duration.seconds(120)

    private let state: StateDirectory
    private let lease: Duration
    private let guardProcess: ProcessIdentity
    private let clock = SystemTimekeeper()

    public init(state: StateDirectory, lease: Duration, guardProcess: ProcessIdentity) {
        self.state = state
        self.lease = lease
        self.guardProcess = guardProcess
    }

    /// - Returns: an exit code.
    public func run() -> Int32 {
        do {
            try Signals.ignore(SIGPIPE, SIGHUP, SIGINT)
            let pipe = Descriptor(adopting: Self.pipeDescriptor)
            let guardHandle = PidDescriptor(adopting: Self.guardDescriptor)
            if isClean(pipe, guardHandle) { return 0 }
            do {
                try guardHandle.send(SIGKILL)
                _ = try guardHandle.waitForEnd(until: clock.monotonic() + .seconds(10))
            } catch {
                // The lock of the hands keeps two menders apart.
                Log.note("warden: the guard \(guardProcess.pid) cannot be ended: \(describe(error))")
            }
            return try mend()
        } catch {
            Log.note("warden: \(describe(error))")
            return 70
        }
    }

    /// Whether the guard ended cleanly. A warden that cannot watch any more does not know, so it mends.
    private func isClean(_ pipe: Descriptor, _ guardHandle: PidDescriptor) -> Bool {
        do {
            return try watch(pipe, guardHandle)
        } catch {
            Log.note("warden: the guard \(guardProcess.pid) cannot be watched: \(describe(error)); mending")
            return false
        }
    }

    /// - Returns: whether the guard ended cleanly.
    private func watch(_ pipe: Descriptor, _ guardHandle: PidDescriptor) throws -> Bool {
        // CLOCK_MONOTONIC: a machine that slept has not made the guard silent.
        var deadline = clock.monotonic() + lease * 2
        while true {
            let events = try waitFor(
                [Interest(pipe.number, .readable), Interest(guardHandle.descriptor.number, .readable)],
                until: deadline)
            if !events[0].isEmpty {
                guard case .bytes(let bytes) = try pipe.read(upTo: 4096) else {
                    Log.note("warden: the guard \(guardProcess.pid) has died; mending")
                    return false
                }
                if bytes.contains(Self.clean) { return true }
                deadline = clock.monotonic() + lease * 2
            } else if !events[1].isEmpty {
                Log.note("warden: the guard \(guardProcess.pid) has died; mending")
                return false
            } else if clock.monotonic() >= deadline {
                Log.note("warden: no sign of life from guard \(guardProcess.pid) for two leases; ending it")
                return false
            }
        }
    }

    private func mend() throws -> Int32 {
        var holder = try LockHolder.ourselves(.warden, state: state.path)
        holder.run = "after guard \(guardProcess.pid)"
        var lock: HostLock?
        let deadline = clock.monotonic() + .seconds(2)
        while lock == nil {
            lock = try HostLock.tryAcquire(holder)
            if lock != nil { break }
            if let other = LockHolder.read(), other.process != guardProcess {
                // Whoever took the host's lock for the same journal mends it first of all.
                if other.stateDirectory == state.path { return 0 }
                break
            }
            // Mending somebody's journal needs the lock of its hands only.
            if clock.monotonic() >= deadline { break }
            clock.sleep(for: .milliseconds(2))
        }
        defer { lock?.release() }
        let run = MendingRun(executable: try ThisProcess.openExecutable(), state: state.path)
        let reply = try run.untilClosed(within: Self.patience, forgivesFailures: true)
        for step in reply.reports where step.isEndedStep {
            Log.note("warden: \(step.name) was still running without its guard and was ended")
        }
        Log.note("warden: \(reply.reports.count) injections looked at, \(reply.open) still open")
        return reply.open == 0 ? 0 : 5
    }
}
