/// How much is kept of what people may send.
public enum HTTPLimits {
    /// The longest head of a message, and the longest trailer section, in bytes; what is longer is not understood.
    /// Servers take less as a rule (Apache 8 KiB a line, nginx 32 KiB in all).
    public static let head = 65_536
    /// The longest method, in bytes. What may be a longer one is not HTTP.
    static let method = 24
    /// The longest line with the size of a chunk, extensions included, in bytes.
    static let chunkLine = 4096
    /// Requests of one connection that wait for their answers; more are read when one has been answered.
    static let waiting = 128
    /// What a connection may have to tell before somebody asks.
    static let notices = 16
}

/// Why a connection is not read as HTTP/1.x, or no longer. From there on its bytes pass as they come.
enum Misunderstanding: String, Error, Sendable {
    case notHTTP = "it does not begin as a message of HTTP/1.0 or 1.1"
    case lineFeed = "a line of a head does not end with CR LF"
    case longHead = "a head is longer than 65536 bytes"
    case badField = "a field line is malformed"
    case foldedField = "a field that says where a message ends is folded over lines"
    case badLength = "Content-Length is not one whole number"
    case lengthAndCoding = "a head has both Content-Length and Transfer-Encoding"
    case badCoding = "Transfer-Encoding does not end with one chunked"
    case badChunk = "a chunk is malformed"
    case unasked = "the server speaks without having been asked"
    case tunnel = "the server agreed to another protocol"
    case unwatched = "it was open before, and where its messages begin is not known"
}
