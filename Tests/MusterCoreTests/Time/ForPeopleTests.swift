import MusterCore
import Testing

/// Figures that stand in every report must be rounded rightly, or a bound is misread.
@Suite struct ForPeopleTests {
    @Test(arguments: [
        (0, "0 s"), (1, "0.001 µs"), (999, "0.999 µs"), (1_234, "1.234 µs"), (12_345, "12.35 µs"),
        (12_344, "12.34 µs"), (123_449, "123.4 µs"), (123_450, "123.5 µs"), (999_949, "999.9 µs"),
        (999_950, "1 ms"), (999_999, "1 ms"), (1_000_000, "1 ms"), (12_500_000, "12.5 ms"),
        (130_400_000, "130.4 ms"), (99_996_000, "100 ms"), (999_949_999, "999.9 ms"), (999_950_000, "1 s"),
        (1_284_000_000, "1.284 s"), (1_229_800_000, "1.23 s"), (1_240_700_000, "1.241 s"),
        (1_240_499_999, "1.24 s"), (9_999_500_000, "10 s"), (119_900_000_000, "119.9 s"),
        (119_950_000_000, "2m 0s"), (120_000_000_000, "2m 0s"), (200_000_000_000, "3m 20s"),
        (200_499_999_999, "3m 20s"), (200_500_000_000, "3m 21s"), (3_600_000_000_000, "60m 0s"),
        (7_199_499_999_999, "119m 59s"), (7_199_500_000_000, "2h 0m"), (9_000_000_000_000, "2h 30m"),
        (9_029_000_000_000, "2h 30m"), (9_030_000_000_000, "2h 31m"), (172_800_000_000_000, "2d 0h"),
        (180_000_000_000_000, "2d 2h"), (-12_500_000, "-12.5 ms"),
    ]) func rounding(_ nanoseconds: Int, _ text: String) {
        #expect(Duration.nanoseconds(nanoseconds).forPeople == text)
    }

    @Test func neverTraps() {
        #expect(Duration.nanoseconds(Int64.max).forPeople == "106752d 0h")
        #expect(Duration.nanoseconds(Int64.min).forPeople.hasPrefix("-106"))
        #expect(Duration.nanoseconds(Int64.min).unitsText == "-106751d23h47m16s854ms775us808ns")
    }

    @Test func unitsTextIsExact() {
        for text in ["0s", "250ms", "1m30s", "1h30m", "7d", "1s500ms", "1ns"] {
            #expect(Duration(units: text)?.unitsText == text)
        }
        #expect(Duration(units: "1.5s") == .milliseconds(1500))
        #expect(Duration(units: "90") == nil)
        #expect(Duration(units: "-1s") == nil)
    }
}
