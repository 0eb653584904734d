import Foundation
import MusterCore
import MusterDrills
import Testing

@Suite struct ZoneTests {
    /// A file with one block of version 1, empty, and one of version 2.
    private func file(
        times: [Int64] = [], indices: [UInt8] = [], offsets: [Int32] = [0], leaps: Int = 0,
        footer: String = "\nUTC0\n", version: Character = "2"
    ) -> [UInt8] {
        func big(_ value: Int64, _ size: Int) -> [UInt8] {
            (0..<size).map { UInt8(truncatingIfNeeded: value >> Int64(8 * (size - 1 - $0))) }
        }
        func header(_ counts: [Int]) -> [UInt8] {
            Array("TZif\(version)".utf8) + [UInt8](repeating: 0, count: 15)
                + counts.flatMap { big(Int64($0), 4) }
        }
        let data =
            times.flatMap { big($0, 8) } + indices + offsets.flatMap { big(Int64($0), 4) + [0, 0] } + [
                0x55, 0,
            ]
            + [UInt8](repeating: 0, count: leaps * 12)
        return header([0, 0, 0, 0, 0, 0]) + header([0, 0, leaps, times.count, offsets.count, 2]) + data
            + Array(footer.utf8)
    }

    private func error(_ bytes: [UInt8]) -> String {
        do {
            _ = try ZoneFile.read(bytes, name: "Test/Zone")
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func damagedFilesSayWhatIsWrong() {
        #expect(error(file()) == "")
        #expect(error([]) == "it ends in the middle")
        #expect(error(Array("BEGIN:VTIMEZONE".utf8)) == "it is no zone file (TZif)")
        #expect(error(file(version: "1")).contains("version 1"))
        #expect(error(file(leaps: 1)).contains("leap seconds"))
        #expect(error(file(offsets: [])).contains("no offset"))
        #expect(error(file(offsets: [Int32.min])).contains("an offset of"))
        #expect(error(file(times: [5, 5], indices: [0, 0])).contains("not in order"))
        #expect(error(file(times: [5], indices: [7])).contains("names an offset"))
        #expect(error(file(footer: "\nUTC0")).contains("without a rule"))
        #expect(error(file(footer: "\nXX\n")).contains("'XX', which is no rule"))
        #expect(error([UInt8](repeating: 0, count: ZoneFile.largest + 1)).contains("more than"))
        for length in 0..<file().count { #expect(error(Array(file().prefix(length))) != "") }
        // A header that claims four thousand million entries makes room for none.
        var liar = file()
        for index in 76..<80 { liar[index] = 0x7F }
        #expect(error(liar) == "it claims to hold more than it has")
    }

    /// Rules of POSIX in all their shapes, each with two instants and the offset then.
    @Test(arguments: [
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            ["2040-03-25T00:59": 3600, "2040-03-25T01:00": 7200, "2040-10-28T01:00": 3600]
        ),
        // Negative summer time: Irish Standard Time is the summer's.
        ("IST-1GMT0,M10.5.0,M3.5.0/1", ["2040-03-25T01:00": 3600, "2040-10-28T01:00": 0]),
        // The southern hemisphere, and half an hour.
        ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", ["2040-01-01T00:00": 39600, "2040-07-01T00:00": 37800]),
        // Times beyond a day, and before it begins (RFC 9636, 3.3.1).
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", ["2040-03-25T00:59": -7200, "2040-03-25T01:00": -3600]),
        ("IST-2IDT,M3.4.4/26,M10.5.0", ["2040-03-22T23:59": 7200, "2040-03-23T00:00": 10800]),
        // Days of the year, with and without 29 February.
        ("AAA0BBB,J60/0,J61/0", ["2040-03-01T00:00": 3600, "2040-02-29T23:59": 0, "2041-03-01T00:00": 3600]),
        ("AAA0BBB,59/0,60/0", ["2040-02-29T00:00": 3600, "2040-03-01T00:00": 0, "2041-03-01T00:00": 3600]),
        // Summer all year round.
        (
            "EST5EDT,0/0,J365/25",
            ["2040-01-01T05:00": -14400, "2040-12-31T23:59": -14400, "2041-01-01T05:00": -14400]
        ),
        ("<+0545>-5:45", ["2040-01-01T00:00": 20700]), ("XYZ3:30:15", ["2040-01-01T00:00": -12615]),
    ])
    func rulesForLaterYears(_ rule: String, _ expected: [String: Int64]) throws {
        let zone = try ZoneFile.read(file(footer: "\n\(rule)\n"), name: "Test/Zone")
        for (text, offset) in expected {
            #expect(zone.offset(at: utc(text)) == offset, "\(rule) at \(text)")
            // The Gregorian calendar repeats after 400 years, weekdays and all.
            #expect(zone.offset(at: Moment(seconds: utc(text).seconds + 3 * 146_097 * 86_400)) == offset)
        }
    }

    @Test(arguments: [
        "", "CE-1", "CET", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,J366,J1", "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0,", "<+1-1", "CET-1:60", "CET-1CEST",
    ])
    func whatIsNoRule(_ rule: String) {
        #expect(error(file(footer: "\n\(rule) \n")) != "")
    }

    @Test func aDayThatWasSkippedWhole() throws {
        // Samoa went over the date line: 30 December 2011 was on no clock there.
        let apia = try Zones.named("Pacific/Apia")
        let gap = apia.meaning(of: LocalTime(2011, 12, 30, 12))
        #expect(gap == .gap(end: utc("2011-12-30T10:00")))
        let found = try times(cron("0 12 * * *"), "Pacific/Apia", after: "2011-12-29T00:00", 3)
        #expect(found == ["12-29T22:00", "12-30T10:00", "12-30T22:00"])
    }

    @Test func whatTheClocksShowTwice() throws {
        let berlin = try Zones.named("Europe/Berlin")
        #expect(
            berlin.meaning(of: LocalTime(2026, 10, 25, 2, 30))
                == .twice(first: utc("2026-10-25T00:30"), second: utc("2026-10-25T01:30")))
        #expect(berlin.meaning(of: LocalTime(2026, 10, 25, 3)) == .once(utc("2026-10-25T02:00")))
        #expect(berlin.meaning(of: LocalTime(2026, 3, 29, 2)) == .gap(end: utc("2026-03-29T01:00")))
        #expect(berlin.meaning(of: LocalTime(2026, 3, 29, 3)) == .once(utc("2026-03-29T01:00")))
        #expect(berlin.change(after: utc("2026-03-29T00:59")) == utc("2026-03-29T01:00"))
        #expect(berlin.change(after: utc("2026-03-29T01:00")) == utc("2026-10-25T01:00"))
        #expect(ZoneRules.utc.change(after: utc("2026-03-29T01:00")) == nil)
    }
}
