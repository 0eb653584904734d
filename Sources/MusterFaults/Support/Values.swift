import MusterCore

/// Reading of stored fields: what is missing is said, what is unknown is ignored.
extension Value {
    func text(_ key: String, of kind: String) throws -> String {
        guard let text = self[key]?.asText else { throw FactError.unreadable(kind: kind, "no '\(key)'") }
        return text
    }

    func int(_ key: String, of kind: String) throws -> Int64 {
        guard let int = self[key]?.asInt else { throw FactError.unreadable(kind: kind, "no '\(key)'") }
        return int
    }

    func id(of kind: String) throws -> InjectionID {
        guard let id = InjectionID(try text("id", of: kind)) else {
            throw FactError.unreadable(kind: kind, "'id' is no injection id")
        }
        return id
    }

    func texts(_ key: String) -> [String] { self[key]?.asList?.compactMap(\.asText) ?? [] }

    static func texts(_ texts: [String]) -> Value { .list(texts.map { .text($0) }) }
}

extension ProcessIdentity {
    var stored: Value {
        ["pid": .int(Int64(pid)), "start": .int(Int64(clamping: startTicks)), "boot": .text(bootID)]
    }

    init?(_ value: Value) {
        guard let pid = value["pid"]?.asInt.flatMap({ Int32(exactly: $0) }),
            let start = value["start"]?.asInt.flatMap({ UInt64(exactly: $0) }),
            let boot = value["boot"]?.asText
        else { return nil }
        self.init(pid: pid, startTicks: start, bootID: boot)
    }
}

extension HostReader {
    /// Asks until `condition` is true.
    /// - Returns: false when it was not within `limit`.
    func poll(for limit: Duration, _ condition: () throws -> Bool) throws -> Bool {
        let end = monotonic() + limit
        while true {
            if try condition() { return true }
            if monotonic() >= end { return false }
            pause(.milliseconds(20))
        }
    }
}
