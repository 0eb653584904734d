/// Why a request cannot be carried out, as Toxiproxy says it.
public struct APIProblem: Error, Hashable, Sendable {
    /// Given back as `error`.
    public var message: String
    /// The HTTP status.
    public var status: Int
    /// Where in the body, in bytes, when that is known.
    public var offset: Int?

    public init(_ message: String, status: Int, offset: Int? = nil) {
        self.message = message
        self.status = status
        self.offset = offset
    }

    static func badBody(_ detail: String) -> APIProblem {
        APIProblem("bad request body: \(detail)", status: 400)
    }

    static func badBody(_ problem: JSONProblem) -> APIProblem {
        APIProblem("bad request body: \(problem.message)", status: 400, offset: problem.offset)
    }

    static func missing(_ field: String) -> APIProblem {
        APIProblem("missing required field: \(field)", status: 400)
    }

    static let tooManyProxies = APIProblem(
        "too many proxies: there may be \(ProxyRegistry.mostProxies)", status: 400)
    static let ending = APIProblem("the proxy is ending: it begins nothing new", status: 503)
    static let proxyNotFound = APIProblem("proxy not found", status: 404)
    static let toxicNotFound = APIProblem("toxic not found", status: 404)
    static let proxyExists = APIProblem("proxy already exists", status: 409)
    static let toxicExists = APIProblem("toxic already exists", status: 409)
    static let invalidToxicType = APIProblem("invalid toxic type", status: 400)
    static let invalidStream = APIProblem(
        "stream was invalid, can be either upstream or downstream", status: 400)
}
