public import MusterCore
public import MusterDrills

/// Asks Prometheus, or what speaks its API, for the value of an expression.
public struct PrometheusProbe: Probe, Hashable {
    public var prometheus = ""
    public var query = ""
    public var above: Double?
    public var below: Double?
    public var headers: [String: String] = [:]
    public var ca: String?
    public var insecure = false
    public init() {}

    public static let form = Form(
        "prometheus", "Asks Prometheus; good is a result, all values of which are within the limits.",
        example: """
            lag: { prometheus: "http://127.0.0.1:9090", query: max(pg_replication_lag_seconds), below: 5, every: 5s }
            """,
        blank: PrometheusProbe(),
        fields: [
            Field(
                required: "prometheus", \.prometheus,
                "The URL under which /api/v1/query stands, without a password.",
                in: { httpProblem($0) ?? ($0.contains("?") ? "a URL without a query of its own" : nil) }),
            Field(
                required: "query", \.query, "The expression, as of now.",
                in: { (1...4096).contains($0.utf8.count) ? nil : "from 1 to 4096 bytes of PromQL" }),
            Field("above", \.above, "Every value must be greater."),
            Field("below", \.below, "Every value must be less."),
            Field("headers", \.headers, default: [:], "Headers to send.", in: headersProblem),
            Field("ca", \.ca, authoritiesSentence, in: absolutePathProblem),
            Field(
                "insecure", \.insecure, default: false,
                "Takes any certificate: what answers may be anybody."),
        ],
        check: { probe in
            guard let above = probe.above, let below = probe.below, above >= below else { return }
            throw FormProblem(
                "no value is above \(above) and below \(below)", at: nil, path: "above",
                expected: "above: less than below:")
        })
}

extension PrometheusProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober {
        PrometheusProber(self, try HTTPChannel(loop: loop))
    }

    /// https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
    var request: HTTPRequest {
        let base = prometheus.hasSuffix("/") ? prometheus.dropLast() : prometheus[...]
        var request = HTTPRequest(
            url: "\(base)/api/v1/query?query=\(percentEncoded(query))", headers: headerLines(headers))
        request.refusesLongBody = true
        request.way.authorities = ca
        request.way.isInsecure = insecure
        return request
    }

    func judge(_ answer: HTTPAnswer) -> Finding {
        if answer.timedOut { return .timeout }
        if answer.failure != nil { return .error(answer.code) }
        let code = Int32(answer.status)
        guard answer.status == 200 else { return .error(code) }
        guard let document = try? JSONText.value(answer.body) else { return .error(SampleCode.notJSON) }
        guard let values = values(in: document) else { return .error(SampleCode.protocolViolation) }
        if values.isEmpty { return .error(SampleCode.noResult) }
        let isWithin = values.allSatisfy { text in
            if above == nil, below == nil { return true }
            // Comparing with a value that is not a number is false, as it should be.
            guard let value = Double(text) else { return false }
            return above.map { value > $0 } ?? true && below.map { value < $0 } ?? true
        }
        return isWithin ? Finding(outcome: .ok, code: code) : .error(SampleCode.outOfLimits)
    }

    /// The newest value of each series; nil when this is no answer of the API.
    private func values(in document: Value) -> [String]? {
        guard document["status"] == .text("success"), let data = document["data"],
            let result = data["result"]?.asList
        else { return nil }
        func value(_ pair: Value?) -> String? {
            guard let pair = pair?.asList, pair.count == 2, case .text(let text) = pair[1] else { return nil }
            return text
        }
        let found: [String?]
        switch data["resultType"] {
        case .text("vector"): found = result.map { value($0["value"] ?? $0["histogram"]) ?? histogram($0) }
        case .text("matrix"): found = result.map { value($0["values"]?.asList?.last) }
        case .text("scalar"), .text("string"): found = [value(.list(result))]
        default: return nil
        }
        let values = found.compactMap { $0 }
        return values.count == found.count ? values : nil
    }

    /// A native histogram is a result, and no number.
    private func histogram(_ series: Value) -> String? { series["histogram"] == nil ? nil : "NaN" }
}

private final class PrometheusProber: Prober {
    private let probe: PrometheusProbe
    private let request: HTTPRequest
    private let channel: HTTPChannel

    init(_ probe: PrometheusProbe, _ channel: HTTPChannel) {
        self.probe = probe
        self.channel = channel
        request = probe.request
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        channel.send(request, patience) { [probe] in done(probe.judge($0)) }
    }
}

/// All but the unreserved characters of RFC 3986, 2.3.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    return text.utf8.reduce(into: "") { result, byte in
        let character = Character(Unicode.Scalar(byte))
        if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
            result.append(character)
        } else {
            result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
    }
}
