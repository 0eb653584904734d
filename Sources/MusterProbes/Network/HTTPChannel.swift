import CCurl
import MusterCore

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
    /// More than this many bytes of an answer are not kept.
    var bodyLimit = 1 << 20
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
    /// An errno where the system gave one, else 1000 + the CURLcode.
    var code: Int32 = 0
}

/// Easy handles for one probe or one writer, kept and used again: setting one up costs more than sending.
final class HTTPChannel {
    private let loop: EventLoop
    private let transfers: Transfers
    private var idle: [HTTPTransfer] = []

    init(loop: EventLoop) throws {
        self.loop = loop
        transfers = try loop.httpTransfers()
    }

    /// Sends once and calls `done` once, on the loop's thread, at the latest when its patience ends.
    func send(_ request: HTTPRequest, timeout: Duration, done: @escaping (HTTPAnswer) -> Void) {
        let transfer = idle.popLast() ?? HTTPTransfer()
        guard let transfer else {
            done(HTTPAnswer(status: 0, headers: [], body: [], failure: .nothingSent, code: 12))
            return
        }
        transfer.prepare(request)
        // Not curl's own timeout, which it looks at before it looks whether an answer is there.
        let patience = Patience(timeout, on: loop) { [transfers] in
            transfers.remove(transfer)
            transfer.finish(CURLE_OPERATION_TIMEDOUT)
        }
        transfer.done = { [self] answer in
            patience.cancel()
            idle.append(transfer)
            done(answer)
        }
        transfers.add(transfer)
    }
}

/// One easy handle and what its callbacks collect.
final class HTTPTransfer {
    let easy: UnsafeMutableRawPointer
    fileprivate(set) var done: ((HTTPAnswer) -> Void)?
    private var request: HTTPRequest?
    private var body: [UInt8] = []
    private var headers: [UInt8] = []
    private var headerList: UnsafeMutablePointer<curl_slist>?

    init?() {
        guard let easy = ccurl_easy_new() else { return nil }
        self.easy = easy
        let user = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, user)
        // Signals would reach any thread; environment proxies and cached names would hide what is measured.
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_text(easy, CURLOPT_PROXY, "")
        ccurl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0)
        ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
        // 0 would be curl's own five minutes.
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(Int32.max))
        ccurl_set_write(
            easy,
            { bytes, size, count, user in HTTPTransfer.of(user).keep(bytes, size * count, \.body) }, user)
    }

    deinit {
        ccurl_easy_free(easy)
        ccurl_list_free(headerList)
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> HTTPTransfer {
        guard let user else { preconditionFailure("curl lost our pointer") }
        return Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
    }

    private func keep(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int,
        _ part: ReferenceWritableKeyPath<HTTPTransfer, [UInt8]>
    ) -> Int {
        let room = (request?.bodyLimit ?? 0) - self[keyPath: part].count
        if let bytes, room > 0 {
            let raw = UnsafeRawBufferPointer(start: bytes, count: min(count, room))
            self[keyPath: part].append(contentsOf: raw)
        }
        return count
    }

    func prepare(_ new: HTTPRequest) {
        body.removeAll(keepingCapacity: true)
        headers.removeAll(keepingCapacity: true)
        guard request != new else { return }
        let old = request
        request = new
        ccurl_set_text(easy, CURLOPT_URL, new.url)
        if old?.headers != new.headers || old?.keepAlive != new.keepAlive
            || (old?.body == nil) != (new.body == nil)
        {
            setHeaders(new)
        }
        let user = Unmanaged.passUnretained(self).toOpaque()
        if new.wantsHeaders {
            ccurl_set_header(
                easy,
                { bytes, size, count, user in HTTPTransfer.of(user).keep(bytes, size * count, \.headers) },
                user)
        }
        // GET resets what an earlier body or HEAD set; the method's own word comes last.
        ccurl_set_long(easy, CURLOPT_HTTPGET, 1)
        if let text = new.body {
            let bytes = Array(text.utf8)
            bytes.withUnsafeBytes {
                _ = ccurl_set_body(easy, $0.baseAddress ?? UnsafeRawPointer(easy), $0.count)
            }
        }
        ccurl_set_long(easy, CURLOPT_NOBODY, new.method == "HEAD" ? 1 : 0)
        ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, new.method)
    }

    private func setHeaders(_ new: HTTPRequest) {
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, new.keepAlive ? 0 : 1)
        ccurl_set_long(easy, CURLOPT_FORBID_REUSE, new.keepAlive ? 0 : 1)
        ccurl_list_free(headerList)
        headerList = nil
        var lines = new.headers + ["Expect:"]
        // RFC 9112, 9.6: a client that will not use a connection again says so.
        if !new.keepAlive { lines.append("Connection: close") }
        if new.body != nil, !new.headers.contains(where: { $0.lowercased().hasPrefix("content-type:") }) {
            lines.append("Content-Type: text/plain")
        }
        for line in lines { headerList = ccurl_list_add(headerList, line) }
        ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headerList.map { UnsafeMutableRawPointer($0) })
    }

    /// Called once curl has let go of the handle.
    func finish(_ result: CURLcode) {
        let status = ccurl_get_long(easy, CURLINFO_RESPONSE_CODE)
        var answer = HTTPAnswer(status: status, headers: headers, body: body)
        if result != CURLE_OK {
            // REQUEST_SIZE counts what was given to the kernel, so zero proves that nothing went out.
            let sent = ccurl_get_long(easy, CURLINFO_REQUEST_SIZE) > 0
            answer.failure = sent ? .afterSending : .nothingSent
            answer.timedOut = result == CURLE_OPERATION_TIMEDOUT
            // For other failures it may be that of an earlier transfer.
            let isSystems = [CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR].contains(result)
            let system = isSystems ? ccurl_get_long(easy, CURLINFO_OS_ERRNO) : 0
            answer.code = system > 0 ? Int32(system) : 1000 + Int32(result.rawValue)
        }
        let done = self.done
        self.done = nil
        done?(answer)
    }
}
