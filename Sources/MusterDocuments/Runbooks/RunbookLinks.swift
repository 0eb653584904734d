import CCmark
public import MusterCore

/// Links of a runbook that lead nowhere: whoever follows one does so in the midst of an outage.
public enum RunbookLinks {
    /// What a link leads to.
    public enum Target: Sendable {
        case missing
        /// Markdown, whose headings a link may name.
        case markdown(String)
        case other
    }

    /// Other hosts are not asked: a check needs no network, and says the same tomorrow.
    /// - Parameter look: what lies at a path, from the runbook's directory; one that begins with `/` is from the top of
    ///   the project.
    public static func dead(in text: String, look: (String) -> Target) -> [FormProblem] {
        let front = FrontMatter(text)
        let page = Page(front.rest)
        let lines = front.rest.lines
        var problems: [FormProblem] = []
        for link in page.links where problems.count < most {
            guard let problem = problem(with: link.url, page, look) else { continue }
            let (line, column) = find(link.url, from: link.line, in: lines)
            problems.append(
                FormProblem(
                    problem.message, at: Place(line: line + front.lineCount, column: column),
                    expected: problem.expected, nearest: problem.nearest))
        }
        return problems
    }

    /// Nobody reads more of them at once.
    private static let most = 100

    private static func problem(
        with url: String, _ page: Page, _ look: (String) -> Target
    ) -> (message: String, expected: String, nearest: String?)? {
        if url.hasPrefix("//") || isElsewhere(url) { return nil }
        let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(decoded)
        let path = parts[0].prefix { $0 != "?" }
        var anchors = page.anchors
        if !path.isEmpty {
            switch look(String(path)) {
            case .missing:
                return ("the link leads to '\(path)', which is not there", "a file of the project", nil)
            case .other: return nil
            case .markdown(let text): anchors = Page(FrontMatter(text).rest).anchors
            }
        }
        guard parts.count == 2, !parts[1].isEmpty, !anchors.contains(parts[1].lowercased()) else {
            return nil
        }
        return (
            "the link leads to '#\(parts[1])', and no heading is called so", "a heading's anchor",
            nearestWord(to: parts[1], among: anchors)
        )
    }

    /// Whether it begins with a scheme (RFC 3986, section 3.1).
    private static func isElsewhere(_ url: String) -> Bool {
        guard let colon = url.firstIndex(of: ":") else { return false }
        return colon > url.startIndex
            && url[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+.-".contains($0)) }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == 0x25, digits.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where the address stands, from the first line of its paragraph on.
    private static func find(_ url: String, from line: Int, in lines: [Substring]) -> (line: Int, column: Int)
    {
        let first = max(1, line)
        for index in lines.indices.dropFirst(first - 1).prefix(200) {
            if let found = lines[index].firstRange(of: url) {
                return (index + 1, lines[index][..<found.lowerBound].unicodeScalars.count + 1)
            }
        }
        return (first, 1)
    }
}

/// Links and headings of a markdown text.
private struct Page {
    var links: [(url: String, line: Int)] = []
    /// As GitHub makes them of headings: small letters, no punctuation, `-` for blanks, numbered when they repeat.
    var anchors: Set<String> = []

    init(_ markdown: String) {
        var headings: [String] = []
        var markdown = markdown
        links = markdown.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                guard let document = ccmark_parse(text.baseAddress, text.count) else { return [] }
                defer { ccmark_free(document) }
                headings = (0..<ccmark_heading_count(document)).map {
                    ccmark_heading_at(document, $0).map { String(cString: $0) } ?? ""
                }
                return (0..<ccmark_link_count(document)).map {
                    let link = ccmark_link_at(document, $0)
                    return (link.url.map { String(cString: $0) } ?? "", Int(link.block_line))
                }
            }
        }
        var seen: [String: Int] = [:]
        for heading in headings {
            let slug = heading.lowercased().unicodeScalars.map { scalar -> String in
                if scalar == " " { return "-" }
                let isKept =
                    scalar == "-" || scalar == "_" || scalar.properties.isAlphabetic
                    || scalar.properties.numericType != nil
                return isKept ? String(scalar) : ""
            }.joined()
            let count = seen[slug, default: 0]
            seen[slug] = count + 1
            anchors.insert(count == 0 ? slug : "\(slug)-\(count)")
        }
    }
}
