import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import Testing

/// What the store keeps of occurrences, and that nobody gets to run one twice.
@Suite struct ScheduleBookTests {
    private static let us = ProcessIdentity(pid: 1, startTicks: 1, bootID: "boot")

    private func schedule(_ name: String = "daily") throws -> Schedule {
        Schedule(name: name, drill: "drills/a.yaml", zone: .utc, rule: .cron(try CronRule("0 10 * * *")))
    }

    private func planned(_ schedule: Schedule, _ count: Int) -> [PlannedOccurrence] {
        let start = Moment(seconds: 1_780_272_000)  // 2026-06-01T00:00:00Z
        return Array(SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: start).prefix(count))
    }

    private func withStore(
        isAlive: Bool = true, _ body: (OutcomeStore, String) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "muster-book-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "outcomes.sqlite").path
        let store = try OutcomeStore(path: path, hash: { "\($0.count)" }, isAlive: { _ in isAlive })
        try body(store, path)
        try store.close()
    }

    private func record(
        _ store: OutcomeStore, _ planned: [PlannedOccurrence], _ schedule: Schedule
    ) throws -> [PlannedOccurrence] {
        try store.scheduling {
            try $0.record(planned, of: schedule, now: Moment(seconds: 1), claimant: Self.us)
        }
    }

    @Test func whatIsRecordedOnceStays() throws {
        let schedule = try schedule()
        let all = planned(schedule, 3)
        try withStore { store, _ in
            #expect(try record(store, all, schedule) == all)
            // Nobody else gets it, whatever he thinks has become of it.
            #expect(try record(store, all, schedule).isEmpty)
            #expect(try record(store, [all[0].decided(.missed, .laterOneIsDue)], schedule).isEmpty)
            try store.finish(all[0].key, exitCode: 1, at: Moment(seconds: 9))
            let records = try store.occurrences(limit: 10)
            #expect(records.map(\.key) == all.reversed().map(\.key))
            #expect(records.last?.fate == .run && records.last?.exitCode == 1)
            #expect(records.last?.finished == Moment(seconds: 9) && records.first?.exitCode == nil)
            #expect(records.first?.drill == "drills/a.yaml" && records.first?.due == all[2].due)
        }
    }

    @Test func whatWaitsBecomesSomethingOnce() throws {
        let schedule = try schedule()
        let one = planned(schedule, 1)[0]
        let waiting = one.decided(.queued, .locked(by: "other", on: "local"))
        try withStore { store, _ in
            #expect(try record(store, [waiting], schedule).count == 1)
            let state = try store.scheduling { try $0.state(of: "daily") { $0 == one.key ? one : nil } }
            #expect(state.waiting.map(\.key) == [one.key] && state.handled.isEmpty)
            #expect(state.waiting.first?.decision.fate == .queued)
            #expect(try record(store, [one], schedule) == [one])
            #expect(try record(store, [one], schedule).isEmpty)
            let later = try store.scheduling { try $0.state(of: "daily") { _ in one } }
            #expect(later.waiting.isEmpty && later.handled == [one.key])
        }
    }

    @Test func whatTheScheduleHasNoMoreIsWithdrawn() throws {
        let schedule = try schedule()
        let waiting = planned(schedule, 1)[0].decided(.queued, .notApproved)
        try withStore { store, _ in
            _ = try record(store, [waiting], schedule)
            let state = try store.scheduling { try $0.state(of: "daily") { _ in nil } }
            #expect(state.waiting.isEmpty)
            #expect(try store.occurrences(limit: 1).map(\.reason) == ["withdrawn"])
        }
    }

    @Test func aSchedulerThatDiedHoldsNothing() throws {
        let schedule = try schedule()
        for isAlive in [true, false] {
            try withStore(isAlive: isAlive) { store, _ in
                let all = planned(schedule, 1)
                _ = try record(store, all, schedule)
                let running = try store.scheduling { try $0.running(now: Moment(seconds: 50)) }
                #expect(running.alive.map(\.key) == (isAlive ? [all[0].key] : []))
                #expect(running.died == (isAlive ? [] : [all[0].key]))
                let found = try #require(store.occurrences(limit: 1).first)
                // It stays a run: it may have broken something, and must not run again.
                #expect(found.fate == .run && (found.finished == nil) == isAlive && found.exitCode == nil)
                #expect(isAlive || found.sentence.contains("died"))
                #expect(try record(store, all, schedule).isEmpty)
            }
        }
    }

    @Test func whatFailsHalfwayIsNotWritten() throws {
        struct Stop: Error {}
        let schedule = try schedule()
        try withStore { store, _ in
            _ = try? store.scheduling { book in
                _ = try book.record(
                    planned(schedule, 1), of: schedule, now: Moment(seconds: 1), claimant: Self.us)
                try book.settle("daily", until: Moment(seconds: 7), missedInBulk: 1)
                throw Stop()
            }
            #expect(try store.occurrences(limit: 1).isEmpty)
            let state = try store.scheduling { try $0.state(of: "daily") { _ in nil } }
            #expect(state.settledUntil == nil)
            try store.scheduling { try $0.settle("daily", until: Moment(seconds: 7), missedInBulk: 1) }
            let settled = try store.scheduling { try $0.state(of: "daily") { _ in nil } }
            #expect(settled.settledUntil == Moment(seconds: 7))
        }
    }

    @Test func clocksOfOneBootAreCompared() throws {
        try withStore { store, _ in
            func look(_ wall: Int64, _ boot: Int64, _ id: String = "a") throws -> Duration? {
                try store.scheduling {
                    try $0.look(
                        wall: Moment(seconds: wall), sinceBoot: Instant(nanoseconds: boot * 1_000_000_000),
                        bootID: id)
                }
            }
            let found = [
                try look(1000, 10), try look(1060, 70), try look(1000, 130), try look(5000, 190),
                try look(9000, 1, "b"),
            ]
            #expect(found == [nil, nil, .seconds(-120), .seconds(3940), nil])
        }
    }

    @Test func pausesHoldUntilTheyEnd() throws {
        try withStore { store, _ in
            let pause = Schedule.Pause(since: Moment(seconds: 10), until: Moment(seconds: 100), reason: "r")
            try store.pause("a", pause, by: "somebody")
            try store.pause("b", Schedule.Pause(since: Moment(seconds: 10), reason: "s"), by: "somebody")
            #expect(try store.pauses(at: Moment(seconds: 50)).keys.sorted() == ["a", "b"])
            #expect(try store.pauses(at: Moment(seconds: 50))["a"] == pause)
            #expect(try store.pauses(at: Moment(seconds: 100)).keys.sorted() == ["b"])
            #expect(try store.resume("b", at: Moment(seconds: 60), reason: "over", by: "somebody"))
            #expect(try !store.resume("b", at: Moment(seconds: 60), reason: "over", by: "somebody"))
            #expect(try store.pauses(at: Moment(seconds: 100)).isEmpty)
        }
    }

    /// Eight at once want the same hundred occurrences, each with a connection of its own.
    @Test func ofManyAtOnceOneGetsEach() async throws {
        let schedule = try schedule()
        let all = planned(schedule, 100)
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "muster-book-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "outcomes.sqlite").path
        _ = try OutcomeStore(path: path, hash: { "\($0.count)" })
        let claimed = try await withThrowingTaskGroup(of: [OccurrenceKey].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let store = try OutcomeStore(path: path, hash: { "\($0.count)" })
                    return try all.flatMap { one in
                        try store.scheduling {
                            try $0.record([one], of: schedule, now: Moment(seconds: 1), claimant: Self.us)
                        }
                    }.map(\.key)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 100 && Set(claimed) == Set(all.map(\.key)))
    }
}
