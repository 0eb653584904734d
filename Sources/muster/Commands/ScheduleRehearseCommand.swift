import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// A scheduler on a clock of the tests' own: it looks, claims and records as `serve` and `tick` do, in real stores, and
/// only pretends to run drills. Any number of them share the clock and the store, and may be killed at any moment; what
/// holds then is what `Tests/EndToEndTests/ScheduledYearTests.swift` looks at.
struct ScheduleRehearseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse", abstract: "Looks at schedules on a pretended clock; for tests.",
        discussion:
            "Example: muster schedule rehearse --clock now --log ran --until 2027-01-01T00:00 --step 3600",
        shouldDisplay: false)

    @Option(help: "A file with the pretended time, seconds since 1970, which all move forward together.")
    var clock: String
    @Option(help: "A file to which a line is added for every run that begins.") var log: String
    @Option(help: "When to end: a time in UTC.") var until: String
    @Option(help: "The most seconds by which a look moves the clock.") var step: Int64
    @Option(help: "How many looks; none: as many as it takes.") var looks: Int?
    @OptionGroup var place: SchedulePlace

    private struct Run {
        var key: OccurrenceKey
        var ends: Moment
    }

    func run() throws {
        try carryOut {
            guard let end = LocalTime(until).map({ Moment(seconds: $0.seconds) }), step > 0 else {
                return .usage
            }
            let file = try Descriptor(opening: clock, O_RDWR)
            let schedules = try ScheduleLoader(path: place.path).load(now: try move(file, by: 0))
            let store = try place.store.open(access: .readWrite)
            guard let claimant = try processIdentity(of: getpid()) else { return .internalError }
            let book = try Descriptor(opening: log, O_WRONLY | O_CREAT | O_APPEND)
            var running: [Run] = []
            var left = looks ?? .max
            while left > 0 {
                left -= 1
                let now = try move(file, by: .random(in: 0...step))
                try finish(&running, store, now)
                let reading = ClockReading(
                    wall: now, sinceBoot: Instant(nanoseconds: now.utcNanoseconds), bootID: "rehearsal")
                let question = ScheduleQuestion(
                    schedules.schedules, schedules.calendar, mostAtOnce: schedules.maxConcurrent)
                for item in try store.look(at: question, reading, claimant: claimant).toRun {
                    try book.write(Array("\(item.planned.key.text) \(getpid())\n".utf8))
                    running.append(Run(key: item.planned.key, ends: now + .seconds(.random(in: 0...600))))
                }
                if now >= end { break }
            }
            try finish(&running, store, Moment(seconds: .max))
            return .pass
        }
    }

    private func finish(_ running: inout [Run], _ store: OutcomeStore, _ now: Moment) throws {
        for run in running where run.ends <= now {
            try store.finish(run.key, exitCode: 0, at: run.ends)
        }
        running.removeAll { $0.ends <= now }
    }

    /// Moves the clock that all share; it never goes back.
    private func move(_ file: Descriptor, by seconds: Int64) throws -> Moment {
        guard flock(file.number, LOCK_EX) == 0 else { throw SystemError.last("lock the clock") }
        defer { flock(file.number, LOCK_UN) }
        var now: Int64 = 0
        let size = MemoryLayout<Int64>.size
        guard pread(file.number, &now, size, 0) == size else { throw SystemError.last("read the clock") }
        now += seconds
        guard pwrite(file.number, &now, size, 0) == size else { throw SystemError.last("move the clock") }
        return Moment(seconds: now)
    }
}
