import Foundation
import MusterCore
import Testing

extension EndToEndTroubles {
    /// `muster schedule`, as people type it.
    @Suite struct ScheduleCommands {
        private static let file = """
            format: 1
            timezone: Europe/Berlin
            holidays: { file: holidays.txt }
            blackouts:
              freeze: { from: 2027-03-30, to: 2027-03-31, reason: release }
            schedules:
              nightly: { drill: drills/first-drill.yaml, cron: 30 2 * * * }
              weekly: { drill: drills/first-drill.yaml, cron: 0 12 * * mon, approval: required }

            """

        private func lab(_ file: String = Self.file) throws -> Lab {
            let lab = try Lab()
            try lab.write(file, to: "drills/schedules.yaml")
            try lab.write("2027-03-29 Easter Monday\n", to: "drills/holidays.txt")
            return lab
        }

        @Test func whatIsNextAndWhy() throws {
            let lab = try lab()
            let answer = try lab.muster("schedule", "next", "-n", "5", "--why", "--from", "2027-03-27T00:00")
            #expect(answer.code == 0, "\(answer.all)")
            let lines = answer.output.split(separator: "\n")
            try #require(lines.count == 6)
            #expect(
                lines[1].hasPrefix(
                    "Sat 2027-03-27 02:30  Europe/Berlin  Sat 2027-03-27 01:30Z  nightly   RUN"))
            // The clocks are put forward in the night before Easter Monday.
            #expect(
                lines[2].hasPrefix(
                    "Sun 2027-03-28 03:00  Europe/Berlin  Sun 2027-03-28 01:00Z  nightly   RUN"))
            #expect(lines[2].hasSuffix("the clocks skip 02:30"))
            #expect(lines[3].contains("SUPPRESSED  a holiday: Easter Monday"))
            #expect(lines[4].contains("weekly") && lines[4].contains("SUPPRESSED"))
            #expect(lines[5].contains("blackout 'freeze' until 2027-04-01 00:00: release"))

            let json = try lab.json("schedule", "next", "nightly", "-n", "2", "--from", "2027-03-27T12:00")
            #expect(json.asList?.map { $0["fate"]?.asText } == ["RUN", "SUPPRESSED"])
            #expect(json.asList?.first?["key"] == "nightly@2027-03-28T02:30:00")
            #expect(json.asList?.first?["due"] == "2027-03-28T01:00:00Z")
            #expect(json.asList?.first?["local"] == "2027-03-28T03:00:00")
        }

        @Test func listCheckAndLint() throws {
            let lab = try lab()
            let list = try lab.json("schedule", "list", "--from", "2027-03-29T00:00")
            #expect(list.asList?.map { $0["name"]?.asText } == ["nightly", "weekly"])
            // Easter Monday and two days of freeze.
            #expect(list.asList?.first?["notRunningBefore"] == 3)
            #expect(list.asList?.first?.at("nextRun", "due") == "2027-04-01T00:30:00Z")
            #expect((list.asList?.first?["longestNanoseconds"]?.asInt ?? 0) > 0)
            let check = try lab.muster("schedule", "check")
            #expect(
                check.code == 0 && check.output.contains("2 schedules: 0 errors, 0 warnings"), "\(check.all)")
            let lint = try lab.muster("lint", "drills/schedules.yaml")
            #expect(lint.code == 0, "\(lint.all)")
        }

        @Test func whatIsWrongIsShownByLine() throws {
            let text = Self.file.replacing("timezone: Europe/Berlin", with: "timezone: CET")
                .replacing("cron: 30 2 * * *", with: "cron: 0 0 31 4 *")
                .replacing("holidays.txt", with: "none.txt")
                .replacing(
                    "{ drill: drills/first-drill.yaml, cron: 0 12",
                    with: "{ drill: drills/none.yaml, cron: 0 12")
            let lab = try lab(text)
            for arguments in [
                ["schedule", "check"], ["schedule", "next"], ["lint", "drills/schedules.yaml"],
            ] {
                let answer = try lab.start(arguments).end()
                #expect(answer.code == 2, "\(answer.all)")
                for words in [
                    "drills/schedules.yaml:2:11: error: 'CET' is an abbreviation, not a zone",
                    "expected: Europe/Berlin", ":3:19: error: ", "there is no such file", "it is never due",
                    "drills/none.yaml",
                ] { #expect(answer.all.contains(words), "\(words)\n\(answer.all)") }
            }
            let unknown = try lab.muster("schedule", "next", "nightl")
            #expect(unknown.code == 2)
            let missing = try lab.muster("schedule", "next", "--file", "drills/missing.yaml")
            #expect(
                missing.code == 2 && missing.all.contains("there is no drills/missing.yaml"), "\(missing.all)"
            )
        }

        @Test func aCalendarOfFiftyMegabytesIsTurnedAway() throws {
            let lab = try lab(Self.file.replacing("file: holidays.txt", with: "ics: large.ics"))
            let line = "X-A:" + String(repeating: "a", count: 60) + "\r\n"
            try lab.write(
                "BEGIN:VCALENDAR\r\n" + String(repeating: line, count: 760_000), to: "drills/large.ics")
            let answer = try lab.muster("schedule", "check")
            #expect(
                answer.code == 2 && answer.all.contains("large.ics: it has more than 4 MiB"), "\(answer.all)")
        }

        @Test func theFeedHoldsThePlanAndCanBeBlind() throws {
            let lab = try lab()
            let open = try lab.muster("schedule", "ics", "--days", "10", "--from", "2027-03-27T00:00")
            #expect(open.code == 0 && open.output.hasPrefix("BEGIN:VCALENDAR\r\n"), "\(open.all)")
            #expect(open.output.hasSuffix("END:VCALENDAR\r\n"))
            #expect(open.output.contains("UID:nightly-20270328T023000@muster\r\n"))
            #expect(open.output.contains("DTSTART:20270328T010000Z\r\n"))
            #expect(open.output.components(separatedBy: "STATUS:CANCELLED").count == 5)
            #expect(open.output.contains("STATUS:TENTATIVE"))
            let blind = try lab.muster(
                "schedule", "ics", "--blind", "--days", "10", "--from", "2027-03-27T00:00")
            #expect(
                blind.code == 0 && !blind.output.contains("nightly")
                    && blind.output.contains("SUMMARY:Game day"))
        }
    }
}
