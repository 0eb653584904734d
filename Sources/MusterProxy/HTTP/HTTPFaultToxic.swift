/// Faults of HTTP/1.0 and 1.1 on chosen requests. What is not meant passes byte by byte as it came; a connection that
/// is not understood passes as a whole from there on.
public struct HTTPFaultToxic: FilterToxic {
    public static let type = "http_fault"
    public static let summary = "Chosen HTTP requests fail, or are answered late, wrongly or in part."
    public static let attributes = matching + answering + breaking

    private static let matching = [
        Attribute("methods", .list, .list([]), "methods that are meant, such as `GET`; none: all"),
        Attribute(
            "path", .text, .text("*"),
            "path that is meant, as it stands in the request; `*` stands for any text, `/api/*` for a prefix. "
                + "With a `?` in it, it is held against path and query"),
        Attribute(
            "match_headers", .list, .list([]),
            "`Name: value` that a request must have, all of them; `*` in the value stands for any text"),
        Attribute("percent", .number, .number(100), "share of the meant requests that are struck, 0 to 100"),
        Attribute("after", .integer, .integer(0), "meant requests of the proxy that are let be at first"),
        Attribute(
            "count", .integer, .integer(0), "requests of the proxy that are struck at most; 0: any number"),
    ]

    private static let answering = [
        Attribute(
            "from", .text, .text(""),
            "`proxy`: the server is not asked; `server`: its answer is changed; empty: `proxy` with `status` or "
                + "`abort`, else `server`"),
        Attribute("status", .integer, .integer(0), "status of the answer, 200 to 599; 0: as it is"),
        Attribute("body", .text, .text(""), "body of the answer; empty: as it is"),
        Attribute(
            "body_size", .integer, .integer(-1),
            "the body is as many bytes, `body` repeated or the letter x; -1: as it is"),
        Attribute(
            "headers", .list, .list([]), "`Name: value` that the answer gets, in place of any of that name"),
        Attribute("remove_headers", .list, .list([]), "names of headers that the answer loses"),
        Attribute(
            "request_headers", .list, .list([]),
            "`Name: value` that the request gets before the server sees it"),
        Attribute("remove_request_headers", .list, .list([]), "names of headers that the request loses"),
        Attribute("delay", .integer, .integer(0), "milliseconds"),
        Attribute(
            "jitter", .integer, .integer(0), "milliseconds; each delay is up to so much longer or shorter"),
        Attribute("delay_at", .text, .text("response"), "what is delayed: `request` or `response`"),
        Attribute(
            "body_rate", .integer, .integer(0),
            "the body of the answer comes at so many bytes a second; 0: freely"),
    ]

    private static let breaking = [
        Attribute("abort", .flag, .flag(false), "the connection ends instead of an answer"),
        Attribute(
            "truncate_bytes", .integer, .integer(-1),
            "the body ends after so many bytes, and the connection with it; -1: whole"),
        Attribute(
            "truncate_percent", .number, .number(-1),
            "the same as a share of the body, or of its first chunk where the answer does not tell its length; -1: whole"
        ),
        Attribute(
            "wrong_length", .integer, .integer(0),
            "so much is added to what Content-Length says, or to the size of the first chunk; the connection then ends"
        ),
        Attribute(
            "linger", .integer, .integer(0),
            "milliseconds for which the connection stays after a truncated body or a wrong length; -1: until a side ends it"
        ),
        Attribute("ending", .text, .text("close"), "how it ends: `close` (FIN) or `reset` (RST)"),
    ]

    public let values: AttributeValues
    private(set) var fault: HTTPFault

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        self.values = values
        fault = try HTTPFault(values)
    }

    /// Where `after` and `count` stay, it goes on counting.
    public mutating func inherit(from old: any Toxic) {
        guard let old = old as? HTTPFaultToxic, old.fault.budget.isLike(fault.budget) else { return }
        fault.budget = old.fault.budget
    }

    public func filter(_ random: LinkRandom, after watch: HTTPWatch) -> any ConnectionFilter {
        HTTPFilter(fault, random: random, after: watch)
    }
}
