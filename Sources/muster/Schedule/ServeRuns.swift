import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem
import Synchronization

/// The drills that a daemon has started, until how they ended is on record.
struct ServeRuns {
    private struct Run {
        var item: ScheduleAnswer.Item
        var run: ScheduledRun
        var forget: () -> Void
    }

    private struct Ending {
        var key: OccurrenceKey
        var ending: RunEnding
        var at: Moment
        var attempts = 0
    }

    private var running: [Run] = []
    private var endings: [Ending] = []
    /// How often an ending is offered to the store before a daemon that stops leaves without it; the next scheduler then
    /// finds that we died.
    private static let mostAttempts = 30

    var isEmpty: Bool { running.isEmpty && endings.allSatisfy { $0.attempts >= Self.mostAttempts } }

    /// What runs, by name.
    var words: String {
        let names = running.map {
            $0.item.planned.schedule + ($0.run.interruption != nil ? " (being put back)" : "")
        }
        return names.isEmpty ? "nothing" : names.joined(separator: ", ")
    }

    /// - Parameter forget: called once when it has ended, before its descriptor closes.
    mutating func add(_ item: ScheduleAnswer.Item, _ run: ScheduledRun, forget: @escaping () -> Void) {
        running.append(Run(item: item, run: run, forget: forget))
    }

    /// Keeps how a run ended that was not to be started.
    mutating func note(_ key: OccurrenceKey, _ ending: RunEnding, _ now: Moment) {
        endings.append(Ending(key: key, ending: ending, at: now))
    }

    /// Looks which runs have ended, and records it; what could not be recorded is tried again each time.
    /// - Returns: whether one was recorded, so that what waited for it can go on.
    mutating func reap(_ due: DueRuns, _ log: (String) -> Void) -> Bool {
        let now = due.now
        running.removeAll { run in
            let ending: RunEnding
            do {
                guard let status = try run.run.child.poll() else { return false }
                ending = run.run.ending(status)
            } catch {
                ending = RunEnding(
                    code: Status.internalError.rawValue, why: "nobody can say how it ended: \(error)")
            }
            run.forget()
            log(
                "\(run.item.planned.key.text) ended with exit code \(ending.code)"
                    + (ending.why.map { ": \($0.onOneLine)" } ?? ""))
            endings.append(Ending(key: run.item.planned.key, ending: ending, at: now))
            return true
        }
        let before = endings.count
        endings = endings.compactMap { ending in
            do {
                try due.finish(ending.key, ending.ending, at: ending.at)
                return nil
            } catch {
                if ending.attempts == 0 {
                    log("\(ending.key.text): its end could not be recorded yet: \(error)")
                }
                var ending = ending
                ending.attempts += 1
                return ending
            }
        }
        return endings.count < before
    }

    /// Aborts those that must not go on.
    /// - Parameter reason: why a run of a schedule must not; nil when it may.
    mutating func interrupt(by reason: (Schedule) -> String?, _ log: (String) -> Void) {
        for index in running.indices where running[index].run.interruption == nil {
            if let why = reason(running[index].item.schedule) { abort(index, why, log) }
        }
    }

    mutating func abort(_ why: String, _ log: (String) -> Void) {
        for index in running.indices where running[index].run.interruption == nil { abort(index, why, log) }
    }

    private mutating func abort(_ index: Int, _ why: String, _ log: (String) -> Void) {
        log("\(running[index].item.planned.key.text): \(why.onOneLine); it is aborted and put back")
        do {
            try running[index].run.interrupt(why)
        } catch {
            log("\(running[index].item.planned.key.text) could not be told: \(error)")
        }
    }
}

/// Signals as something that can be waited for together with descriptors.
final class SignalInbox {
    let descriptor: Descriptor
    private let watch: SignalWatch
    private let arrived: Arrived

    private final class Arrived: Sendable {
        let numbers = Mutex<[Int32]>([])
    }

    /// From now on these signals end nothing.
    init(_ signals: [Int32]) throws {
        let pipe = try Descriptor.pipe()
        try pipe.read.setNonblocking()
        try pipe.write.setNonblocking()
        let arrived = Arrived()
        self.arrived = arrived
        descriptor = pipe.read
        let wake = pipe.write
        watch = SignalWatch(signals) { number in
            arrived.numbers.withLock { $0.append(number) }
            var byte: UInt8 = 0
            // A full pipe wakes as well.
            _ = Foundation.write(wake.number, &byte, 1)
        }
    }

    /// Those that came since, in order.
    func take() -> [Int32] {
        _ = try? descriptor.read(upTo: 64)
        return arrived.numbers.withLock { numbers in
            defer { numbers = [] }
            return numbers
        }
    }
}
