/// Whether a text holds a URL with a password in it, `scheme://user:password@host` (RFC 3986, section 3.2.1): what
/// stands in a drill is stored and shown, so such a one is refused everywhere.
public func holdsPasswordInURL(_ text: String) -> Bool {
    text.ranges(of: "://").contains { start in
        let authority = text[start.upperBound...].prefix { !"/?# \"'".contains($0) }
        guard let at = authority.lastIndex(of: "@") else {
            return isCutByPassword(authority, text[start.upperBound...])
        }
        guard let colon = authority[..<at].firstIndex(of: ":") else { return false }
        return authority.index(after: colon) < at
    }
}

/// Whether an authority without `@` ends in the midst of a password that holds `/`, `?` or `#`, as in
/// `redis://me:wo/rd@host`: what looks like a port is no number, and an `@` follows.
private func isCutByPassword(_ authority: Substring, _ rest: Substring) -> Bool {
    let url = rest.prefix { !$0.isWhitespace && !"\"'".contains($0) }
    // Colons in brackets are an IPv6 address; with commas it is a list of hosts.
    guard url.contains("@"), !authority.hasPrefix("["), !authority.contains(","),
        let colon = authority.firstIndex(of: ":")
    else { return false }
    return authority[authority.index(after: colon)...].contains { !("0"..."9").contains($0) }
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

private func firstPassword(in text: Substring, _ isSource: Bool) -> Substring? {
    let found = text.ranges(of: "://").lazy.compactMap { passwordInURL(text[$0.upperBound...]) }.first
    // As in PGPASSWORD=…, too.
    let named = ["password", "Password", "PASSWORD"].flatMap { text.ranges(of: $0) }.compactMap {
        passwordBehindKey(text[$0.upperBound...], isSource)
    }
    return ([found].compactMap { $0 } + named).min { $0.startIndex < $1.startIndex }
}

/// - Parameter rest: what stands behind `://`.
private func passwordInURL(_ rest: Substring) -> Substring? {
    let url = rest.prefix { !$0.isWhitespace && !"\"'`".contains($0) }
    guard let at = url.lastIndex(of: "@"), let colon = url[..<at].firstIndex(of: ":") else { return nil }
    let secret = url[url.index(after: colon)..<at]
    return secret.isEmpty || secret == "***" ? nil : secret
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
