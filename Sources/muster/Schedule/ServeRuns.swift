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
        var child: Child
        var forget: () -> Void
        var isAborted = false
    }

    private struct Ending {
        var key: OccurrenceKey
        var code: Int32
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
        let names = running.map { $0.item.planned.schedule + ($0.isAborted ? " (being put back)" : "") }
        return names.isEmpty ? "nothing" : names.joined(separator: ", ")
    }

    /// - Parameter forget: called once when it has ended, before its descriptor closes.
    mutating func add(_ item: ScheduleAnswer.Item, _ child: Child, forget: @escaping () -> Void) {
        running.append(Run(item: item, child: child, forget: forget))
    }

    /// Keeps how a run ended that was not to be started.
    mutating func note(_ key: OccurrenceKey, _ code: Int32, _ now: Moment) {
        endings.append(Ending(key: key, code: code, at: now))
    }

    /// Looks which runs have ended, and records it; what could not be recorded is tried again each time.
    /// - Returns: whether one was recorded, so that what waited for it can go on.
    mutating func reap(_ due: DueRuns, _ log: (String) -> Void) -> Bool {
        let now = due.now
        running.removeAll { run in
            let status: ExitStatus
            do {
                guard let found = try run.child.poll() else { return false }
                status = found
            } catch {
                log("\(run.item.planned.key.text): nobody can say how it ended: \(error)")
                status = .exited(Status.internalError.rawValue)
            }
            run.forget()
            let code = DueRuns.code(status)
            if case .signalled(let signal) = status {
                log(
                    "\(run.item.planned.key.text) was ended by signal \(signal); its guard puts back what it broke"
                )
            } else {
                log("\(run.item.planned.key.text) ended with exit code \(code)")
            }
            endings.append(Ending(key: run.item.planned.key, code: code, at: now))
            return true
        }
        let before = endings.count
        endings = endings.compactMap { ending in
            do {
                try due.finish(ending.key, exitCode: ending.code, at: ending.at)
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
        for index in running.indices where !running[index].isAborted {
            if let why = reason(running[index].item.schedule) { abort(index, why, log) }
        }
    }

    mutating func abort(_ why: String, _ log: (String) -> Void) {
        for index in running.indices where !running[index].isAborted { abort(index, why, log) }
    }

    private mutating func abort(_ index: Int, _ why: String, _ log: (String) -> Void) {
        running[index].isAborted = true
        log("\(running[index].item.planned.key.text): \(why); it is aborted and put back")
        do {
            _ = try running[index].child.kill(SIGINT)
        } catch {
            running[index].isAborted = false
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
