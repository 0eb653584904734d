import MusterCore
import MusterSystem
import Testing

@Suite struct WallTimerTests {
    private func now() -> Moment { Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds()) }

    @Test func itRingsWhenItIsDueAndNotBefore() throws {
        let timer = try WallTimer()
        #expect(try timer.take() == nil)
        try timer.set(now() + .seconds(3600))
        #expect(try timer.take() == nil)
        let epoll = try Epoll()
        try epoll.set(timer.descriptor.number, reading: true, key: 7)
        try timer.set(now() + .seconds(1))
        #expect(try epoll.wait(atMost: .seconds(30)).map(\.key) == [7])
        #expect(try timer.take() == .due)
        #expect(try timer.take() == nil)
        // What has passed, however long ago, rings at once.
        for past in [now(), Moment(seconds: 0), Moment(seconds: -5)] {
            try timer.set(past)
            #expect(try epoll.wait(atMost: .seconds(30)).map(\.key) == [7])
            #expect(try timer.take() == .due)
        }
    }
}
