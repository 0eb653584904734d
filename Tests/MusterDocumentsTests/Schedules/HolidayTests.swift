import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// Holidays from files, good and bad.
@Suite struct HolidayTests {
    private func examine(_ key: String, _ bytes: [UInt8]) -> (days: [String: String], errors: [String]) {
        let text =
            "format: 1\ntimezone: UTC\nholidays: { \(key): h }\nschedules: { a: { drill: a, every: 1h } }\n"
        let found = ScheduleReaderTests.examine(text, ["h": bytes])
        #expect(found.errors.allSatisfy { $0.place?.line == 3 })
        let days = found.schedules?.calendar.holidays ?? [:]
        return (
            Dictionary(uniqueKeysWithValues: days.map { (CivilDate(daysSinceEpoch: $0.key).text, $0.value) }),
            found.errors.map { "\($0.message) | \($0.expected ?? "")" }
        )
    }

    private func calendar(_ lines: String..., wrapped: Bool = true) -> [UInt8] {
        let body = wrapped ? ["BEGIN:VEVENT"] + lines + ["END:VEVENT"] : lines
        return Array((["BEGIN:VCALENDAR"] + body + ["END:VCALENDAR", ""]).joined(separator: "\r\n").utf8)
    }

    @Test func wholeDaysOfACalendar() {
        let one = calendar("DTSTART;VALUE=DATE:20261225", "SUMMARY;LANGUAGE=en:Christmas\\, day", " one")
        #expect(examine("ics", one).days == ["2026-12-25": "Christmas, dayone"])
        let two = calendar("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227")
        #expect(examine("ics", two).days.keys.sorted() == ["2026-12-25", "2026-12-26"])
        let week = calendar("DTSTART;X=\"a:b\";VALUE=DATE:20261225", "DURATION:P1W")
        #expect(examine("ics", week).days.count == 7)
        let yearly = examine("ics", calendar("DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY")).days
        #expect(yearly["2020-12-25"] != nil && yearly["2055-12-25"] != nil && yearly["2058-12-25"] == nil)
        #expect(examine("ics", calendar("DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED")).days.isEmpty)
        let alarm = calendar(
            "DTSTART;VALUE=DATE:20261225", "BEGIN:VALARM", "DURATION:PT5M", "SUMMARY:no", "END:VALARM")
        #expect(examine("ics", alarm).days == ["2026-12-25": "holiday"])
    }

    @Test func calendarsThatAreRefused() {
        func refused(_ bytes: [UInt8], _ words: String, _ key: String = "ics") {
            let errors = examine(key, bytes).errors
            #expect(errors.count == 1 && errors[0].contains(words), "\(errors)")
        }
        refused(Array("2026-12-25\n".utf8), "h, line 1: it is no iCalendar file")
        refused(calendar("DTSTART:20261225T100000Z"), "h, line 3: '20261225T100000Z' is no whole day")
        refused(calendar("DTSTART;VALUE=DATE:20260230"), "'20260230' is no whole day")
        refused(calendar("SUMMARY:x"), "h, line 2: this event has no beginning")
        refused(calendar("BEGIN:VEVENT", wrapped: false), "line 2: this event has no end")
        refused(calendar("DTSTART;VALUE=DATE:20261225", "EXDATE;VALUE=DATE:20261225"), "line 4: EXDATE")
        refused(calendar("DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=SECONDLY"), "RRULE: FREQ=SECONDLY")
        refused(calendar("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20291225"), "lasts 1096 days")
        refused(calendar("DTSTART;VALUE=DATE:20261225", "DURATION:PT24H"), "no number of whole days")
        refused([0x42, 0xFF], "not valid UTF-8")
        refused(Array("2026-12-25 a\nChristmas\n".utf8), "h, line 2: 'Christmas' is no day", "file")
        refused(Array("2026-02-30\n".utf8), "line 1: '2026-02-30' is no day", "file")
    }

    /// Fifty megabytes are turned away for their size, before anything is parsed.
    @Test func aCalendarOfFiftyMegabytes() {
        let large = [UInt8](repeating: UInt8(ascii: "A"), count: 50_000_000)
        let errors = examine("ics", large).errors
        #expect(
            errors == [
                "h: it has more than 4 MiB | a calendar of holidays and nothing else; that of one country takes under 100 KiB"
            ])
        // And many small events are counted while they are read.
        let event = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
        let many = "BEGIN:VCALENDAR\r\n" + String(repeating: event, count: 3) + "END:VCALENDAR\r\n"
        #expect(examine("ics", Array(many.utf8)).days.count > 10_000)
        let long = "BEGIN:VCALENDAR\r\n" + event.replacing("2020", with: "1960") + "END:VCALENDAR\r\n"
        #expect(examine("ics", Array(long.utf8)).errors.count == 0)
        let two = long.replacing(
            "END:VCALENDAR", with: event.replacing("2020", with: "1900") + "END:VCALENDAR")
        #expect(examine("ics", Array(two.utf8)).errors.first?.contains("more than 20000 days") == true)
    }
}
