public import MusterCore
public import MusterDrills

/// Writes to a web service, and reads back from it.
public struct HTTPWorkload: Workload, Hashable {
    /// How an entry is written.
    public struct Put: Formed, Hashable {
        public var url: String?
        public var method = "PUT"
        public var body = "{value}"
        public var acknowledged = StatusSet(200...299)
        public var refused = StatusSet(400...407, 409...499)
        public init() {}

        public static let form = Form(
            "put", "How an entry is written.", blank: Put(),
            fields: [
                Field("url", \.url, "The URL, where it is another one than for reading.", in: httpProblem),
                Field("method", \.method, default: "PUT", "The method.", in: methodProblem),
                Field(
                    "body", \.body, default: "{value}", "The body, with {key} and {value}."),
                Field(
                    "acknowledged", \.acknowledged, default: StatusSet(200...299),
                    "Statuses by which the service promises that the entry is kept."),
                Field(
                    "refused", \.refused, default: StatusSet(400...407, 409...499),
                    "Statuses by which the entry is certainly not kept; all others leave it in doubt."),
            ])
    }

    /// How an entry is read.
    public struct Get: Formed, Hashable {
        /// How the entry is found in the answer.
        public enum Find: String, FormWord, Codable {
            /// The whole body is the value.
            case body
            /// The value stands somewhere in the body; twice is a duplicate.
            case contains
        }
        public var url: String?
        public var find = Find.body
        public var absent = StatusSet(404...404, 410...410)
        public init() {}

        public static let form = Form(
            "get", "How an entry is read.", blank: Get(),
            fields: [
                Field("url", \.url, "The URL, where it is another one than for writing.", in: httpProblem),
                Field(
                    "find", \.find, default: .body,
                    "Whether the body is the value (body), or holds it among other text (contains)."),
                Field(
                    "absent", \.absent, default: StatusSet(404...404, 410...410),
                    "Statuses by which there is no such entry."),
            ])
    }

    public var http = ""
    public var headers: [String: String] = [:]
    public var put = Put()
    public var get = Get()
    public var keepAlive = false
    public init() {}

    public static let abilities: Set<WorkloadAbility> = [.replicas]

    public static let form = Form(
        "http", "Writes entries to a web service with PUT and reads them back with GET.",
        example: "kv: { http: \"http://127.0.0.1:8080/kv/{key}\", writers: 8, rate: 200/s }",
        blank: HTTPWorkload(),
        fields: [
            Field(
                required: "http", \.http,
                "The URL of an entry, with {key} where its key goes, without a password.", in: httpProblem),
            Field("headers", \.headers, default: [:], "Headers to send.", in: headersProblem),
            Field("put", \.put, default: Put(), "How an entry is written."),
            Field("get", \.get, default: Get(), "How an entry is read."),
            Field(
                "keepAlive", \.keepAlive, default: false,
                "Keeps connections open; a write on a connection that has died may then be sent twice."),
        ],
        check: { workload in
            for (name, url) in [("put", workload.put.url), ("get", workload.get.url)]
            where (url ?? workload.http).range(of: "{key}") == nil
                && !(name == "put" && workload.put.body.range(of: "{key}") != nil)
            {
                throw FormProblem(
                    "the URL for \(name) has no {key}", at: nil, path: url == nil ? "http" : name,
                    expected: "a URL such as http://127.0.0.1:8080/kv/{key}")
            }
        })
}

extension String {
    /// The template with `{key}` and `{value}` filled in.
    func filled(key: String, value: String) -> String {
        replacing("{key}", with: key).replacing("{value}", with: value)
    }
}

extension HTTPWorkload: RunnableWorkload {
    public func reading(from url: String) -> HTTPWorkload? {
        guard httpProblem(url) == nil, url.range(of: "{key}") != nil else { return nil }
        var copy = self
        copy.get.url = url
        return copy
    }

    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient { try HTTPStore(self, loop) }

    func judge(_ answer: HTTPAnswer) -> WriteAnswer {
        switch answer.failure {
        case .nothingSent: return answer.timedOut ? .neverSent : .refused(answer.code)
        case .afterSending: return answer.timedOut ? .noAnswer : .inDoubt(answer.code)
        case nil: break
        }
        let code = Int32(answer.status)
        if put.acknowledged.contains(answer.status) { return .acknowledged(code) }
        return put.refused.contains(answer.status) ? .refused(code) : .inDoubt(code)
    }

    func judge(_ answer: HTTPAnswer, _ wanted: Wanted) -> ReadAnswer {
        if answer.failure != nil { return .failed(SampleCode.inWords(answer.code)) }
        if get.absent.contains(answer.status) { return .absent }
        guard (200...299).contains(answer.status) else { return .failed("status \(answer.status)") }
        let body = String(decoding: answer.body, as: UTF8.self)
        switch get.find {
        case .body: return .present(isIntact: body == wanted.value, count: 1)
        case .contains:
            let count = body.ranges(of: wanted.value).count
            // With the value gone, its key may still show that something is there.
            if count == 0 {
                return body.range(of: wanted.key) == nil
                    ? .absent : .present(isIntact: false, count: 1)
            }
            return .present(isIntact: true, count: count)
        }
    }
}

private final class HTTPStore: StoreClient {
    private let workload: HTTPWorkload
    private let headers: [String]
    private let channel: HTTPChannel
    let readBatch = 1

    init(_ workload: HTTPWorkload, _ loop: EventLoop) throws {
        self.workload = workload
        headers = headerLines(workload.headers)
        channel = try HTTPChannel(loop: loop)
    }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        let request = HTTPRequest(
            method: workload.put.method,
            url: (workload.put.url ?? workload.http).filled(key: key, value: value), headers: headers,
            body: workload.put.body.filled(key: key, value: value), keepAlive: workload.keepAlive)
        channel.send(request, timeout: deadline - monotonicNow()) { [workload] in done(workload.judge($0)) }
    }

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        let wanted = wanted[0]
        let request = HTTPRequest(
            url: (workload.get.url ?? workload.http).filled(key: wanted.key, value: wanted.value),
            headers: headers, keepAlive: true)
        channel.send(request, timeout: deadline - monotonicNow()) { [workload] in
            done([workload.judge($0, wanted)])
        }
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        done(.unsupported)
    }

    func close() {}
}
