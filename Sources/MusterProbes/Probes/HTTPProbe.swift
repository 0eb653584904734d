import CCurl
public import MusterCore

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

    public init() {}

    public static let form = Form(
        "http", "Asks a web server; good is an expected status, and an expected content where one is given.",
        example: "health: { http: \"http://127.0.0.1:8080/health\", status: 200, every: 50ms }",
        blank: HTTPProbe(),
        fields: [
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
        ])
}

func methodProblem(_ method: String) -> String? {
    !method.isEmpty && method.allSatisfy { $0.isASCII && $0.isUppercase } ? nil : "a method such as GET"
}

extension HTTPProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober { try HTTPProber(self, loop) }

    var request: HTTPRequest {
        HTTPRequest(
            method: method, url: http, headers: headerLines(headers), body: body, keepAlive: keepAlive,
            wantsHeaders: !header.isEmpty, bodyLimit: contains == nil ? 0 : 1 << 20)
    }

    func judge(_ answer: HTTPAnswer) -> Finding {
        if answer.timedOut { return .timeout }
        if answer.failure != nil { return .error(answer.code) }
        let code = Int32(answer.status)
        guard status.contains(answer.status) else { return .error(code) }
        if let contains, String(decoding: answer.body, as: UTF8.self).range(of: contains) == nil {
            return .error(SampleCode.wrongContent)
        }
        if !header.isEmpty, !hasHeaders(answer.headers) { return .error(SampleCode.wrongHeader) }
        return Finding(outcome: .ok, code: code)
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

    func look(timeout: Duration, done: @escaping (Finding) -> Void) {
        channel.send(request, timeout: timeout) { [probe] in done(probe.judge($0)) }
    }
}
