/// What a client is sent back.
struct Answer: Sendable {
    var status: Int
    /// Without those that every answer has.
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Events are sent for as long as the client takes them, instead of the body.
    var isStream = false

    static func json(_ status: Int = 200, _ write: (inout JSONWriter) -> Void) -> Answer {
        var writer = JSONWriter()
        write(&writer)
        return Answer(status: status, headers: [("Content-Type", "application/json")], body: writer.bytes)
    }

    static let noContent = Answer(status: 204)
    static let methodNotAllowed = Answer(status: 405)
    static let notFound = text("404 page not found", 404)
    /// Go's server, of a request that it cannot make sense of; the connection ends.
    static let badRequest = Answer(
        status: 400, headers: [("Content-Type", "text/plain; charset=utf-8")],
        body: Array("400 Bad Request".utf8))
    static let noHost = Answer(
        status: 400, headers: badRequest.headers,
        body: Array("400 Bad Request: missing required Host header".utf8))
    static let headersTooLarge = Answer(
        status: 431, headers: badRequest.headers, body: Array("431 Request Header Fields Too Large".utf8))

    static func tooLarge(_ limit: Int) -> Answer {
        problem(APIProblem("request body: larger than \(limit) bytes", status: 413))
    }

    /// Others have filled what the API may take.
    static let busy = problem(
        APIProblem(
            "too much at once: bodies and answers of other clients fill the memory that the API may take",
            status: 503))
    static let tooManyReaders = problem(
        APIProblem("too many readers of events: each costs what happens time", status: 503))
    static let browser = text("User agent not allowed", 403)

    /// Go's `http.TimeoutHandler` with no message of its own.
    static let tooLate = Answer(
        status: 503, headers: [("Content-Type", "text/html; charset=utf-8")],
        body: Array(
            "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>".utf8))

    /// Go's `http.Error`, which makes an answer plain text whatever it was going to be.
    static func text(_ text: String, _ status: Int) -> Answer {
        plain(Array(text.utf8), status)
    }

    static func problem(_ problem: APIProblem) -> Answer {
        var writer = JSONWriter()
        writer.raw("{")
        writer.problem(problem)
        writer.raw("}")
        return plain(writer.bytes, problem.status)
    }

    private static func plain(_ body: [UInt8], _ status: Int) -> Answer {
        Answer(
            status: status,
            headers: [
                ("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
            ],
            body: body + [UInt8(ascii: "\n")])
    }
}
