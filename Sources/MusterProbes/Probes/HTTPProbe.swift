public import MusterCore
public import MusterDrills

/// Asks a web server.
public struct HTTPProbe: Probe, Hashable {
    public var http = ""
    public var method = "GET"
    public var status = StatusSet(200...399)
    public var contains: String?
    public var header: [String: String] = [:]
    public var headers: [String: String] = [:]
    public var body: String?
    public var keepAlive = false
    public var json: [String: String] = [:]
    public var redirects = 0
    public var socket: String?
    public var ca: String?
    public var insecure = false
    public var limit = ByteCount(1 << 20)

    public init() {}

    public static let form = Form(
        "http", "Asks a web server; good is an expected status, and an expected content where one is given.",
        example: "health: { http: \"http://127.0.0.1:8080/health\", status: 200, every: 50ms }",
        blank: HTTPProbe(),
        fields: questionAndAnswer + wayAndLimits,
        check: { probe in
            guard probe.redirects == 0 || ["GET", "HEAD"].contains(probe.method) else {
                throw FormProblem(
                    "redirects of \(probe.method) are not followed", at: nil, path: "redirects",
                    expected: "redirects: 0, or the method GET or HEAD")
            }
        })

    // In parts, because the type of one long list takes the compiler too long.
    private static let questionAndAnswer: [Field<HTTPProbe>] = [
        Field(required: "http", \.http, "The URL, without a password.", in: httpProblem),
        Field("method", \.method, default: "GET", "The method.", in: methodProblem),
        Field("status", \.status, default: StatusSet(200...399), "Statuses that are good."),
        Field("contains", \.contains, "Text that the body must contain."),
        Field(
            "header", \.header, default: [:],
            "Headers that the answer must have, with their values; an empty value takes any.",
            in: headersProblem),
        Field("headers", \.headers, default: [:], "Headers to send.", in: headersProblem),
        Field("body", \.body, "The body to send."),
        Field(
            "keepAlive", \.keepAlive, default: false,
            "Keeps connections open; by default each probe connects anew, as a new user would."),
    ]

    private static let wayAndLimits: [Field<HTTPProbe>] = [
        Field(
            "json", \.json, default: [:],
            "Values that the JSON of the body must hold, by pointer (RFC 6901); an empty value takes any.",
            in: pointersProblem),
        Field(
            "redirects", \.redirects, default: 0,
            "How many redirects are followed; with none, the redirect is the answer.",
            in: { (0...20).contains($0) ? nil : "from 0 to 20" }),
        Field(
            "socket", \.socket, "A UNIX socket to connect to, whatever host the URL names.",
            in: socketPathProblem),
        Field("ca", \.ca, authoritiesSentence, in: absolutePathProblem),
        Field(
            "insecure", \.insecure, default: false,
            "Takes any certificate: what answers may be anybody."),
        Field(
            "limit", \.limit, default: ByteCount(1 << 20),
            "How long the body may be; a longer one is an error, and not read on.",
            in: { (0...(64 << 20)).contains($0.bytes) ? nil : "from 0B to 64MiB" }),
    ]
}

func methodProblem(_ method: String) -> String? {
    !method.isEmpty && method.allSatisfy { $0.isASCII && $0.isUppercase } ? nil : "a method such as GET"
}

extension HTTPProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober { try HTTPProber(self, loop) }

    var request: HTTPRequest {
        var request = HTTPRequest(
            method: method, url: http, headers: headerLines(headers), body: body, keepAlive: keepAlive)
        request.wantsHeaders = !header.isEmpty
        request.wantsBody = contains != nil || !json.isEmpty
        request.bodyLimit = Int(limit.bytes)
        request.refusesLongBody = true
        request.way.authorities = ca
        request.way.isInsecure = insecure
        request.way.socketPath = socket
        request.way.redirects = redirects
        return request
    }

    func judge(_ answer: HTTPAnswer) -> Finding {
        if answer.timedOut { return .timeout }
        if answer.failure != nil { return .error(answer.code) }
        let code = Int32(answer.status)
        guard status.contains(answer.status) else { return .error(code) }
        if let contains, !answer.body.holds(contains) { return .error(SampleCode.wrongContent) }
        if !json.isEmpty, let problem = jsonProblem(answer.body) { return .error(problem) }
        if !header.isEmpty, !hasHeaders(answer.headers) { return .error(SampleCode.wrongHeader) }
        return Finding(outcome: .ok, code: code)
    }

    private func jsonProblem(_ body: [UInt8]) -> Int32? {
        guard let document = try? JSONText.value(body) else { return SampleCode.notJSON }
        let isGood = json.allSatisfy { pointer, wanted in
            guard let found = JSONPointer(pointer)?.find(in: document) else { return false }
            return wanted.isEmpty || found.reads(as: wanted)
        }
        return isGood ? nil : SampleCode.wrongContent
    }

    private func hasHeaders(_ bytes: [UInt8]) -> Bool {
        let lines = bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        return header.allSatisfy { name, wanted in
            lines.contains { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased()
                else { return false }
                let found = line[line.index(after: colon)...].trimmed
                return wanted.isEmpty || found == wanted
            }
        }
    }
}

extension StringProtocol {
    /// Without blanks at either end.
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

private final class HTTPProber: Prober {
    private let probe: HTTPProbe
    private let request: HTTPRequest
    private let channel: HTTPChannel

    init(_ probe: HTTPProbe, _ loop: EventLoop) throws {
        self.probe = probe
        request = probe.request
        channel = try HTTPChannel(loop: loop)
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        channel.send(request, patience) { [probe] in done(probe.judge($0)) }
    }
}
