/// Bodies about proxies, read by the rules of Toxiproxy's decoder.
enum ProxyForm {
    /// One field of a proxy's object.
    private enum Value {
        case name(String)
        case listen(String)
        case upstream(String)
        case enabled(Bool)
        case ttl(Int64)
        case toxics([ToxicForm.Parts])
    }

    /// Reads the value of the field `name`; nil when it is null, of a wrong kind or unknown.
    private static func read(
        _ name: String, _ place: String, _ cursor: inout JSONCursor, toxics: Bool
    ) -> Value? {
        if isField(name, "name") { return cursor.name("\(place)name").map(Value.name) }
        if isField(name, "listen") { return cursor.name("\(place)listen").map(Value.listen) }
        if isField(name, "upstream") { return cursor.name("\(place)upstream").map(Value.upstream) }
        if isField(name, "enabled") { return cursor.flag("\(place)enabled").map(Value.enabled) }
        if isField(name, "ttl") { return readTTL("\(place)ttl", &cursor).map(Value.ttl) }
        if isField(name, "logger") {
            // Toxiproxy gives an empty object back under this name, and clients may send it again.
            cursor.object("\(place)Logger") { _, cursor in cursor.skip() }
            return nil
        }
        if toxics, isField(name, "toxics") {
            var parts: [ToxicForm.Parts] = []
            cursor.array("\(place)toxics", atMost: ProxyRegistry.mostToxics) { index, cursor in
                parts.append(ToxicForm.parts("\(place)toxics[\(index)]", &cursor))
            }
            return .toxics(parts)
        }
        cursor.skip()
        return nil
    }

    /// Milliseconds, in `Lifetime.permitted`.
    static func readTTL(_ field: String, _ cursor: inout JSONCursor) -> Int64? {
        guard let value = cursor.integer(field) else { return nil }
        guard Lifetime.permitted.contains(value) else {
            cursor.note("\(field): expected milliseconds from 1 to a year (31536000000), not \(value)")
            return nil
        }
        return value
    }

    /// Reads one proxy's object: its draft without toxics, and those.
    private static func draft(_ path: String, _ cursor: inout JSONCursor) -> (ProxyDraft, [ToxicForm.Parts]) {
        var draft = ProxyDraft()
        var toxics: [ToxicForm.Parts] = []
        cursor.object(path) { name, cursor in
            switch read(name, path.isEmpty ? "" : "\(path).", &cursor, toxics: true) {
            case .name(let value)?: draft.name = value
            case .listen(let value)?: draft.listen = value
            case .upstream(let value)?: draft.upstream = value
            case .enabled(let value)?: draft.enabled = value
            case .ttl(let value)?: draft.ttl = value
            case .toxics(let value)?: toxics = value
            case nil: break
            }
        }
        return (draft, toxics)
    }

    /// `POST /proxies`.
    static func create(_ body: [UInt8]) throws(APIProblem) -> ProxyDraft {
        var cursor = try open(body)
        var (draft, toxics) = draft("", &cursor)
        if let problem = cursor.problem { throw .badBody(problem) }
        if draft.name.isEmpty { throw .missing("name") }
        if draft.upstream.isEmpty { throw .missing("upstream") }
        draft.toxics = try ToxicForm.drafts(toxics, "")
        return draft
    }

    /// `POST` or `PATCH /proxies/{proxy}`: what is null or absent stays. `name` and `toxics` are not changed by it.
    static func update(_ body: [UInt8]) throws(APIProblem) -> ProxyChanges {
        var cursor = try open(body)
        var changes = ProxyChanges()
        cursor.object("") { name, cursor in
            switch read(name, "", &cursor, toxics: false) {
            case .listen(let value)?: changes.listen = value
            case .upstream(let value)?: changes.upstream = value
            case .enabled(let value)?: changes.enabled = value
            case .ttl(let value)?: changes.ttl = value
            case .name?, .toxics?, nil: break
            }
        }
        if let problem = cursor.problem { throw .badBody(problem) }
        return changes
    }

    /// The file of `-config`. A request's body is read by Toxiproxy's rules, which take much; a file that people
    /// wrote, and that says something twice or nothing at all, is a mistake.
    static func config(_ file: [UInt8]) throws(APIProblem) -> [ProxyDraft] {
        var cursor = try open(file)
        if cursor.kind == .null { throw .badBody(JSONProblem("expected an array, not null", at: 0)) }
        cursor.skip()
        if let offset = cursor.offsetOfMore {
            throw .badBody(JSONProblem("more stands behind the array", at: offset))
        }
        let drafts = try populate(file)
        var names: Set<String> = []
        for draft in drafts {
            guard names.insert(draft.name).inserted else {
                throw .badBody("two proxies are called '\(draft.name)'")
            }
            do {
                if !draft.listen.isEmpty { _ = try Endpoint(draft.listen) }
                _ = try Upstream(draft.upstream)
            } catch {
                throw .badBody("proxy '\(draft.name)': \(error.message)")
            }
        }
        return drafts
    }

    /// `POST /populate`: all are checked before any is created.
    static func populate(_ body: [UInt8]) throws(APIProblem) -> [ProxyDraft] {
        var cursor = try open(body)
        var read: [(ProxyDraft, [ToxicForm.Parts])] = []
        cursor.array("", atMost: ProxyRegistry.mostProxies) { index, cursor in
            read.append(draft("proxy \(index + 1)", &cursor))
        }
        if let problem = cursor.problem { throw .badBody(problem) }
        var drafts: [ProxyDraft] = []
        for (index, (draft, toxics)) in read.enumerated() {
            if draft.name.isEmpty { throw .missing("name at proxy \(index + 1)") }
            if draft.upstream.isEmpty { throw .missing("upstream at proxy \(index + 1)") }
            var draft = draft
            draft.toxics = try ToxicForm.drafts(toxics, "proxy \(index + 1): ")
            drafts.append(draft)
        }
        return drafts
    }

    static func open(_ body: [UInt8]) throws(APIProblem) -> JSONCursor {
        do {
            return try JSONCursor(body)
        } catch {
            throw .badBody(error)
        }
    }
}
