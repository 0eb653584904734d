import MusterCore
import Testing

@testable import MusterProbes

/// Those who wait for an answer, on a loop that ends.
@Suite struct PatienceTests {
    /// What is given up may end others, and try something else: whoever still waits hears of the end, and once.
    @Test func theEndOfALoopForgetsNobody() throws {
        let loop = try EventLoop()
        var ended: [Int] = []
        var others: [Patience] = []
        var again: Patience?
        let first = Patience(.seconds(60), on: loop) { _ in
            ended.append(0)
            others[0].cancel()
            again = Patience(.seconds(60), on: loop) { _ in ended.append(4) }
        }
        others = (1...3).map { number in Patience(.seconds(60), on: loop) { _ in ended.append(number) } }
        loop.clear()
        withExtendedLifetime((first, again)) {}
        #expect(ended.sorted() == [0, 2, 3, 4])
    }

    /// Who tries again for ever is left alone at last, and may still let go afterwards.
    @Test func whoNeverGivesUpIsLeftAlone() throws {
        let loop = try EventLoop()
        var last: Patience?
        var tries = 0
        func tryAgain() {
            tries += 1
            last = Patience(.seconds(60), on: loop) { _ in tryAgain() }
        }
        tryAgain()
        loop.clear()
        let ended = tries
        last?.cancel()
        #expect(ended > 1 && tries == ended)
    }
}
