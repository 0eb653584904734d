import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// A year of schedules on a pretended clock, with real stores and real processes: two daemons and ticks look at once,
    /// and are killed with SIGKILL at random moments.
    ///
    /// `MUSTER_YEAR_SEED` repeats the moments as far as the machine lets them be repeated; `MUSTER_YEAR_STEP` is how many
    /// seconds a look moves the clock at the most (43200): smaller is longer and finer.
    @Suite struct ScheduledYear {
        private static let begin: Int64 = 1_767_225_600  // 2026-01-01T00:00:00Z
        private static let file = """
            format: 1
            timezone: Europe/Berlin
            holidays: { days: { 2026-04-03: Good Friday, 2026-12-25: Christmas } }
            blackouts: { freeze: { from: 2026-12-15, to: 2027-01-03, reason: freeze } }
            maxConcurrent: 2
            schedules:
              nightly: { drill: drills/short.yaml, cron: 30 2 * * *, catchUp: latest, startDeadline: 6h }
              skipping: { drill: drills/short.yaml, cron: 30 2 * * *, gap: skip }
              hourly: { drill: drills/short.yaml, cron: 30 * * * *, jitter: 10m, catchUp: latest, startDeadline: 1d }
              elapsed: { drill: drills/short.yaml, every: 5h, catchUp: latest, startDeadline: 7d, priority: 3 }
              islands: { drill: drills/short.yaml, cron: 15 2 * * *, timezone: Australia/Lord_Howe, catchUp: latest }
              fridays:
                drill: drills/short.yaml
                rrule: FREQ=MONTHLY;BYDAY=-1FR
                start: 2026-01-01
                at: 10:00
                onHoliday: previous
                catchUp: latest
                startDeadline: 7d
              windowed: { drill: drills/short.yaml, cron: 0 23 * * *, window: { from: 22:00, to: 02:00 }, catchUp: latest, startDeadline: 3h }
              never: { drill: drills/short.yaml, cron: 0 12 * * *, approval: required }
              once: { drill: drills/short.yaml, once: 2026-03-29T02:30, catchUp: latest, startDeadline: 7d }

            """

        private func schedules(_ lab: Lab) throws -> Schedules {
            let longest = ScheduleResources.DrillFacts(longest: .seconds(60), locks: [LockPath("local")])
            let found = Schedules.examine(
                Self.file, now: Moment(seconds: Self.begin),
                resources: ScheduleResources(
                    zone: { name in
                        let bytes = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)"))
                        return try ZoneFile.read([UInt8](bytes), name: name)
                    }, zoneNames: { ["Europe/Berlin", "Australia/Lord_Howe"] }, file: { _ in [] },
                    drill: { _, _ in longest }))
            return try #require(found.schedules, "\(found.errors)")
        }

        private func time(_ lab: Lab) throws -> Int64 {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(lab.directory)/now"))
            return data.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
        }

        private func setTime(_ lab: Lab, _ seconds: Int64) throws {
            let data = withUnsafeBytes(of: seconds) { Data($0) }
            try data.write(to: URL(fileURLWithPath: "\(lab.directory)/now"))
        }

        private func worker(_ lab: Lab, _ step: Int64, _ more: String...) throws -> Running {
            try lab.start(
                [
                    "schedule", "rehearse", "--clock", "\(lab.directory)/now", "--log",
                    "\(lab.directory)/ran",
                    "--until", "2027-01-01T00:00", "--step", "\(step)",
                ] + more)
        }

        @Test(.timeLimit(.minutes(10))) func nothingRunsTwiceAndNothingVanishes() throws {
            let environment = ProcessInfo.processInfo.environment
            let seed = environment["MUSTER_YEAR_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
            let step = environment["MUSTER_YEAR_STEP"].flatMap { Int64($0) } ?? 43_200
            print("MUSTER_YEAR_SEED=\(seed)")
            var random = SplitMix64(seed: seed)
            let lab = try Serving.lab()
            try lab.write(Self.file, to: "drills/schedules.yaml")
            try setTime(lab, Self.begin)
            // The store is made, and every schedule begins.
            #expect(try worker(lab, 1, "--looks", "1").end().code == 0)
            let kills = try harass(lab, step, &random)
            // Somebody looks once more, when all is over.
            try setTime(lab, max(try time(lab), 1_798_761_600))
            #expect(try worker(lab, 1, "--looks", "1").end().code == 0)
            try judge(lab, kills: kills, seed: seed)
        }

        /// Two that go on, and one that looks once and ends; killed and started again until the year is over.
        private func harass(_ lab: Lab, _ step: Int64, _ random: inout SplitMix64) throws -> Int {
            var workers = try (0..<3).map { _ in try worker(lab, step) }
            var kills = 0
            while try time(lab) < 1_798_761_600 {
                lab.clock.sleep(for: .milliseconds(.random(in: 5...250, using: &random)))
                let victim = Int.random(in: 0..<workers.count, using: &random)
                _ = try workers[victim].child.kill()
                if try workers[victim].end().code == nil { kills += 1 }
                workers[victim] =
                    try victim == 2 ? worker(lab, step, "--looks", "1") : worker(lab, step)
            }
            for worker in workers { _ = try worker.end(within: .seconds(60)) }
            return kills
        }

        private func judge(_ lab: Lab, kills: Int, seed: UInt64) throws {
            let store = try OutcomeStore(
                path: "\(lab.project)/runbooks/outcomes.sqlite", access: .readOnly, hash: { "\($0.count)" })
            let records = try store.occurrences(limit: .max)
            let byKey = Dictionary(grouping: records, by: \.key.text)
            let began = try lab.read("\(lab.directory)/ran").split(separator: "\n").map {
                String($0.split(separator: " ")[0])
            }
            let all: Comment = "seed \(seed), \(kills) kills, \(began.count) runs, \(records.count) records"
            print(all.rawValue)
            #expect(kills > 5 && began.count > 50, all)
            // At most once.
            #expect(Set(began).count == began.count, all)
            // What began was claimed before, and whatever was claimed has an end: its own, or that its scheduler died.
            #expect(began.allSatisfy { byKey[$0]?.first?.fate == .run }, all)
            #expect(records.allSatisfy { $0.fate != .run || $0.finished != nil }, all)
            let ended = records.filter { $0.fate == .run && $0.exitCode != nil }.map(\.key.text)
            #expect(Set(ended).isSubset(of: began), all)
            #expect(records.allSatisfy { !$0.sentence.isEmpty }, all)
            // None vanished: what the rules say has a record, or is counted among those missed in bulk.
            let states = try store.scheduleStates()
            let schedules = try schedules(lab)
            for schedule in schedules.schedules {
                let state = try #require(states[schedule.name])
                let due = SchedulePlan(
                    of: schedule, calendar: schedules.calendar, after: Moment(seconds: Self.begin + 1)
                ).prefix { $0.due <= state.settledUntil }
                let missing = due.filter { byKey[$0.key.text] == nil }
                #expect(missing.count <= state.missedInBulk, "\(schedule.name): \(missing.prefix(3)) \(all)")
                #expect(state.settledUntil >= Moment(seconds: 1_798_761_600), all)
            }
            // What was decided beforehand was decided so.
            #expect(records.filter { $0.key.schedule == "never" }.allSatisfy { $0.fate != .run }, all)
            #expect(
                records.filter { $0.fate == .run }.allSatisfy {
                    schedules.calendar.blackout(at: $0.due) == nil
                }, all)
        }
    }
}
