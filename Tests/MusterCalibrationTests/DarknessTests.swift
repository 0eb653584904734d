import MusterCore
import Testing

@testable import MusterCalibration

/// The arithmetic of the dark server, with a clock that the test moves.
@Suite struct DarknessTests {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private func at(_ milliseconds: Int64) -> Instant { start + .milliseconds(milliseconds) }

    @Test func isDarkForExactly1234Milliseconds() {
        for mode in [DarkMode.reset, .hang, .queue, .slow, .partial, .port] {
            let darkness = Darkness(mode, from: start)
            #expect(darkness.window(at: Instant(nanoseconds: start.nanoseconds - 1)) == nil, "\(mode)")
            #expect(darkness.window(at: start) != nil)
            #expect(darkness.window(at: Instant(nanoseconds: at(1234).nanoseconds - 1)) != nil)
            #expect(darkness.window(at: at(1234)) == nil)
            #expect(darkness.ended == at(1234))
        }
    }

    @Test func treatsRequestsAsItsModeSays() {
        let now = at(100)
        #expect(Darkness(.reset, from: start).treatment(at: now, number: 0) == .reset)
        #expect(Darkness(.hang, from: start).treatment(at: now, number: 0) == .silence)
        #expect(Darkness(.queue, from: start).treatment(at: now, number: 0) == .serveAt(at(1234)))
        #expect(Darkness(.slow, from: start).treatment(at: now, number: 0) == .serveAt(at(1600)))
        #expect(Darkness(.port, from: start).treatment(at: now, number: 0) == .serve)
        #expect(Darkness(.null, from: start).treatment(at: now, number: 0) == .serve)
        for mode in DarkMode.allCases where mode != .never {
            #expect(Darkness(mode, from: start).treatment(at: at(1234), number: 0) == .serve, "\(mode)")
        }
    }

    @Test func failsAboutHalfOfTheRequestsAndTheSameOnesForTheSameSeed() {
        func failed(_ seed: UInt64) -> [Int] {
            let darkness = Darkness(.partial, from: start, seed: seed)
            return (0..<1000).filter { darkness.treatment(at: at(5), number: $0) == .reset }
        }
        #expect((400...600).contains(failed(1).count))
        #expect(failed(1) == failed(1))
        #expect(failed(1) != failed(2))
    }

    @Test func blinksFlapsAndNeverComesBack() {
        let blink = Darkness(.blink, from: start)
        #expect(blink.window(at: at(2)) != nil && blink.window(at: at(3)) == nil)
        let flapping = Darkness(.flapping, from: start)
        #expect(
            [399, 400, 599, 600, 1233, 1234].map { flapping.window(at: at($0)) != nil }
                == [true, false, false, true, true, false])
        let never = Darkness(.never, from: start)
        #expect(never.window(at: at(86_400_000)) != nil && never.ended == nil)
        #expect(Darkness(.null, from: start).began == nil)
    }

    @Test func opensAndClosesItsPortAtTheRightTime() {
        let port = Darkness(.port, from: start)
        #expect(port.nextChange(after: at(-5)) == start)
        #expect(port.nextChange(after: start) == at(1234))
        #expect(port.nextChange(after: at(1234)) == nil)
    }

    @Test func plansTheSameTrialsForTheSameSeed() {
        let plan = TrialPlan.batches(25, every: .milliseconds(10), seed: 7)
        #expect(plan == TrialPlan.batches(25, every: .milliseconds(10), seed: 7))
        #expect(plan != TrialPlan.batches(25, every: .milliseconds(10), seed: 8))
        #expect(plan.map(\.count) == [10, 10, 5])
        #expect(Set(plan[0].map(\.mode)) == Set(DarkMode.allCases))
        #expect(plan.joined().map(\.number) == Array(1...25))
        #expect(plan.joined().allSatisfy { $0.delay >= .zero && $0.delay < .milliseconds(100) })
    }
}
