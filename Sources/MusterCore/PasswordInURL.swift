/// Whether a text holds a URL with a password in it, `scheme://user:password@host` (RFC 3986, section 3.2.1): what
/// stands in a drill is stored and shown, so such a one is refused everywhere.
public func holdsPasswordInURL(_ text: String) -> Bool {
    text.ranges(of: "://").contains { passwordBegins(in: text[$0.upperBound...]) != nil }
}

/// Where a URL's password begins; nil where it holds none.
/// - Parameter rest: what stands behind `://`.
private func passwordBegins(in rest: Substring) -> Substring.Index? {
    // Neither a path nor a query is looked for a user (RFC 3986, section 3.2).
    let authority = rest.prefix { !"/?#\"'`".contains($0) && !$0.isWhitespace }
    guard let at = authority.lastIndex(of: "@") else {
        return isCutByPassword(authority, rest)
            ? authority.firstIndex(of: ":").map(authority.index(after:)) : nil
    }
    guard let colon = authority[..<at].firstIndex(of: ":") else { return nil }
    let first = authority.index(after: colon)
    return first < at ? first : nil
}

/// Whether an authority without `@` ends in the midst of a password that holds `/`, `?` or `#`, as in
/// `redis://me:wo/rd@host`: what looks like a port is no number, and an `@` follows.
private func isCutByPassword(_ authority: Substring, _ rest: Substring) -> Bool {
    // Colons in brackets are an IPv6 address; with commas it is a list of hosts.
    guard wholeURL(rest).contains("@"), !authority.hasPrefix("["), !authority.contains(","),
        let colon = authority.firstIndex(of: ":")
    else { return false }
    return authority[authority.index(after: colon)...].contains { !("0"..."9").contains($0) }
}

private func wholeURL(_ rest: Substring) -> Substring {
    rest.prefix { !$0.isWhitespace && !"\"'`".contains($0) }
}

/// A text that is shown about something that was refused, with `***` in place of what looks like a password: in a URL
/// and behind `password=`. Whoever wrote one where it does not belong must not find it on the screen, in the log of a
/// CI or in a store as well.
///
/// Hides rather too much than too little: people write passwords that no URL allows unescaped, such as with `/`.
/// - Parameter isSource: whether it is text of a drill, in which a value behind `password:` is hidden too.
public func hidingPasswords(_ text: String, isSource: Bool = false) -> String {
    var rest = Substring(text)
    var result = ""
    while let secret = firstPassword(in: rest, isSource) {
        result += rest[..<secret.startIndex] + "***"
        rest = rest[secret.endIndex...]
    }
    return result + rest
}

/// The first passwords that overlap, as one.
private func firstPassword(in text: Substring, _ isSource: Bool) -> Substring? {
    let inURLs = text.ranges(of: "://").compactMap { passwordInURL(text[$0.upperBound...]) }
    // As in PGPASSWORD=…, too.
    let named = ["password", "Password", "PASSWORD"].flatMap { text.ranges(of: $0) }.compactMap {
        passwordBehindKey(text[$0.upperBound...], isSource)
    }
    let all = (inURLs + named).sorted { $0.startIndex < $1.startIndex }
    guard let first = all.first else { return nil }
    // `u:p@host/?password=a@b`: what goes to the last `@` would leave half of the second one.
    let end = all.reduce(first.endIndex) { end, next in
        next.startIndex < end ? max(end, next.endIndex) : end
    }
    return text[first.startIndex..<end]
}

/// Up to the last `@` of the URL, because an unescaped password may hold `@` beside `/`, `?` and `#`.
/// - Parameter rest: what stands behind `://`.
private func passwordInURL(_ rest: Substring) -> Substring? {
    guard let start = passwordBegins(in: rest), let at = wholeURL(rest).lastIndex(of: "@") else { return nil }
    let secret = rest[start..<at]
    return secret == "***" ? nil : secret
}

/// The value in `password: geheim`, `"password": 'geheim'` or `password=geheim`; nil where it is read from elsewhere.
/// - Parameter rest: what stands behind `password`.
private func passwordBehindKey(_ rest: Substring, _ isSource: Bool) -> Substring? {
    let behind = rest.drop { "\"' ".contains($0) }
    guard let sign = behind.first, sign == "=" || sign == ":" && isSource else { return nil }
    var value = behind.dropFirst().drop { $0 == " " }
    var isQuoted = false
    if let quote = value.first, "\"'".contains(quote) {
        isQuoted = true
        value = value.dropFirst().prefix { $0 != quote && !$0.isNewline }
    } else if !value.hasPrefix("${") {
        value = value.prefix { !$0.isNewline && !(sign == ":" ? ",}" : " \"'&,}").contains($0) }
    }
    while value.hasPrefix("${env:") || value.hasPrefix("${file:") {
        value = value.drop { $0 != "}" }.dropFirst()
        if !isQuoted { value = value.prefix { !$0.isWhitespace && $0 != "," } }
    }
    // The end of a mapping in braces.
    if !isQuoted { while value.last == "}" { value.removeLast() } }
    return value.isEmpty || value == "***" ? nil : value
}
