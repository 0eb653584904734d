import CCurl
import Glibc
import MusterCore

/// One easy handle and what its callbacks collect.
final class HTTPTransfer {
    let easy: UnsafeMutableRawPointer
    var done: ((HTTPAnswer) -> Void)?
    /// Hears of every step.
    var patience: Patience?
    /// Among those under way.
    var place = 0
    /// The handle holds an errno, which curl never resets: the next failure would be taken for that one.
    private(set) var isSpent = false
    private var request: HTTPRequest?
    private var body: [UInt8] = []
    private var headers: [UInt8] = []
    /// Bytes that came, kept or not.
    private var bodyCount = 0
    private var headerCount = 0
    private var isTooLong = false
    /// The empty line after the head of the last answer has come.
    private var isHeadWhole = false
    // What the callbacks need of the request: copying all of it for each line of a long head would take longer
    // than reading the head.
    private var bodyLimit = 0
    private var wantsBody = false
    private var refusesLongBody = false
    private var wantsHeaders = false
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectList: UnsafeMutablePointer<curl_slist>?

    /// Of all headers of an answer, those of redirects and of interim answers included.
    private static let mostHeaders = 32 << 10
    /// What an idle transfer may go on holding.
    private static let mostKept = 64 << 10

    init?() {
        guard let easy = ccurl_easy_new() else { return nil }
        self.easy = easy
        let user = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, user)
        // Signals would reach any thread; environment proxies and cached names would hide what is measured.
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_text(easy, CURLOPT_PROXY, "")
        ccurl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0)
        // Else giving up a look waits on the loop for a name server that does not answer.
        ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
        // 0 would be curl's own five minutes.
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(Int32.max))
        ccurl_set_write(
            easy, { bytes, size, count, user in HTTPTransfer.of(user).keepBody(bytes, size * count) }, user)
        ccurl_set_header(
            easy, { bytes, size, count, user in HTTPTransfer.of(user).keepHeader(bytes, size * count) }, user)
    }

    deinit {
        ccurl_easy_free(easy)
        ccurl_list_free(headerList)
        ccurl_list_free(connectList)
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> HTTPTransfer {
        guard let user else { preconditionFailure("curl lost our pointer") }
        return Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
    }

    /// - Returns: how much was taken; less than `count` ends the transfer.
    private func keepBody(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        bodyCount += count
        if refusesLongBody, bodyCount > bodyLimit { return refuse() }
        let room = wantsBody ? bodyLimit - body.count : 0
        if let bytes, room > 0 {
            body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: min(count, room)))
        }
        return count
    }

    private func keepHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        headerCount += count
        guard headerCount <= Self.mostHeaders, let bytes else { return refuse() }
        // No name of a header holds a slash (RFC 9110, 5.6.2): this is `HTTP/1.1 …`, where an answer begins.
        if count > 5, bytes[4] == CChar(UInt8(ascii: "/")) {
            isHeadWhole = false
            // Only those of the last answer count, not those of redirects.
            headers.removeAll(keepingCapacity: true)
        } else if count <= 2 {
            isHeadWhole = true
        }
        if wantsHeaders { headers.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count)) }
        return count
    }

    private func refuse() -> Int {
        isTooLong = true
        return 0
    }

    func prepare(_ new: HTTPRequest) {
        let keeps = body.capacity <= Self.mostKept
        body.removeAll(keepingCapacity: keeps)
        headers.removeAll(keepingCapacity: true)
        (bodyCount, headerCount, isTooLong, isHeadWhole) = (0, 0, false, false)
        guard request != new else { return }
        let old = request
        request = new
        (bodyLimit, wantsBody, refusesLongBody) = (new.bodyLimit, new.wantsBody, new.refusesLongBody)
        wantsHeaders = new.wantsHeaders
        ccurl_set_text(easy, CURLOPT_URL, new.url)
        if old?.headers != new.headers || old?.keepAlive != new.keepAlive
            || (old?.body == nil) != (new.body == nil)
        {
            setHeaders(new)
        }
        if old?.way != new.way { setWay(new.way) }
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
        // A resumed session shows no certificate, and is not what a new user has.
        ccurl_set_long(easy, CURLOPT_SSL_SESSIONID_CACHE, new.keepAlive ? 1 : 0)
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

    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    private func setWay(_ way: HTTPWay) {
        let authorities =
            way.authorities ?? (access(Self.systemAuthorities, R_OK) == 0 ? Self.systemAuthorities : nil)
        if let authorities {
            ccurl_set_text(easy, CURLOPT_CAINFO, authorities)
            // With a folder as well, curl trusts that too, and reads all of them again for each connection.
            ccurl_set_pointer(easy, CURLOPT_CAPATH, nil)
        }
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, way.isInsecure ? 0 : 1)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, way.isInsecure ? 0 : 2)
        if let path = way.socketPath { ccurl_set_text(easy, CURLOPT_UNIX_SOCKET_PATH, path) }
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, way.redirects > 0 ? 1 : 0)
        ccurl_set_long(easy, CURLOPT_MAXREDIRS, way.redirects)
        if let other = way.connectTo {
            connectList = ccurl_list_add(connectList, "::" + other)
            ccurl_set_pointer(easy, CURLOPT_CONNECT_TO, connectList.map { UnsafeMutableRawPointer($0) })
        }
        if way.connectsOnly {
            ccurl_set_long(easy, CURLOPT_CONNECT_ONLY, 1)
            ccurl_set_long(easy, CURLOPT_CERTINFO, 1)
            // Whatever the server speaks inside TLS, it is not asked for HTTP.
            ccurl_set_long(easy, CURLOPT_SSL_ENABLE_ALPN, 0)
        }
    }

    /// Whether curl waits for the server on this socket of its own; else for its thread that resolves names, by a pair
    /// of UNIX sockets.
    func isServer(_ socket: curl_socket_t) -> Bool {
        if request?.way.socketPath != nil { return true }
        var family: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let isKnown = getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0
        return isKnown && family != AF_UNIX
    }

    /// Called once curl has let go of the handle.
    /// - Parameter end: of the patience, where that was it.
    func finish(_ result: CURLcode, _ end: Patience.End = .timeout) {
        let status = ccurl_get_long(easy, CURLINFO_RESPONSE_CODE)
        var answer = HTTPAnswer(status: status, headers: headers, body: body)
        if result != CURLE_OK {
            // REQUEST_SIZE counts what was given to the kernel, so zero proves that nothing went out.
            let sent = ccurl_get_long(easy, CURLINFO_REQUEST_SIZE) > 0
            answer.failure = sent ? .afterSending : .nothingSent
            answer.timedOut = result == CURLE_OPERATION_TIMEDOUT && end == .timeout
            answer.code = end == .lookedAway ? end.code : code(of: result)
        } else if request?.way.connectsOnly == true {
            answer.certificateEnd = certificateEnd
        } else if !isHeadWhole {
            // curl takes a connection that ends within the head for an answer without a body.
            answer.failure = .afterSending
            answer.code = SampleCode.cutShort
        }
        let done = self.done
        self.done = nil
        done?(answer)
    }

    private func code(of result: CURLcode) -> Int32 {
        if isTooLong { return SampleCode.answerTooLong }
        switch result {
        case CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR:
            let system = ccurl_get_long(easy, CURLINFO_OS_ERRNO)
            isSpent = true
            return system > 0 ? Int32(system) : 1000 + Int32(result.rawValue)
        case CURLE_COULDNT_RESOLVE_HOST: return SampleCode.nameNotFound
        // An answer without a status line (HTTP/0.9), or a redirect to something else than HTTP.
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: return SampleCode.protocolViolation
        case CURLE_GOT_NOTHING: return SampleCode.endOfStream
        case CURLE_PARTIAL_FILE: return SampleCode.cutShort
        // What curl says of a line of the head that is longer than 100 kB; newer ones say TOO_LARGE, 100.
        case CURLE_OUT_OF_MEMORY, CURLcode(rawValue: 100): return SampleCode.answerTooLong
        case CURLE_TOO_MANY_REDIRECTS: return SampleCode.tooManyRedirects
        case CURLE_SSL_CONNECT_ERROR: return SampleCode.handshakeFailed
        case CURLE_PEER_FAILED_VERIFICATION: return verificationCode
        default: return 1000 + Int32(result.rawValue)
        }
    }

    /// The X509_V_ERR that OpenSSL gave (openssl-verification-options(1)). The name curl checks itself: then it is
    /// still what it was before the chain was looked at, 0 or 1.
    private var verificationCode: Int32 {
        switch ccurl_get_long(easy, CURLINFO_SSL_VERIFYRESULT) {
        case 0, 1, 62, 64: SampleCode.certificateOtherName
        case 9: SampleCode.certificateNotYetValid
        case 10: SampleCode.certificateExpired
        default: SampleCode.certificateUntrusted
        }
    }

    /// The earliest end of all certificates that the server sent: whichever ends first breaks the chain.
    private var certificateEnd: Int64? {
        var earliest: Int64?
        for number in 0..<16 {
            guard let text = ccurl_certificate_field(easy, Int32(number), "Expire date") else { break }
            guard let end = certificateTime(String(cString: text)) else { return nil }
            earliest = min(earliest ?? end, end)
        }
        return earliest
    }
}
