import MusterCore
import MusterDrills
import Testing

struct TimeTextTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_398_365_123_999_999, "2026-11-23T01:46:05.123Z"),
            (951_782_399_999_000_000, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
            (-2_208_988_800_000_000_000, "1900-01-01T00:00:00.000Z"),
            (Int64.max, "2262-04-11T23:47:16.854Z"), (Int64.min, "1677-09-21T00:12:43.145Z"),
        ] as [(Int64, String)])
    func momentsInUTC(_ nanoseconds: Int64, _ text: String) {
        #expect(utcText(nanoseconds: nanoseconds) == text)
    }

    @Test func everyDayComesBack() {
        var last = CivilDate(daysSinceEpoch: -800_001)
        for days: Int64 in -800_000...800_000 {
            let date = CivilDate(daysSinceEpoch: days)
            #expect(date.daysSinceEpoch == days)
            let isNextDay =
                (date.day == last.day + 1 && date.month == last.month)
                || (date.day == 1 && (date.month == last.month + 1 || date.year == last.year + 1))
            #expect(isNextDay)
            last = date
        }
    }

    @Test func identifiersSortByTime() {
        var random = SplitMix64(seed: 1)
        // The time of the example in the specification.
        let one = ULID.make(utcMilliseconds: 1_469_918_176_385, random: &random)
        #expect(one.hasPrefix("01ARYZ6S41"))
        #expect(one.count == 26 && ULID.isValid(one))
        let two = ULID.make(utcMilliseconds: 1_469_918_176_385, random: &random)
        #expect(two != one)
        #expect(ULID.make(utcMilliseconds: 1_469_918_176_386, random: &random) > one)
        #expect(ULID.make(utcMilliseconds: .max, random: &random).hasPrefix("7ZZZZZZZZZ"))
        #expect(ULID.make(utcMilliseconds: -5, random: &random).hasPrefix("0000000000"))
        #expect(!ULID.isValid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"))
        #expect(!ULID.isValid("01ARYZ6S41"))
        #expect(!ULID.isValid("01ARYZ6S41U000000000000000"))
    }

    @Test(
        arguments: [
            (0, "0 s"), (1, "0.001 µs"), (1_500, "1.5 µs"), (999_949, "999.9 µs"), (999_950, "1 ms"),
            (12_345_678, "12.35 ms"), (130_449_999, "130.4 ms"), (999_960_000, "1 s"),
            (1_229_800_000, "1.23 s"), (1_240_700_000, "1.241 s"), (1_999_500_000, "2 s"),
            (200_000_000_000, "3m 20s"), (-1_500_000, "-1.5 ms"),
            (5_400_000_000_000, "90m 0s"), (90_000_000_000_000, "25h 0m"),
        ] as [(Int64, String)])
    func durationsForPeople(_ nanoseconds: Int64, _ text: String) {
        #expect(Duration.nanoseconds(nanoseconds).forPeople == text)
    }
}
