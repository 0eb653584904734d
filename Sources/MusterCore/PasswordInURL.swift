/// Whether a text holds a URL with a password in it, `scheme://user:password@host` (RFC 3986, section 3.2.1): what
/// stands in a drill is stored and shown, so such a one is refused everywhere.
public func holdsPasswordInURL(_ text: String) -> Bool {
    text.ranges(of: "://").contains { start in
        let authority = text[start.upperBound...].prefix { !"/?# \"'".contains($0) }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return false
        }
        return authority.index(after: colon) < at
    }
}
