import Testing

@testable import MusterFaults

@Suite struct SpeechTests {
    /// A server says how long its answer will be, and may say anything.
    @Test func aReplyOfRedisIsWholeOnceAllThatItAnnouncedHasCome() throws {
        let isWhole = try #require(Speech.redis.exchange(downstream: 3)).isWhole
        #expect(isWhole(Array("$3\r\nabc\r\n".utf8)))
        #expect(!isWhole(Array("$3\r\nabc\r".utf8)))
        #expect(!isWhole(Array("$\(Int.max)\r\nabc\r\n".utf8)))
    }
}
