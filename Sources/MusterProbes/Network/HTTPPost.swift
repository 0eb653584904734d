import CCurl
import MusterCore

/// Sends a body to a web server, once, on the thread that calls: for what is told rather than measured. No redirect is
/// followed: what is signed for one server is not meant for another.
public struct HTTPPost: Sendable {
    public var url: String
    /// `Name: value` lines.
    public var headers: [String]
    public var body: String
    /// From the look-up of the name to the end of the answer.
    public var timeout: Duration

    public init(url: String, headers: [String], body: String, timeout: Duration) {
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    /// - Returns: why the server did not take it; nil when it answered with 200 to 299 (RFC 9110, 15.3). Neither the
    ///   URL nor anything that the server says is in the words: both may be secret.
    public func send() -> String? {
        if let why = ccurl_load() { return String(cString: why) }
        guard let transfer = HTTPTransfer() else { return "libcurl has no memory for it" }
        var request = HTTPRequest(url: url)
        request.method = "POST"
        request.headers = headers
        request.body = body
        request.wantsBody = false
        request.bodyLimit = 1 << 16
        request.refusesLongBody = true
        transfer.prepare(request)
        ccurl_set_long(transfer.easy, CURLOPT_TIMEOUT_MS, max(1, Int(timeout.nanoseconds / 1_000_000)))
        var answer: HTTPAnswer?
        transfer.done = { answer = $0 }
        transfer.finish(ccurl_easy_perform(transfer.easy))
        guard let answer else { return "no answer" }
        if answer.timedOut { return "no answer within \(timeout.forPeople)" }
        if answer.failure != nil { return SampleCode.inWords(answer.code) }
        return (200..<300).contains(answer.status) ? nil : "the server answered \(answer.status)"
    }
}
