import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// Whatever a file holds, it is read or refused, in time, and with places that are in it. Seeds are printed.
@Suite struct RunbookFuzzTests {
    private static let pieces = [
        "---\n", "```", "~~~", "sh ", "{\"name\":\"a\"", ",\"kind\":\"check\"}", ",\"kind\":\"manual\"", "\n",
        "- ",
        "> ", "# h\n", "\\", "}", "\"", "muster:\n", "  vars: ", "\r\n", "é", "    ",
        "<!-- muster:verified -->\n",
        "[a](b#c)", "[a]: b\n", "\u{0}", "\u{FEFF}", ",\"onFailure\":\"step:a\"", ",\"rollback\":\"a\"",
        "\\u0000",
        ",\"timeout\":\"99999999999h\"", ",\"backoff\":\"1e400\"", "&a *a", "|\n  x\n", "cwd: ..\n",
    ]

    private func examine(_ text: String, _ seed: UInt64) {
        let lines = text.utf8.count { $0 == 0x0A } + 1
        let found = RunbookReader.examine(text, fallbackTitle: "x.md") { String($0.utf8.count) }
        #expect((found.runbook == nil) == !found.errors.isEmpty, "seed \(seed)")
        #expect(found.runbook.map { $0.source == text } ?? true, "seed \(seed)")
        let dead = text.utf8.contains(0) ? [] : RunbookLinks.dead(in: text) { _ in .missing }
        for problem in found.errors + found.warnings + dead {
            if let place = problem.place {
                #expect((1...lines).contains(place.line) && place.column > 0, "seed \(seed): \(problem)")
            }
        }
        _ = ProblemText.render(found.errors + found.warnings + dead, path: "x.md", source: text)
        let stamped = try? RunbookStamp.setting("s", in: text)
        if let stamped {
            #expect((try? RunbookStamp.setting("s", in: stamped)) == .some(nil), "seed \(seed)")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [1, 2, 3, 4] as [UInt64])
    func piecesInAnyOrder(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1500 {
            let count = Int.random(in: 0..<40, using: &generator)
            examine(
                (0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined(), seed)
        }
    }

    /// A real runbook with a few bytes changed, taken away, or put in twice.
    @Test(.timeLimit(.minutes(1)), arguments: [11, 12, 13, 14] as [UInt64])
    func damagedRunbooks(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = Array(try FixtureFiles.text("runbooks/restart.md").utf8)
        for _ in 0..<1000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, place + Int.random(in: 1...20, using: &generator))
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(place..<end)
                case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
                default: bytes = Array(bytes[..<end])
                }
            }
            examine(String(decoding: bytes, as: UTF8.self), seed)
        }
    }

    /// What is deep, long or repeated takes no more time than its length.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            String(repeating: "> ", count: 20_000), String(repeating: "- ", count: 20_000),
            String(repeating: "```sh {\"name\":\"a\",\"kind\":\"check\"}\nx\n```\n", count: 3000),
            "```sh {" + String(repeating: "\"a\":\"b\",", count: 3000) + "}\nx\n```\n",
            String(repeating: "[", count: 50_000), String(repeating: "# h\n", count: 20_000),
            "---\nmuster: " + String(repeating: "[", count: 5000) + "\n---\n",
        ])
    func hugeThings(_ text: String) { examine(text, 0) }
}
