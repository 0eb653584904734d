import MusterCore
import Testing

@testable import MusterCalibration

/// On a busy machine the instrument says much against itself; only what it says of the damage counts.
@Suite struct SabotageTests {
    private let damaged = Bracket(Instant(nanoseconds: 1_000_000_000), Instant(nanoseconds: 1_200_000_000))

    private func late(from: Int64, to: Int64, by lateness: Int64) -> Complaint {
        Complaint(
            .late, "",
            Bracket(
                Instant(nanoseconds: from * 1_000_000), Instant(nanoseconds: to * 1_000_000)),
            size: .milliseconds(lateness))
    }

    @Test func aStopIsLatenessOfItsLengthAtItsTime() {
        let damage = Damage(.stop, damaged)
        #expect(damage.isMeant(by: late(from: 1_005, to: 1_205, by: 195)))
        #expect(damage.isMeant(by: late(from: 900, to: 1_300, by: 150)))
        #expect(!damage.isMeant(by: late(from: 1_005, to: 1_205, by: 149)), "less than it must have been")
        #expect(!damage.isMeant(by: late(from: 500, to: 999, by: 499)), "before")
        #expect(!damage.isMeant(by: late(from: 1_201, to: 1_500, by: 299)), "after")
        #expect(!damage.isMeant(by: Complaint(.window, "", damaged, size: .milliseconds(200))))
        #expect(!damage.isMeant(by: Complaint(.suspicion, "")))
    }

    @Test func aStepOfTheClockIsKnownBySizeAndDirection() {
        let damage = Damage(.clock, damaged, step: .seconds(-3600))
        func step(_ size: Duration) -> Complaint {
            Complaint(.clockStep, "", damaged, size: size)
        }
        #expect(damage.isMeant(by: step(.seconds(-3600))))
        #expect(damage.isMeant(by: step(.seconds(-3600) + .milliseconds(3))))
        #expect(!damage.isMeant(by: step(.seconds(3600))))
        #expect(!damage.isMeant(by: step(.milliseconds(-60))))
        #expect(!damage.isMeant(by: late(from: 1_000, to: 1_200, by: 200)))
    }

    @Test func aFullDiskIsWhatIsSaidOfTheLedger() {
        let damage = Damage(.ledger, damaged)
        #expect(damage.isMeant(by: Complaint(.ledger, "")))
        #expect(!damage.isMeant(by: late(from: 1_000, to: 1_200, by: 200)))
    }
}
