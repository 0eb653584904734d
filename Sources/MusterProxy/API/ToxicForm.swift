/// Bodies about toxics, read by the rules of Toxiproxy's decoder.
enum ToxicForm {
    /// What stands in a toxic's object. Its attributes cannot be read before its type is known, which may stand
    /// behind them.
    struct Parts {
        var name = ""
        var type = ""
        var stream = "downstream"
        var toxicity: Float = 1
        var ttl: Int64?
        /// The cursor before each `attributes`: several are read over each other.
        var attributes: [JSONCursor] = []
        /// What the object is called in a problem; empty: it is the whole body.
        var path = ""
    }

    static func parts(_ path: String, _ cursor: inout JSONCursor) -> Parts {
        var parts = Parts()
        parts.path = path
        let place = path.isEmpty ? "" : "\(path)."
        cursor.object(path) { name, cursor in
            if isField(name, "name") {
                parts.name = cursor.name("\(place)name") ?? parts.name
            } else if isField(name, "type") {
                parts.type = cursor.text("\(place)type") ?? parts.type
            } else if isField(name, "stream") {
                parts.stream = cursor.text("\(place)stream") ?? parts.stream
            } else if isField(name, "toxicity") {
                parts.toxicity = cursor.float("\(place)toxicity") ?? parts.toxicity
            } else if isField(name, "ttl") {
                parts.ttl = ProxyForm.readTTL("\(place)ttl", &cursor) ?? parts.ttl
            } else if isField(name, "attributes") {
                parts.attributes.append(cursor)
                cursor.object("\(place)attributes") { _, cursor in cursor.skip() }
            } else {
                cursor.skip()
            }
        }
        return parts
    }

    /// `POST /proxies/{proxy}/toxics`.
    static func create(_ body: [UInt8]) throws(APIProblem) -> ToxicDraft {
        var cursor = try ProxyForm.open(body)
        let parts = parts("", &cursor)
        if let problem = cursor.problem { throw .badBody(problem) }
        return try draft(parts)
    }

    /// The toxics that are created with a proxy.
    /// - Parameter place: what stands before a problem, to tell of which proxy it is.
    static func drafts(_ list: [Parts], _ place: String) throws(APIProblem) -> [ToxicDraft] {
        var names: Set<ExactText> = []
        var drafts: [ToxicDraft] = []
        for (index, parts) in list.enumerated() {
            do throws(APIProblem) {
                let draft = try draft(parts)
                guard names.insert(ExactText(draft.name)).inserted else { throw .toxicExists }
                drafts.append(draft)
            } catch {
                throw APIProblem("\(place)toxics[\(index)]: \(error.message)", status: error.status)
            }
        }
        return drafts
    }

    /// In the order in which Toxiproxy finds fault: stream, type, then attributes. (That the name is taken comes
    /// before the attributes there; nobody can tell unless both are wrong.)
    private static func draft(_ parts: Parts) throws(APIProblem) -> ToxicDraft {
        guard let stream = Stream(rawValue: parts.stream.lowercased()) else { throw .invalidStream }
        guard let type = ToxicCatalog.find(parts.type) else { throw .invalidToxicType }
        let toxic = try make(type, type.initialValues, parts.attributes, parts.path)
        return ToxicDraft(
            name: parts.name.isEmpty ? "\(parts.type)_\(parts.stream)" : parts.name, type: parts.type,
            stream: stream, streamText: parts.stream, toxicity: parts.toxicity, toxic: toxic, ttl: parts.ttl)
    }

    /// `POST` or `PATCH /proxies/{proxy}/toxics/{toxic}`: what is null or absent stays; type, stream and name are
    /// not looked at.
    static func update(_ toxic: ToxicRecord, _ body: [UInt8]) throws(APIProblem) -> ToxicChanges {
        var cursor = try ProxyForm.open(body)
        var changes = ToxicChanges()
        var attributes: [JSONCursor] = []
        cursor.object("") { name, cursor in
            if isField(name, "toxicity") {
                changes.toxicity = cursor.float("toxicity") ?? changes.toxicity
            } else if isField(name, "ttl") {
                changes.ttl = ProxyForm.readTTL("ttl", &cursor) ?? changes.ttl
            } else if isField(name, "attributes") {
                attributes.append(cursor)
                cursor.object("attributes") { _, cursor in cursor.skip() }
            } else {
                cursor.skip()
            }
        }
        if let problem = cursor.problem { throw .badBody(problem) }
        if !attributes.isEmpty {
            var changed = try make(Swift.type(of: toxic.toxic), toxic.toxic.values, attributes, "")
            changed.inherit(from: toxic.toxic)
            changes.toxic = changed
        }
        return changes
    }

    /// A toxic with these values, over which those of the body are laid.
    private static func make(
        _ type: any Toxic.Type, _ values: AttributeValues, _ attributes: [JSONCursor], _ path: String
    ) throws(APIProblem) -> any Toxic {
        var values = values
        let place = path.isEmpty ? "attributes" : "\(path).attributes"
        for var cursor in attributes {
            cursor.object(place) { name, cursor in
                guard let attribute = type.attributes.first(where: { isField(name, $0.name) }) else {
                    return cursor.skip()
                }
                if let value = read(attribute.kind, "\(place).\(attribute.name)", &cursor) {
                    values[attribute.name] = value
                }
            }
            if let problem = cursor.problem { throw .badBody(problem) }
        }
        do {
            return try type.init(values)
        } catch {
            let found = values[error.name].map { ", not \(shown($0))" } ?? ""
            throw .badBody("\(place).\(error.name): expected \(error.expected)\(found)")
        }
    }

    private static func read(_ kind: Attribute.Kind, _ field: String, _ cursor: inout JSONCursor)
        -> AttributeValue?
    {
        switch kind {
        case .integer: return cursor.integer(field).map(AttributeValue.integer)
        case .number: return cursor.double(field).map(AttributeValue.number)
        case .text: return cursor.text(field).map(AttributeValue.text)
        case .flag: return cursor.flag(field).map(AttributeValue.flag)
        case .list:
            guard cursor.kind == .array else {
                cursor.array(field) { _, cursor in cursor.skip() }
                return nil
            }
            var list: [String] = []
            cursor.array(field) { index, cursor in
                if let text = cursor.text("\(field)[\(index)]") { list.append(text) }
            }
            return .list(list)
        }
    }

    private static func shown(_ value: AttributeValue) -> String {
        var writer = JSONWriter()
        writer.value(value)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        return text.count > 40 ? "\(text.prefix(40))…" : text
    }
}
