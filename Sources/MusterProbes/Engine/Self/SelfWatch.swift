import Glibc
public import MusterCore
import MusterSystem

/// How the clocks of this machine moved against each other, by readings of all three.
struct ClockWatch: Sendable {
    struct Reading: Sendable {
        /// CLOCK_MONOTONIC, CLOCK_BOOTTIME and CLOCK_REALTIME in nanoseconds, at one moment.
        var monotonic: Int64
        var boot: Int64
        var wall: Int64
    }

    /// What a clock that is slewed can gain between two readings a second apart is below this (adjtimex(2)).
    static let leastStep = Duration.milliseconds(50)
    static let leastSuspend = Duration.milliseconds(10)

    private(set) var steps: [ClockStep] = []
    /// For how long altogether the machine was suspended.
    private(set) var suspended: Duration = .zero
    private var last: Reading

    init(_ first: Reading) { last = first }

    mutating func add(_ reading: Reading) {
        let asleep = Duration.nanoseconds((reading.boot - reading.monotonic) - (last.boot - last.monotonic))
        if asleep > Self.leastSuspend { suspended += asleep }
        // Against BOOTTIME: a suspend moves the wall clock on as well, and is no step.
        let step = Duration.nanoseconds((reading.wall - reading.boot) - (last.wall - last.boot))
        if step > Self.leastStep || step < .zero - Self.leastStep {
            steps.append(
                ClockStep(
                    by: step,
                    between: Bracket(
                        Instant(nanoseconds: last.monotonic), Instant(nanoseconds: reading.monotonic))))
        }
        last = reading
    }

    /// Reads the clocks; should this thread lose the processor in between, again.
    static func read() -> Reading {
        let clock = SystemTimekeeper()
        var best: (width: Int64, reading: Reading)?
        for _ in 0..<5 {
            let before = clock.monotonic().nanoseconds
            let boot = clock.sinceBoot().nanoseconds
            let wall = clock.utcNanoseconds()
            let after = clock.monotonic().nanoseconds
            let reading = Reading(monotonic: before + (after - before) / 2, boot: boot, wall: wall)
            if best.map({ after - before < $0.width }) ?? true { best = (after - before, reading) }
            if after - before < 100_000 { break }
        }
        return best?.reading ?? Reading(monotonic: 0, boot: 0, wall: 0)
    }
}

/// Somebody set the wall clock. It changes no figure: all of them are differences on CLOCK_MONOTONIC.
public struct ClockStep: Hashable, Sendable {
    /// Forwards where positive.
    public var by: Duration
    public var between: Bracket

    public var text: String {
        let size = by < .zero ? "back by \((.zero - by).forPeople)" : "forward by \(by.forPeople)"
        return
            "the wall clock was set \(size): figures are differences on the monotonic clock and do not change; "
            + "times of day before and after it do not compare"
    }
}

/// In how much of the time some task had to wait for a resource (Documentation/accounting/psi.rst).
public struct Pressure: Hashable, Sendable {
    /// Shares from 0 to 1: over the 10 s before it began, over the last 10 s, and of the worst second
    /// between.
    public struct Line: Hashable, Sendable {
        public var start: Double
        public var end: Double
        public var peak: Double
    }
    /// nil where the kernel does not tell.
    public var cpu: Line?
    public var io: Line?
    public var memory: Line?

    public var lines: [(name: String, line: Line)] {
        [("cpu", cpu), ("io", io), ("memory", memory)].compactMap { name, line in line.map { (name, $0) } }
    }

    /// In one line.
    public var text: String {
        guard !lines.isEmpty else {
            return "how busy this host was is not known: its kernel has no /proc/pressure"
        }
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        let busy = lines.filter { max($1.start, $1.peak, $1.end) >= 0.005 }
        if busy.isEmpty { return "nothing on this host had to wait" }
        let parts = busy.map { name, line in
            "\(name) \(percent(line.start)) before, \(percent(line.peak)) at most, \(percent(line.end)) at the end"
        }
        return "share of time that something here had to wait: " + parts.joined(separator: "; ")
    }
}

/// Watches what can spoil a measurement from outside: pressure on the host, suspends, steps of the wall
/// clock. Once a second, on a thread of its own.
final class SelfWatch: @unchecked Sendable {
    private struct Resource {
        let path: String
        var line: Pressure.Line
        var stalled: Int64
    }

    private let condition = Condition()
    private var clocks = ClockWatch(ClockWatch.read())
    private var resources: [String: Resource] = [:]
    private var lastLook: Instant
    private var isStopped = false
    private var thread: OwnThread?
    private static let period = Duration.seconds(1)

    /// - Parameter folder: where the kernel tells of pressure.
    init(pressure folder: String = "/proc/pressure") throws {
        lastLook = monotonicNow()
        for name in ["cpu", "io", "memory"] {
            guard let found = Self.read("\(folder)/\(name)") else { continue }
            resources[name] = Resource(
                path: "\(folder)/\(name)",
                line: Pressure.Line(start: found.average, end: found.average, peak: 0), stalled: found.stalled
            )
        }
        thread = try OwnThread("muster-self") { [self] in work() }
    }

    var status: (steps: [ClockStep], suspended: Duration, pressure: Pressure) {
        condition.withLock {
            look()
            return (
                clocks.steps, clocks.suspended,
                Pressure(
                    cpu: resources["cpu"]?.line, io: resources["io"]?.line, memory: resources["memory"]?.line)
            )
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
        thread?.join()
        thread = nil
    }

    private func work() {
        condition.withLock {
            while !isStopped {
                _ = condition.wait(until: monotonicNow() + Self.period)
                look()
            }
        }
    }

    private func look() {
        clocks.add(ClockWatch.read())
        let now = monotonicNow()
        let passed = now - lastLook
        // Of a shorter time a share says little.
        guard passed >= .milliseconds(500) else { return }
        lastLook = now
        for (name, var resource) in resources {
            guard let found = Self.read(resource.path) else { continue }
            let share = Double(found.stalled - resource.stalled) * 1000 / Double(passed.nanoseconds)
            resource.line.peak = max(resource.line.peak, min(1, share))
            resource.line.end = found.average
            resource.stalled = found.stalled
            resources[name] = resource
        }
    }

    /// `some avg10=1.53 avg60=0.87 avg300=0.50 total=123456`: percent, and microseconds since boot.
    static func read(_ path: String) -> (average: Double, stalled: Int64)? {
        guard let text = try? readSmallFile(path),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") })
        else { return nil }
        var average: Double?
        var stalled: Int64?
        for word in line.split(separator: " ") {
            if word.hasPrefix("avg10=") { average = Double(word.dropFirst(6)) }
            if word.hasPrefix("total=") { stalled = Int64(word.dropFirst(6)) }
        }
        guard let average, let stalled else { return nil }
        return (average / 100, stalled)
    }
}
