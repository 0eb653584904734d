/// Why a URL is refused, or nil: a password in it would be stored with the drill and shown in reports.
public func passwordProblem(in url: String) -> String? {
    holdsPasswordInURL(url)
        ? "a URL without a password: what stands in a drill is stored and shown in reports" : nil
}

/// Why this is not the URL of a web server; nil when it is one.
public func httpProblem(_ url: String) -> String? {
    if let problem = passwordProblem(in: url) { return problem }
    let rest =
        url.hasPrefix("http://") ? url.dropFirst(7) : url.hasPrefix("https://") ? url.dropFirst(8) : ""
    guard let first = rest.first, first != "/", !url.contains(" ") else {
        return "a URL such as http://127.0.0.1:8080/health"
    }
    return nil
}

/// Why these are not headers; nil when they are. A line break in one would smuggle in another.
public func headersProblem(_ headers: [String: String]) -> String? {
    let bad = headers.contains { name, text in
        name.isEmpty || (name + text).unicodeScalars.contains { $0.value < 0x20 || $0 == "\u{7F}" }
            || name.contains(":")
    }
    return bad ? "names of headers with their values, without line breaks" : nil
}

/// What `ca:` means, wherever it stands.
public let authoritiesSentence =
    "A file with the certificates that are trusted instead of the system's, one of the server's own included."

/// Why this is no absolute path; nil when it is one.
public func absolutePathProblem(_ path: String) -> String? {
    path.hasPrefix("/") ? nil : "a path that starts with /"
}
