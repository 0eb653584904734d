import MusterCore
import Testing

/// Redirects of what a host itself sends lead to loopback.
@Suite struct RedirectAddressTests {
    @Test func onlyLoopbackOfTheSameFamilyIsReached() throws {
        let four = [try #require(StreamAddress("10.0.0.2:6379"))]
        let six = [try #require(StreamAddress("[fd00::2]:6379"))]
        for listen in ["127.0.0.1:0", "localhost:7000", "0.0.0.0:7000"] {
            #expect(StreamAddress.redirectProblem(four, to: listen) == nil, "\(listen)")
            #expect(
                StreamAddress.redirectProblem(six, to: listen)?.contains("[::1]:PORT") == true, "\(listen)")
        }
        for listen in ["[::1]:0", "[::]:7000"] {
            #expect(StreamAddress.redirectProblem(six, to: listen) == nil, "\(listen)")
            #expect(StreamAddress.redirectProblem(four, to: listen)?.contains("127.0.0.1:PORT") == true)
        }
        for listen in ["10.0.0.9:7000", "127.0.0.2:7000", "unix:/run/proxy"] {
            #expect(StreamAddress.redirectProblem(four, to: listen) != nil, "\(listen)")
        }
    }
}
