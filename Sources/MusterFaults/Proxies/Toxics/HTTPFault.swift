public import MusterCore

/// Has requests of HTTP go wrong on their way through a proxy: another status, late, cut short, not answered at all.
public struct HTTPFault: ToxicFault {
    public var setting = ToxicSetting()
    public var methods: [String] = []
    public var path = "*"
    public var share = Percentage(millionths: 1_000_000)
    public var status: Int?
    public var delay = Duration.zero
    public var jitter = Duration.zero
    public var body: String?
    public var truncate: Percentage?
    public var wrongLength = 0
    public var abort = false
    public var reset = false

    public init() {}

    public static var form: Form<Self> {
        Form(
            "http-fault", "Has requests of HTTP go wrong on their way through a fault proxy.",
            example: "inject: http-fault\ninto: dependency\nfor: 10s\nrecovery: despite\n"
                + "with: { status: 503, share: 20%, path: /api/* }",
            blank: Self(), fields: whom + what + commonFields(hasStream: false, hasShare: false),
            check: { try $0.checkTogether() })
    }

    /// What the proxy would refuse in the middle of a drill.
    private func checkTogether() throws {
        let does =
            status != nil || delay > .zero || body != nil || truncate != nil || wrongLength != 0 || abort
        if !does {
            throw FormProblem(
                "nothing goes wrong", at: nil,
                expected: "one of status, delay, body, truncate, wrongLength, abort")
        }
        if truncate != nil, wrongLength != 0 {
            throw FormProblem(
                "a body is cut short and its length is wrong as well", at: nil, path: "wrongLength",
                expected: "one of truncate, wrongLength")
        }
        // RFC 9110, sections 15.3.5 and 15.4.5.
        if let status, status == 204 || status == 304, body != nil {
            throw FormProblem(
                "an answer with status \(status) has no body", at: nil, path: "body",
                expected: "no body, or another status")
        }
    }

    private static let whom: [Field<Self>] = [
        Field(
            "methods", \.methods, default: [], "The methods that are meant, such as PUT; all when left out."
        ) {
            $0.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isLetter } }
                ? nil : "methods such as GET"
        },
        Field(
            "path", \.path, default: "*",
            "The path that is meant; `*` stands for any text, `/api/*` for a prefix."
        ) {
            ($0.hasPrefix("/") || $0.hasPrefix("*")) && $0.utf8.count <= 1024
                ? nil : "a path such as /api/*, of at most 1024 bytes"
        },
        Field(
            "share", \.share, default: Percentage(millionths: 1_000_000),
            "How many of the requests that are meant, drawn for each."
        ) { $0.millionths == 0 ? "more than 0%" : nil },
    ]

    private static let what: [Field<Self>] = [
        Field("status", \.status, "The proxy answers with this status; the server never sees the request.") {
            (200...599).contains($0) ? nil : "from 200 to 599"
        },
        Field("delay", \.delay, default: .zero, "How much later the answer comes.") {
            ToxicNumbers.wholeMilliseconds($0, atLeast: 0)
        },
        Field("jitter", \.jitter, default: .zero, "By how much a delay may be longer or shorter.") {
            ToxicNumbers.wholeMilliseconds($0, atLeast: 0)
        },
        Field("body", \.body, "The body of the answer.") {
            (1...65_536).contains($0.utf8.count) ? nil : "1 byte to 64KiB"
        },
        Field("truncate", \.truncate, "Only so much of the body comes, and the connection ends.") {
            $0.millionths < 1_000_000 ? nil : "less than 100%"
        },
        Field(
            "wrongLength", \.wrongLength, default: 0, "So many bytes too many, or too few, are announced."
        ) {
            abs($0) <= 1 << 30 ? nil : "at most 1073741824"
        },
        Field("abort", \.abort, default: false, "The connection ends instead of an answer."),
        Field("reset", \.reset, default: false, "Where a connection ends, it ends with RST."),
    ]

    public static var isSlowness: Bool { false }

    public var toxic: (type: String, attributes: Value) {
        var map: [String: Value] = ["percent": .double(share.fraction * 100), "path": .text(path)]
        if !methods.isEmpty { map["methods"] = .list(methods.map { .text($0) }) }
        if let status { map["status"] = .int(Int64(status)) }
        if let body { map["body"] = .text(body) }
        if delay > .zero { map["delay"] = ToxicNumbers.milliseconds(delay) }
        if jitter > .zero { map["jitter"] = ToxicNumbers.milliseconds(jitter) }
        if let truncate { map["truncate_percent"] = .double(truncate.fraction * 100) }
        if wrongLength != 0 { map["wrong_length"] = .int(Int64(wrongLength)) }
        if abort { map["abort"] = true }
        if reset { map["ending"] = "reset" }
        return ("http_fault", .map(map))
    }

    public var inWords: String {
        var parts: [String] = []
        if let status { parts.append("answers with status \(status)") }
        if delay > .zero { parts.append("delays answers by \(delay.unitsText)") }
        if body != nil { parts.append("changes bodies") }
        if let truncate { parts.append("cuts bodies after \(truncate.unitsText)") }
        if wrongLength != 0 { parts.append("announces a wrong length") }
        if abort { parts.append("ends connections instead of answers") }
        let whom = methods.isEmpty ? "" : " \(methods.joined(separator: ", "))"
        return parts.joined(separator: ", ")
            + " (\(share.unitsText) of\(whom) requests\(path == "*" ? "" : " for \(path)"))"
    }

    public func look(_ observer: ProxyObserver) -> Effect {
        let asked = Set(methods.map { $0.uppercased() })
        // Only what reads is said to somebody else's server.
        guard asked.isEmpty || asked.contains("GET") || asked.contains("HEAD") else {
            return .notYet(
                "a look asks with GET or HEAD, and neither is meant: \(methods.joined(separator: ", "))")
        }
        let needsBody = body != nil || truncate != nil || wrongLength != 0
        guard !needsBody || asked.isEmpty || asked.contains("GET") else {
            return .notYet("a look needs GET to see a body, and it is not meant")
        }
        let usesGet = needsBody || !(asked.isEmpty || asked.contains("HEAD"))
        let place = path.hasPrefix("*") ? "/" : String(path.filter { $0 != "*" })
        return observer.goesWrong(asking: usesGet ? "GET" : "HEAD", for: place, as: self)
    }
}

extension ProxyObserver {
    /// An answer is not what the server itself gives.
    fileprivate func goesWrong(asking method: String, for path: String, as fault: HTTPFault) -> Effect {
        let request =
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nUser-Agent: muster\r\nConnection: close\r\n\r\n"
        // The head of an answer is enough, unless its body is what matters.
        let exchange = Exchange(says: Array(request.utf8), expected: nil, least: 20) { bytes in
            method == "HEAD" && WebAnswer(bytes) != nil
        }
        let straight = lookStraight(exchange, within: .seconds(2))
        if let straight, WebAnswer(straight.bytes) == nil {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        let patience = min(Self.longest, (straight?.ended ?? .zero) + fault.delay * 2 + .milliseconds(500))
        guard let seen = look(exchange, within: patience).first else { return unknown }
        let usual = straight.flatMap { WebAnswer($0.bytes) }
        let found = WebAnswer(seen.bytes)
        let words =
            "\(method) \(path): \(found.map { "status \($0.status), " } ?? "")\(seen.inWords) through the proxy"
            + (usual.map { ", status \($0.status) without it" } ?? "")
        let least = max(fault.delay - fault.jitter, fault.delay / 4) * 9 / 10
        let provable = Self.provable(least, without: straight?.first ?? .zero)
        let isLate = (seen.first ?? seen.ended) - (straight?.first ?? .zero) >= provable
        let isSeen: Bool
        if provable < least, seen.ending == .silent, seen.connected != nil, seen.bytes.isEmpty {
            // Whatever else is wrong with the answer comes later than a look may last.
            isSeen = isLate
        } else if fault.abort {
            isSeen = found == nil && [.closed, .reset].contains(seen.ending)
        } else if let status = fault.status {
            isSeen = found?.status == status && usual?.status != status
        } else if fault.delay > .zero {
            isSeen = isLate
        } else if let body = fault.body {
            isSeen = found.map { $0.body.elementsEqual(body.utf8) && $0.body != usual?.body } ?? false
        } else {
            // Cut short, or of another length than it says.
            isSeen = found.map { answer in answer.length.map { $0 != answer.body.count } ?? false } ?? false
        }
        return isSeen ? .proven(words) : .notYet(words)
    }
}

/// An answer of HTTP/1.1 as far as a look needs it.
private struct WebAnswer {
    var status: Int
    /// What Content-Length says.
    var length: Int?
    var body: [UInt8]

    /// - Returns: nil while its head is not whole.
    init?(_ bytes: [UInt8]) {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4,
            let end = (0...(bytes.count - 4)).first(where: { bytes[$0..<($0 + 4)].elementsEqual(mark) })
        else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        self.status = status
        for line in lines where line.lowercased().hasPrefix("content-length:") {
            length = Int(line.drop { $0 != ":" }.dropFirst().filter { $0 != " " })
        }
        body = Array(bytes[(end + 4)...])
    }
}
