import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// The calendar that people subscribe to, read by parsers that are not ours.
@Suite struct CalendarFeedTests {
    static let python = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/python/bin/python3")
    static let isThere = FileManager.default.isExecutableFile(atPath: python.path)

    private func feed(isBlind: Bool = false, sequence: Int64 = 7) throws -> [UInt8] {
        let found = ScheduleReaderTests.examine(
            try FixtureFiles.text("schedules.yaml"), ["holidays.txt": Array("2026-12-25\n".utf8)])
        let schedules = try #require(found.schedules)
        let feed = CalendarFeed(isBlind: isBlind, stamp: ScheduleReaderTests.now, sequence: sequence)
        return feed.bytes(
            schedules.schedules.map { schedule in
                let plan = SchedulePlan(
                    of: schedule, calendar: schedules.calendar, after: ScheduleReaderTests.now)
                return (schedule, plan.prefix(8).map { .init($0, isTentative: schedule.needsApproval) })
            })
    }

    private func read(_ bytes: [UInt8]) throws -> [Value] {
        let file = FileManager.default.temporaryDirectory.appending(path: "muster-\(UUID().uuidString).ics")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        let process = Process()
        process.executableURL = Self.python
        process.arguments = [FixtureFiles.folder.appending(path: "calendar_oracle.py").path, file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(text)")
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(Value.self, from: Data($0.utf8))
        }
    }

    @Test(.enabled(if: isThere, "needs the Python packages that `scripts/setup python` installs"))
    func othersReadWhatIsPlanned() throws {
        let lines = try read(feed())
        let events = lines.dropLast()
        #expect(events.count == 8 + 8 + 8 + 1 + 8)
        if let count = lines.last?["libical"]?.asInt {
            #expect(
                count == Int64(events.count) && lines.last?["errors"] == 0 && lines.last?["valid"] == true)
        }
        func event(_ uid: String) throws -> Value { try #require(events.first { $0["uid"]?.asText == uid }) }
        let audit = try event("audit-20270301T090000@muster")
        #expect(audit["start"] == "2027-03-01T08:00:00+00:00" && audit["end"] == "2027-03-01T08:10:00+00:00")
        #expect(audit["status"] == "CANCELLED" && audit["alarms"] == [] && audit["sequence"] == 7)
        #expect(audit["summary"] == "Drill: audit" && audit["categories"] == "DRILL")
        #expect(
            audit["description"]?.asText
                == "drills/first-drill.yaml\n2027-03-01 09:00 Europe/Berlin\nSUPPRESSED: blackout 'release' until "
                + "2027-03-01 18:00: release of 3.0")
        let soak = try event("soak-20261127T070000@muster")
        #expect(soak["status"] == "CONFIRMED" && soak["alarms"] == ["-P1D", "-PT15M"])
        #expect(soak["stamp"] == "2026-11-27T00:00:00+00:00")
        #expect(try event("sessions-weekly-20261201T223000@muster")["status"] == "TENTATIVE")
        #expect(try event("sessions-weekly-20261215T223000@muster")["status"] == "CANCELLED")
    }

    @Test func blindFeedsGiveNothingAway() throws {
        let text = String(decoding: try feed(isBlind: true), as: UTF8.self)
        for word in ["sessions", "quarterly", "drills/", "redis", "blackout", "release"] {
            #expect(!text.contains(word), "\(word)")
        }
        #expect(text.contains("SUMMARY:Game day\r\n") && !text.contains("DESCRIPTION:drill"))
        // Every event still has a name of its own that stays.
        let names = text.split(separator: "\r\n").filter { $0.hasPrefix("UID:") }
        #expect(Set(names).count == names.count && names.count == 33)
        #expect(try feed(isBlind: true) == feed(isBlind: true))
    }

    @Test(.enabled(if: isThere, "needs the Python packages that `scripts/setup python` installs"))
    func strangeNamesAreEscapedAndFolded() throws {
        var schedule = Schedule(
            name: "a", drill: "drills/" + String(repeating: "größe,;\\ ☃🎉", count: 12) + ".yaml", zone: .utc,
            rule: .every(3600, from: Moment(seconds: 0)))
        schedule.longest = .zero
        let plan = SchedulePlan(of: schedule, calendar: ScheduleCalendar(), after: ScheduleReaderTests.now)
        let feed = CalendarFeed(isBlind: false, stamp: ScheduleReaderTests.now, sequence: 0)
        let lines = try read(feed.bytes([(schedule, plan.prefix(1).map { .init($0, isTentative: false) })]))
        #expect(lines[0]["description"]?.asText == schedule.drill + "\n2026-11-27 01:00 UTC")
        // Something without a length is shown as a minute.
        #expect(lines[0]["end"] == "2026-11-27T01:01:00+00:00")
    }
}
