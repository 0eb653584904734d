/// A request as it goes to curl.
struct HTTPRequest: Hashable, Sendable {
    var method = "GET"
    var url: String
    /// `Name: value` lines.
    var headers: [String] = []
    var body: String?
    /// A connection may serve several requests. curl sends a request again when a kept connection turns out to
    /// be dead, so this is never used for writes unless the user says so.
    var keepAlive = false
    var wantsHeaders = false
    var wantsBody = true
    /// More than this many bytes of an answer are not kept.
    var bodyLimit = 1 << 20
    /// A longer body ends the transfer as a failure, instead of being cut.
    var refusesLongBody = false
    var way = HTTPWay()
}

/// How a request finds its server.
struct HTTPWay: Hashable, Sendable {
    /// The file with the only certificates that are trusted; the system's where there is none.
    var authorities: String?
    var isInsecure = false
    /// The UNIX socket to connect to, whatever the URL says.
    var socketPath: String?
    /// `host:port` to connect to, whatever the URL says.
    var connectTo: String?
    /// How many redirects to follow; with none, a redirect is the answer.
    var redirects = 0
    /// Ends once the connection stands, TLS included; nothing is requested.
    var connectsOnly = false
}

/// What came of a request.
struct HTTPAnswer {
    enum Failure {
        /// Nothing of the request can have reached the server.
        case nothingSent
        case afterSending
    }
    /// 0 when no answer came.
    var status: Int
    var headers: [UInt8]
    var body: [UInt8]
    /// nil when an answer came whole.
    var failure: Failure?
    var timedOut = false
    /// Why it failed: an errno where the system gave one, else one of `SampleCode`, else 1000 + the CURLcode.
    var code: Int32 = 0
    /// When the first of the server's certificates ends, in seconds since 1970; only of requests that only
    /// connect.
    var certificateEnd: Int64?
}
