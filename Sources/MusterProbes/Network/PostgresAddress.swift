import MusterCore

/// Where a PostgreSQL server is and what to say to it, in both of libpq's notations
/// (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING):
///
///     postgres://app@db1:5432,db2:5432/orders?sslmode=verify-full
///     host=/var/run/postgresql user=app dbname=orders
///
/// Read by ourselves, so that a mistake is shown when the drill is checked, without libpq. What is left out has
/// libpq's own defaults, its environment variables included; the host is asked for.
struct PostgresAddress: Hashable, Sendable {
    struct Host: Hashable, Sendable {
        /// A name, a number, or the directory of a Unix socket.
        var name: String
        var port: UInt16
        var isSocket: Bool { name.hasPrefix("/") || name.hasPrefix("@") }
    }

    var hosts: [Host]
    /// By libpq's keyword, besides host and port.
    var settings: [String: String]

    /// What is wrong with a text, as what was expected instead.
    struct Problem: Error {
        var expected: String
        init(_ expected: String) { self.expected = expected }
    }

    init(_ text: String) throws(Problem) {
        var words = try Self.isURL(text) ? Self.words(ofURL: text) : Self.words(ofPairs: text)
        for (keyword, value) in words {
            guard Self.keywords.contains(keyword) else { throw Self.refusal(of: keyword) }
            if value.utf8.contains(0) { throw Problem("text without a zero byte in \(keyword)") }
        }
        let names = Self.list(words.removeValue(forKey: "host"))
        let ports = Self.list(words.removeValue(forKey: "port"))
        guard !names.isEmpty, !names.contains("") else {
            throw Problem("a host: postgres://HOST:PORT/DATABASE, or host=… port=… dbname=…")
        }
        guard ports.count <= 1 || ports.count == names.count else {
            throw Problem("one port, or one for each host")
        }
        var hosts: [Host] = []
        for (index, name) in names.enumerated() {
            let text = ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index]
            guard let port = text.isEmpty ? 5432 : UInt16(text), port > 0 else {
                throw Problem("a port from 1 to 65535")
            }
            hosts.append(Host(name: name, port: port))
        }
        self.hosts = hosts
        settings = words
    }

    static func problem(_ text: String) -> String? {
        if let problem = passwordProblem(in: text) { return problem }
        do throws(Problem) {
            _ = try PostgresAddress(text)
            return nil
        } catch {
            return error.expected
        }
    }

    /// What may be said in a drill. Not among them: what is a secret, what makes libpq wait for somebody (LDAP by
    /// way of `service`, Kerberos), what only its waiting functions heed, and what is ours to say.
    private static let keywords: Set<String> = [
        "host", "port", "dbname", "user", "passfile", "options", "target_session_attrs", "channel_binding",
        "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslsni", "sslcompression",
        "ssl_min_protocol_version", "ssl_max_protocol_version", "tcp_user_timeout", "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count",
    ]

    private static func refusal(of keyword: String) -> Problem {
        switch keyword {
        case "password", "sslpassword":
            Problem(
                "no password here, where it would be stored and shown: password: \"${file:…}\" or a passfile")
        case "hostaddr": Problem("host with the number instead of hostaddr")
        case "connect_timeout": Problem("timeout: beside it instead of connect_timeout")
        default:
            Problem(
                "one of \(keywords.sorted().joined(separator: ", ")), not '\(keyword)'"
                    + (nearestWord(to: keyword, among: keywords).map { "; did you mean \($0)?" } ?? ""))
        }
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    // MARK: As a URL

    private static func isURL(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    }

    private static func words(ofURL text: String) throws(Problem) -> [String: String] {
        var rest = text[text.index(after: text.firstIndex(of: "/") ?? text.startIndex)...].dropFirst()
        var words: [String: String] = [:]
        let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] } ?? ""
        rest = rest.prefix { $0 != "?" }
        let path = rest.firstIndex(of: "/").map { rest[rest.index(after: $0)...] } ?? ""
        var authority = rest.prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") {
            let user = authority[..<at]
            guard !user.contains(":") else { throw refusal(of: "password") }
            words["user"] = try decoded(user)
            authority = authority[authority.index(after: at)...]
        }
        if !path.isEmpty { words["dbname"] = try decoded(path) }
        if !authority.isEmpty {
            var names: [String] = []
            var ports: [String] = []
            for place in authority.split(separator: ",", omittingEmptySubsequences: false) {
                let (name, port) = try hostAndPort(place)
                names.append(name)
                ports.append(port)
            }
            words["host"] = names.joined(separator: ",")
            if ports.contains(where: { !$0.isEmpty }) { words["port"] = ports.joined(separator: ",") }
        }
        for pair in query.split(separator: "&") {
            guard let equals = pair.firstIndex(of: "=") else {
                throw Problem("parameters such as ?sslmode=require&user=app")
            }
            let keyword = try decoded(pair[..<equals])
            guard words[keyword] == nil else { throw Problem("\(keyword) only once") }
            words[keyword] = try decoded(pair[pair.index(after: equals)...])
        }
        return words
    }

    /// `db1:5432`, `[::1]:5432`, or a socket's directory as `%2Fvar%2Frun`.
    private static func hostAndPort(_ place: Substring) throws(Problem) -> (String, String) {
        var name = place
        var rest: Substring = ""
        if place.hasPrefix("["), let close = place.firstIndex(of: "]") {
            name = place[place.index(after: place.startIndex)..<close]
            rest = place[place.index(after: close)...]
        } else if let colon = place.firstIndex(of: ":") {
            name = place[..<colon]
            rest = place[colon...]
        }
        guard rest.isEmpty || rest.hasPrefix(":"), !rest.dropFirst().contains(":") else {
            throw Problem("a host such as db1:5432 or [::1]:5432")
        }
        return (try decoded(name), String(rest.dropFirst()))
    }

    /// RFC 3986, section 2.1.
    private static func decoded(_ text: Substring) throws(Problem) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while let first = rest.first {
            guard first == "%" else {
                bytes += Array(String(first).utf8)
                rest = rest.dropFirst()
                continue
            }
            let digits = rest.dropFirst().prefix(2)
            guard digits.count == 2, let byte = UInt8(digits, radix: 16), byte != 0 else {
                throw Problem("two hexadecimal digits after each % (%25 for the sign itself)")
            }
            bytes.append(byte)
            rest = rest.dropFirst(3)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Problem("UTF-8 behind the % signs")
        }
        return decoded
    }

    // MARK: As pairs

    /// `key=value key = 'a value'`; a backslash takes the next letter as it is.
    private static func words(ofPairs text: String) throws(Problem) -> [String: String] {
        var words: [String: String] = [:]
        var rest = text[...].drop(while: \.isWhitespace)
        while !rest.isEmpty {
            let keyword = String(rest.prefix { $0 != "=" && !$0.isWhitespace })
            rest = rest.dropFirst(keyword.count).drop(while: \.isWhitespace)
            guard !keyword.isEmpty, rest.first == "=" else {
                throw Problem("postgres://HOST:PORT/DATABASE, or host=… port=… dbname=…")
            }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            var value = ""
            let isQuoted = rest.first == "'"
            if isQuoted { rest = rest.dropFirst() }
            var isClosed = !isQuoted
            while let letter = rest.first {
                if isQuoted ? letter == "'" : letter.isWhitespace {
                    isClosed = true
                    rest = rest.dropFirst()
                    break
                }
                rest = rest.dropFirst()
                if letter == "\\", let next = rest.first {
                    value.append(next)
                    rest = rest.dropFirst()
                } else {
                    value.append(letter)
                }
            }
            guard isClosed else { throw Problem("a closing ' after \(keyword)") }
            guard words[keyword] == nil else { throw Problem("\(keyword) only once") }
            words[keyword] = value
            rest = rest.drop(while: \.isWhitespace)
        }
        return words
    }
}
