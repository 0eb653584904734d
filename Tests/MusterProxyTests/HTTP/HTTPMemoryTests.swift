import NIOCore
import Testing

@testable import MusterProxy

/// What is kept of a connection on which no chunk ever ends where a head does.
@Suite struct HTTPMemoryTests {
    private static let head = "GET /\(String(repeating: "a", count: 900)) HTTP/1.1\r\nHost: h\r\n\r\n"
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    @Test func anInboxForgetsWhatHasLeft() {
        var inbox = Inbox()
        let chunk = Chunk(ByteBuffer(repeating: 0x61, count: 1000), at: .now())
        inbox.append(chunk)
        for _ in 0..<1000 {
            inbox.append(chunk)
            // All but a few bytes of the first chunk leave; these are read together with the next.
            inbox.pass(inbox.unread - 10)
            let (run, isJoined) = (inbox.takeRun(), inbox.join())
            #expect(run != nil && isJoined)
        }
        #expect(inbox.bytes == 1010)
        let last = inbox.takeChunk()
        #expect((last?.bytes.capacity ?? .max) < 16_384)
    }

    @Test func aWatchForgetsWhatItHasSeen() {
        var watch = HTTPWatch()
        let (first, second) = (Self.head.prefix(500), Self.head.dropFirst(500))
        watch.saw(ByteBuffer(substring: first), .upstream)
        for _ in 0..<1000 {
            watch.saw(ByteBuffer(string: "\(second)\(first)"), .upstream)
            watch.saw(ByteBuffer(string: Self.answer), .downstream)
        }
        #expect(watch.lost == nil)
        #expect(watch.kept < 16_384)
    }
}
