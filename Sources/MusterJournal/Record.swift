import FoundationEssentials
import MusterCore

/// How an injection is written down.
enum Record {
    static func encode(_ injection: Injection) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(injection), as: UTF8.self)
    }

    /// Never throws: what cannot be understood becomes an injection with one fact of an unknown kind, so
    /// that it stays open and is reported, with whatever can be told of it.
    static func decode(_ text: String, id: InjectionID, run: String, name: String, fault: String, utc: Int64)
        -> Injection
    {
        let data = Data(text.utf8)
        if let injection = try? JSONDecoder().decode(Injection.self, from: data) { return injection }
        let raw = (try? JSONDecoder().decode(Value.self, from: data)) ?? .text(text)
        let byHand = (raw["facts"]?.asList ?? []).flatMap { fact in
            (fact["byHand"]?.asList ?? []).map { ($0.asList ?? []).compactMap(\.asText) }
        }
        return Injection(
            id: id, run: run, name: name, fault: fault, parameters: .null, target: .null,
            facts: [StoredFact(kind: "unreadable-record", version: .max, fields: raw, byHand: byHand)],
            claims: [], disposals: [], mending: .byUs, bootID: "", openedAtUTC: utc)
    }
}
