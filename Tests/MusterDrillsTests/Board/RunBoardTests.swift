import MusterCore
import Testing

@testable import MusterDrills

/// The state that is folded from hand-made histories.
@Suite struct RunBoardTests {
    private static let up = Seen("health").then(.ok, 0, 4990)

    @Test func theCountdownBeginsWithTheFault() {
        var given = GivenBoard()
        given.see(Self.up)
        #expect(given.board.recovery(at: at(4000)).state == .beforeFault)
        given.strike()
        let standing = given.board.recovery(at: at(5500.2))
        #expect(standing.state == .noOutage && standing.elapsed == ms(500) && standing.measured == nil)
    }

    /// Bounds as the judge would have them: down at least from F⁺ to the last bad sample, at most from F⁻ to the first
    /// good answer.
    @Test func boundsAreOpenWhileItIsDownAndCloseWhenItIsBack() {
        var given = GivenBoard()
        given.see(Self.up)
        given.strike()
        given.see(Seen("health").then(.error, 5000, 7190))
        var standing = given.board.recovery(at: at(7200))
        #expect(standing.state == .down && standing.signal == "health")
        #expect(standing.measured == interval(2189.8, nil))
        given.see(Seen("health").then(.ok, 7200, 8200))
        standing = given.board.recovery(at: at(8200))
        #expect(standing.state == .back(for: ms(1000)))
        #expect(standing.measured == interval(2189.8, 2200.7))
    }

    /// A time-out that comes in after the recovery was sent before it.
    @Test func aLateTimeOutDoesNotUndoARecovery() {
        var given = GivenBoard()
        given.see(Self.up)
        given.strike()
        given.see(Seen("health").then(.error, 5000, 5090).then(.ok, 5100, 5590))
        given.see(Seen("health").then(.timeout, 5095, 5095, takes: 500))
        let standing = given.board.recovery(at: at(5600))
        #expect(standing.state == .back(for: ms(500)))
        #expect(standing.measured == interval(94.8, 100.7))
    }

    /// Every writer counts, and the one that is down is named.
    @Test func theWorstOfAllDecides() {
        var given = GivenBoard()
        given.strike()
        given.see(Seen("health").then(.error, 5000, 5090).then(.ok, 5100, 6000))
        given.see(Seen("writes", writer: 0).then(.error, 5000, 5200).then(.ok, 5300, 6000))
        given.see(Seen("writes", writer: 1).then(.error, 5000, 6000))
        let standing = given.board.recovery(at: at(6000))
        #expect(standing.state == .down && standing.signal == "writes")
        #expect(standing.measured == interval(999.8, nil))
    }

    /// Of faults that hold, and from whose lift the clock runs.
    @Test func aHeldFaultIsCountedFromItsLift() {
        var given = GivenBoard(isHeld: true)
        given.strike()
        given.see(Seen("health").then(.error, 5000, 7190))
        #expect(given.board.recovery(at: at(7000)).state == .beforeLift)
        #expect(given.board.openFaults.map(\.name) == ["crash"])
        given.board.apply(given.event(.lifting, 6990, subject: "crash"))
        given.board.apply(given.event(.lifted, 7001, subject: "crash", bracket: bracket(6990, 7000)))
        #expect(given.board.openFaults.isEmpty)
        given.see(Seen("health").then(.ok, 7200, 7300))
        #expect(given.board.recovery(at: at(7300)).measured == interval(190, 200.7))
    }

    /// Samples are the same in whatever pieces they are read.
    @Test func piecesMakeNoDifference() {
        var whole = GivenBoard()
        var pieces = GivenBoard()
        whole.strike()
        pieces.strike()
        let signal = Seen("health").then(.ok, 0, 4990).then(.error, 5000, 7190).then(.ok, 7200, 20_000).signal
        whole.board.apply(Array(signal.samples), of: "health", writer: nil)
        for sample in signal.samples { pieces.board.apply([sample], of: "health", writer: nil) }
        #expect(whole.board.recovery(at: at(20_000)) == pieces.board.recovery(at: at(20_000)))
        #expect(whole.board.recovery(at: at(20_000)).measured == interval(2189.8, 2200.7))
        func marks(_ board: RunBoard) -> String? {
            board.strips["health"]?.marks(from: at(0), length: ms(1000), count: 20)
        }
        #expect(marks(whole.board) == marks(pieces.board))
        #expect(marks(whole.board) == "=====xx~============")
    }

    @Test func stepsAreFollowed() throws {
        var given = GivenBoard()
        let steps = GivenBoard.plan().steps
        func places(_ isStepping: Bool) -> [Int?] {
            let found = given.board.progress.places(in: steps, isStepping: isStepping)
            return [found.current?.index, found.next]
        }
        #expect(places(false) == [nil, 0])
        given.strike()
        #expect(places(true) == [1, 2])
        given.board.apply(given.event(.runbookStarted, 6000, subject: "by-hand.md"))
        #expect(places(true) == [2, nil])
        #expect(given.board.progress.runbookStep(of: steps[2]) == 0)
        given.board.apply(
            given.event(.runbookStep, 7000, subject: "look", detail: ["nanoseconds": 1_000_000_000]))
        #expect(given.board.progress.runbookStep(of: steps[2]) == 1)
        given.board.apply(given.event(.runbookFinished, 8000, subject: "by-hand.md", detail: ["ok": true]))
        #expect(places(true) == [nil, nil])
        given.board.apply(given.event(.abort, 9000, "Ctrl-C"))
        #expect(places(false) == [nil, nil] && given.board.abort?.text == "Ctrl-C")
    }

    @Test func guardsHaveHeadroom() {
        var given = GivenBoard()
        let guarded = GivenBoard.plan().guards[0]
        given.pulse(4000, .steps, badSince: 3000)
        // Before the fault it is no criterion yet.
        #expect(given.board.headroom(of: guarded, at: at(4000)) == (.zero, ms(8000)))
        given.strike()
        given.pulse(7000, .recovering, badSince: 5010)
        #expect(given.board.headroom(of: guarded, at: at(7010)) == (ms(2000), ms(6000)))
    }

    @Test func latencyIsOfTheLastSeconds() throws {
        var window = LatencyWindow()
        for index in 0..<1000 {
            window.add(index < 990 ? .milliseconds(1) : .milliseconds(200), at: at(Double(index)))
        }
        let found = try #require(window.quantiles(at: at(1000)))
        #expect(found.median >= ms(1) && found.median < ms(1.1))
        #expect(found.p95 < ms(1.1) && found.p99 < ms(1.1) && found.maximum == ms(200))
        #expect(window.quantiles(at: at(11_500)) == nil)
        // One more of those that were late is more than one in a hundred.
        window.add(.milliseconds(200), at: at(999))
        #expect(try #require(window.quantiles(at: at(1000))).p99 >= ms(180))
    }

    @Test(arguments: [1.0, 1.5, 2.0, 1000.0, 123_456.789]) func logarithmsAreRight(_ value: Double) {
        #expect(abs(Logarithm.power2(Logarithm.base2(value)) / value - 1) < 1e-9)
        #expect(Logarithm.base2(8) == 3 && abs(Logarithm.power2(0.5) - 2.0.squareRoot()) < 1e-9)
    }

    @Test func planAndPulseComeBackFromTheStore() {
        let plan = GivenBoard.plan(isHeld: true)
        #expect(RunPlan(plan.value) == plan)
        #expect(RunPlan(.null) == nil)
        var given = GivenBoard()
        given.pulse(4000, .steps, badSince: 3000)
        var pulse = given.board.pulse
        pulse?.step = RunPulse.Step(runbook: "by-hand.md", name: "look", begun: at(3))
        #expect(pulse.map { RunPulse($0.value, at: at(4000)) } == pulse)
    }
}
