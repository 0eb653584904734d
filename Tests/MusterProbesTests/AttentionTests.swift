import MusterCore
import MusterDrills
import Testing

@testable import MusterProbes

/// Whose time it is that passes while an answer is waited for, by a clock of the tests' own.
@Suite struct AttentionTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    /// A loop that looks every `period`, from 0 to `end`.
    private func looking(every period: Int64, until end: Int64) -> Attention {
        var attention = Attention(from: at(0))
        for time in stride(from: period, through: end, by: Int(period)) { attention.looked(at: at(time)) }
        return attention
    }

    /// With more to do than it can a loop looks every 20 ms, late each time. A connection stood at the first of these
    /// looks; then nothing came. That is an outage, and the loop knows it as soon as it may.
    @Test func anOverloadedLoopKnowsAServerThatHangs() {
        var time = AttemptTime(.milliseconds(500), from: at(0), looking(every: 20, until: 0))
        time.advance(at: at(1), sent: true, looking(every: 20, until: 0))
        time.advance(at: at(20), sent: true, looking(every: 20, until: 0))
        // Where in the 19 ms before that look it was connected is not known: they are given to the server once more.
        #expect(time.verdict(at: at(500), looking(every: 20, until: 500)) == .wait(.milliseconds(19)))
        #expect(time.verdict(at: at(519), looking(every: 20, until: 500)) == .lookAgain)
        #expect(time.verdict(at: at(521), looking(every: 20, until: 520)) == .timeout)
        #expect(time.blind == .milliseconds(20))
    }

    @Test func aLookAfterTheLimitTellsTheAnswerThatWasThereFromNone() {
        // The process stood still from 10 to 1160; nothing is known of an answer before it has looked.
        var time = AttemptTime(.milliseconds(500), from: at(9), looking(every: 10, until: 0))
        time.advance(at: at(9), sent: true, looking(every: 10, until: 0))
        var attention = looking(every: 10, until: 10)
        #expect(time.verdict(at: at(1160), attention) == .lookAgain)
        var answered = time
        attention.looked(at: at(1161))
        // Nothing was there: the server had all of the time.
        #expect(time.verdict(at: at(1161), attention) == .timeout)
        #expect(time.blind == .zero)
        // It had answered, and waited for us.
        answered.advance(at: at(1161), sent: false, looking(every: 10, until: 10))
        #expect(answered.blind == .milliseconds(1151))
    }

    /// Only at the end of a standstill a connection was seen to stand: the request was never sent in time.
    @Test func whatWasNeverSentIsNoTimeout() {
        var time = AttemptTime(.milliseconds(500), from: at(9), looking(every: 10, until: 0))
        time.advance(at: at(9), sent: true, looking(every: 10, until: 0))
        var attention = looking(every: 10, until: 10)
        time.advance(at: at(1161), sent: true, attention)
        attention.looked(at: at(1161))
        #expect(time.verdict(at: at(1162), attention) == .lookedAway)
        // A shorter standstill only puts the end off, by all of it.
        var short = AttemptTime(.milliseconds(500), from: at(9), looking(every: 10, until: 0))
        short.advance(at: at(9), sent: true, looking(every: 10, until: 0))
        short.advance(at: at(310), sent: true, looking(every: 10, until: 10))
        #expect(short.verdict(at: at(509), looking(every: 5, until: 505)) == .wait(.milliseconds(300)))
        #expect(short.verdict(at: at(810), looking(every: 5, until: 810)) == .timeout)
    }

    /// A thread of this process that opens a file stands still when the process does.
    @Test func whatIsInOurOwnHandsIsGivenTwiceTheTimeAndThenIsNobodysFault() {
        let overloaded = { (end: Int64) in self.looking(every: 20, until: end) }
        let time = AttemptTime(.milliseconds(500), from: at(0), overloaded(0))
        #expect(time.verdict(at: at(600), overloaded(600)) == .wait(.milliseconds(400)))
        #expect(time.verdict(at: at(1001), overloaded(1000)) == .lookedAway)
        // A loop that looks in time blames nobody but the file system.
        #expect(time.verdict(at: at(500), looking(every: 5, until: 500)) == .timeout)
    }

    @Test func whoBeginsAfterTheDeadlineHasTimedOut() {
        let time = AttemptTime(.milliseconds(-5), from: at(10), looking(every: 5, until: 10))
        #expect(time.verdict(at: at(11), looking(every: 5, until: 10)) == .timeout)
    }

    @Test func aServerThatAnswersInDripsDoesNotKeepAnOverloadedLoopWaitingForEver() {
        var attention = looking(every: 20, until: 0)
        var time = AttemptTime(.milliseconds(500), from: at(0), attention)
        time.advance(at: at(0), sent: true, attention)
        var end: (Int64, AttemptTime.Verdict)?
        for look in stride(from: Int64(20), through: 2000, by: 20) where end == nil {
            time.advance(at: at(look), sent: true, attention)
            attention.looked(at: at(look))
            let verdict = time.verdict(at: at(look), attention)
            if case .wait = verdict { continue }
            end = (look, verdict)
        }
        #expect(end?.0 == 1000 && end?.1 == .lookedAway)
    }

    @Test func aLoopThatLooksInTimeIsNeverBlind() {
        var time = AttemptTime(.milliseconds(500), from: at(0), looking(every: 5, until: 0))
        for step in stride(from: Int64(5), through: 100, by: 5) {
            time.advance(at: at(step), sent: true, looking(every: 5, until: step - 5))
        }
        #expect(time.blind == .zero)
        // Once it was late, what was too short to be told counts as well.
        time.advance(at: at(107), sent: true, looking(every: 5, until: 100))
        #expect(time.blind == .milliseconds(107))
    }
}
