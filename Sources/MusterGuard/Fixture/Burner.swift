import Glibc
import MusterCore
import MusterSystem

/// Keeps cores busy for a share of the time: one pinned thread a core, until it is ended.
public enum Burner {
    /// - Parameters:
    ///   - load: percent, 1 to 100.
    ///   - cores: their numbers, from 0.
    /// - Returns: never while it burns; an exit code when it cannot.
    public static func run(load: Double, cores: [Int]) -> Int32 {
        do {
            try Signals.ignore(SIGPIPE, SIGHUP, SIGINT)
            for core in cores.dropFirst() {
                try startThread(name: "burn-\(core)") { burn(core, load) }
            }
            burn(cores.first ?? 0, load)
            return 0
        } catch {
            Log.note("burn: \(words(error))")
            return 70
        }
    }

    private static func burn(_ core: Int, _ load: Double) {
        pin(to: core)
        let clock = SystemTimekeeper()
        let period = Duration.milliseconds(10)
        let busy = Duration.nanoseconds(Int64(Double(period.nanoseconds) * min(100, max(0, load)) / 100))
        var next = clock.monotonic()
        while true {
            let end = next + busy
            while clock.monotonic() < end {}
            next = next + period
            if busy < period { clock.sleep(until: next) }
            // After a stop or a suspension the missed periods are not made up for.
            next = max(next, clock.monotonic() - period)
        }
    }

    /// sched_setaffinity(2) for the calling thread; looked up, because Swift's Glibc does not import it.
    private static func pin(to core: Int) {
        typealias SetAffinity = @convention(c) (pid_t, Int, UnsafeRawPointer) -> Int32
        var mask = [UInt64](repeating: 0, count: 16)
        guard (0..<(mask.count * 64)).contains(core), let symbol = dlsym(nil, "sched_setaffinity") else {
            return
        }
        mask[core / 64] = 1 << UInt64(core % 64)
        let setAffinity = unsafeBitCast(symbol, to: SetAffinity.self)
        if setAffinity(0, mask.count * 8, mask) != 0 {
            Log.note("burn: cannot pin to core \(core): \(SystemError.text(of: errno))")
        }
    }
}
