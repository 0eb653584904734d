import MusterCore
import MusterDrills
import Testing

/// How durations, sizes, shares and rates are read and written.
@Suite struct TextFormTests {
    @Test(arguments: [
        ("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("0s", 0), ("1h30m", 5_400_000_000_000),
        ("7d", 604_800_000_000_000), ("0.1s", 100_000_000), ("3us", 3000), ("1ns", 1),
    ])
    func durationsAreRead(_ text: String, _ nanoseconds: Int64) {
        #expect(Duration(units: text) == .nanoseconds(nanoseconds))
        #expect(Duration.nanoseconds(nanoseconds).unitsText.isEmpty == false)
        #expect(Duration(units: Duration.nanoseconds(nanoseconds).unitsText) == .nanoseconds(nanoseconds))
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "1 s", "1.s", ".5s", "1S", "12:30", "1e3s", "999999999999d", "1s5",
    ])
    func otherDurationsAreRefused(_ text: String) {
        #expect(Duration(units: text) == nil)
    }

    /// So that no sum of a clock and some of these is more than 64 bits hold.
    @Test func longerThanTenYearsIsRefusedByEveryForm() throws {
        #expect(try Duration(node: FormNode(.scalar("3660d"))) == .longest)
        for text in ["3660d1ns", "106751d"] {
            let problem = #expect(throws: FormProblem.self) { try Duration(node: FormNode(.scalar(text))) }
            #expect(problem?.expected == "at most 3660d" && problem?.message.contains(text) == true)
            #expect(throws: FormProblem.self) {
                try Prediction.Outage(node: FormNode(.scalar("1s..\(text)")))
            }
        }
    }

    @Test func sizesSharesAndRates() {
        #expect(
            ByteCount(.max).forPeople == "8388608 TiB" && ByteCount(1 << 40 | 1 << 39).forPeople == "1.5 TiB")
        #expect(ByteCount(units: "1.5MiB")?.bytes == 1_572_864)
        #expect(ByteCount(units: "0.3TiB")?.bytes == 329_853_488_332)
        #expect(ByteCount(units: "+5MiB") == nil && ByteCount(units: "1.½MiB") == nil)
        #expect(ByteCount(units: "1.999999999999999999TiB")?.bytes == 2_199_023_255_551)
        #expect(ByteCount(units: "2GB")?.bytes == 2_000_000_000)
        #expect(ByteCount(units: "10") == nil && ByteCount(units: "1mib") == nil)
        #expect(ByteCount(1 << 30).unitsText == "1GiB" && ByteCount(1025).unitsText == "1025B")
        #expect(Percentage(units: "99.95%")?.millionths == 999_500)
        #expect(Percentage(units: "101%") == nil && Percentage(units: "50") == nil)
        #expect(Percentage(millionths: 999_500).unitsText == "99.95%")
        #expect(Rate(units: "30/m")?.perSecondThousandths == 500)
        #expect(Rate(units: "500/s")?.period == .milliseconds(2))
        #expect(Rate(units: "0/s") == nil && Rate(units: "5/h") == nil && Rate(units: "5") == nil)
    }

    @Test func wordsThatOtherReadersTakeForSomethingElse() throws {
        #expect(throws: FormProblem.self) { try Int(node: FormNode(.scalar("010"))) }
        #expect(throws: FormProblem.self) { try Int(node: FormNode(.scalar("12:30"))) }
        #expect(throws: FormProblem.self) { try Bool(node: FormNode(.scalar("no"))) }
        #expect(throws: FormProblem.self) { try Double(node: FormNode(.scalar("nan"))) }
        #expect(try String(node: FormNode(.scalar("on"))) == "on")
    }

    @Test func predictions() throws {
        func outage(_ text: String) throws -> Prediction.Outage { try .init(node: FormNode(.scalar(text))) }
        #expect(try outage("100ms..2s") == .between(.milliseconds(100), .seconds(2)))
        #expect(try outage("none") == .none)
        for text in ["2s..100ms", "2s", "1..2", "0s..", "..1s", "1s...2s"] {
            #expect(throws: FormProblem.self) { try outage(text) }
        }
        #expect(try ClosedRange<Int>(node: FormNode(.scalar("0..0"))) == 0...0)
        #expect(throws: FormProblem.self) { try ClosedRange<Int>(node: FormNode(.scalar("3..1"))) }
    }
}
