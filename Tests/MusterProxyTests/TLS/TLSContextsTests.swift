import Testing

@testable import MusterProxy

@Suite struct TLSContextsTests {
    private let contexts: TLSContexts
    private let now: Int64 = 1_800_000_000

    init() throws { contexts = try TLSContexts(at: now) }

    @Test func keepsWhatItMade() throws {
        let name = ServerName.host("a.test")
        let first = try contexts.server(.expired, for: [name], protocols: [], at: now)
        #expect(try contexts.server(.expired, for: [name], protocols: [], at: now + 60) === first)
        #expect(try contexts.server(.none, for: [name], protocols: [], at: now) !== first)
        #expect(try contexts.server(.expired, for: [name], protocols: ["h2"], at: now) !== first)
        // A clock that was moved, either way.
        #expect(try contexts.server(.expired, for: [name], protocols: [], at: now + 86_400) !== first)
        let later = try contexts.server(.expired, for: [name], protocols: [], at: now)
        #expect(try contexts.server(.expired, for: [name], protocols: [], at: now - 86_400) !== later)
    }

    @Test func keepsNoMoreThanItMay() throws {
        for number in 0..<TLSContexts.most + 10 {
            _ = try contexts.server(.none, for: [.host("a\(number).test")], protocols: [], at: now)
            #expect(contexts.kept <= TLSContexts.most)
        }
        #expect(contexts.kept == 10)
    }

    @Test func refusesValuesThatCannotBe() throws {
        for (name, value) in [
            ("fault", AttributeValue.text("revoked")), ("ending", .text("explode")),
            ("server_name", .text("no name")), ("server_name", .text(String(repeating: "a", count: 300))),
            ("handshake_timeout", .integer(0)), ("handshake_timeout", .integer(.max)),
        ] {
            let values = TLSFaultToxic.initialValues.merging([name: value]) { $1 }
            #expect { try TLSFaultToxic(values) } throws: { ($0 as? AttributeProblem)?.name == name }
        }
        #expect(try TLSFaultToxic(TLSFaultToxic.initialValues).values == TLSFaultToxic.initialValues)
    }
}
