internal import NIOCore

extension HTTPFault {
    /// - Throws: `AttributeProblem` with the first value that cannot be.
    init(_ values: AttributeValues) throws(AttributeProblem) {
        match = try RequestMatch(values)
        percent = try values.number("percent", in: 0...100)
        budget = FaultBudget(
            after: Int(try values.integer("after", in: 0...Self.most)),
            count: Int(try values.integer("count", in: 0...Self.most)))
        aborts = values["abort"] == .flag(true)
        ending = try values.word("ending")
        try takeAnswer(values)
        try takeTimes(values)
        try takeBreaks(values)
        if values.text("from").isEmpty {
            source = aborts || status != nil ? .proxy : .server
        } else {
            source = try values.word("from")
        }
        if source == .proxy, !aborts, status == nil {
            throw AttributeProblem("status", expected: "200 to 599 when from is `proxy`")
        }
        if source == .proxy, !requestEdit.isNothing {
            throw AttributeProblem("from", expected: "`server` with changed request headers")
        }
        if summary.isEmpty {
            throw AttributeProblem(
                "status", expected: "this or another fault to be given, such as delay or abort")
        }
    }

    private static let most: Int64 = 1_000_000_000_000
    /// A hundred days.
    private static let longest: Int64 = 8_640_000_000

    private mutating func takeAnswer(_ values: AttributeValues) throws(AttributeProblem) {
        let status = values.integer("status")
        guard status == 0 || (200...599).contains(status) else {
            throw AttributeProblem("status", expected: "200 to 599, or 0")
        }
        self.status = status == 0 ? nil : Int(status)
        let text = values.text("body")
        guard text.utf8.count <= 1 << 20 else { throw AttributeProblem("body", expected: "at most 1 MiB") }
        let size = try values.integer("body_size", in: -1...Self.most)
        if size >= 0 {
            body = OwnBody(size: Int(size), of: text)
        } else if !text.isEmpty {
            body = OwnBody(text)
        }
        if status == 204 || status == 304, body != nil {
            throw AttributeProblem("body", expected: "none with status 204 or 304")
        }
        answerEdit.set = try values.fields("headers")
        answerEdit.removed = try values.names("remove_headers")
        requestEdit.set = try values.fields("request_headers")
        requestEdit.removed = try values.names("remove_request_headers")
    }

    private mutating func takeTimes(_ values: AttributeValues) throws(AttributeProblem) {
        delay = .milliseconds(try values.integer("delay", in: 0...Self.longest))
        jitter = .milliseconds(try values.integer("jitter", in: 0...Self.longest))
        delayAt = try values.word("delay_at")
        rate = Int(try values.integer("body_rate", in: 0...Self.most))
        let linger = try values.integer("linger", in: -1...Self.longest)
        self.linger = linger < 0 ? nil : .milliseconds(linger)
    }

    private mutating func takeBreaks(_ values: AttributeValues) throws(AttributeProblem) {
        let bytes = try values.integer("truncate_bytes", in: -1...Self.most)
        let percent = values.number("truncate_percent")
        guard percent == -1 || (0...100).contains(percent) else {
            throw AttributeProblem("truncate_percent", expected: "0 to 100, or -1")
        }
        guard bytes < 0 || percent < 0 else {
            throw AttributeProblem(
                "truncate_percent", expected: "not to be given together with truncate_bytes")
        }
        if bytes >= 0 { cut = .bytes(Int(bytes)) }
        if percent >= 0 { cut = .share(percent / 100) }
        lie = Int(try values.integer("wrong_length", in: -Self.most...Self.most))
        guard lie == 0 || cut == nil else {
            throw AttributeProblem("wrong_length", expected: "not to be given together with truncate")
        }
    }
}

extension RequestMatch {
    init(_ values: AttributeValues) throws(AttributeProblem) {
        for method in values.list("methods") {
            guard method.isToken else { throw AttributeProblem("methods", expected: "methods such as `GET`") }
            methods.append(method.utf8.map(\.lowercased))
        }
        let pattern = values.text("path")
        guard (1...1024).contains(pattern.utf8.count) else {
            throw AttributeProblem("path", expected: "1 to 1024 bytes, such as `/api/*`")
        }
        path = Glob(pattern)
        pathHasQuery = pattern.utf8.contains(UInt8(ascii: "?"))
        fields = try values.fields("match_headers").map {
            Field(name: $0.name.utf8.map(\.lowercased), value: Glob($0.value))
        }
    }
}

extension String {
    /// A token of RFC 9110, 5.6.2.
    fileprivate var isToken: Bool { !isEmpty && utf8.allSatisfy(\.isTokenCharacter) }
}

extension AttributeValues {
    func integer(_ name: String, in range: ClosedRange<Int64>) throws(AttributeProblem) -> Int64 {
        let value = integer(name)
        guard range.contains(value) else {
            throw AttributeProblem(name, expected: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    fileprivate func number(_ name: String, in range: ClosedRange<Double>) throws(AttributeProblem) -> Double
    {
        let value = number(name)
        guard range.contains(value) else {
            throw AttributeProblem(name, expected: "\(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return value
    }

    fileprivate func list(_ name: String) -> [String] {
        if case .list(let all)? = self[name] { all } else { [] }
    }

    fileprivate func word<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String
    ) throws(AttributeProblem) -> Word {
        guard let word = Word(rawValue: text(name)) else {
            throw AttributeProblem(
                name, expected: Word.allCases.map { "`\($0.rawValue)`" }.joined(separator: " or "))
        }
        return word
    }

    /// Fields that frame messages are the proxy's own business.
    private static let framing: Set = [
        "content-length", "transfer-encoding", "connection", "upgrade", "trailer",
    ]

    fileprivate func names(_ name: String) throws(AttributeProblem) -> [String] {
        let names = list(name)
        guard names.allSatisfy({ $0.isToken && !Self.framing.contains($0.lowercased()) }) else {
            throw AttributeProblem(
                name, expected: "names of headers, except \(Self.framing.sorted().joined(separator: ", "))")
        }
        return names
    }

    fileprivate func fields(_ name: String) throws(AttributeProblem) -> [HeadEdit.Field] {
        var fields: [HeadEdit.Field] = []
        for line in list(name) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, String(parts[0]).isToken, !Self.framing.contains(parts[0].lowercased()),
                line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == .tab }), line.utf8.count <= 8192
            else {
                throw AttributeProblem(
                    name, expected: "`Name: value`, except \(Self.framing.sorted().joined(separator: ", "))")
            }
            let value = parts[1].drop { $0 == " " || $0 == "\t" }
            fields.append(HeadEdit.Field(name: String(parts[0]), value: String(value)))
        }
        return fields
    }
}
