import MusterCore
import MusterDocuments
import Testing

@Suite struct YamlTests {
    /// Line, column and message of everything refused; empty when it was read.
    private func refusals(_ text: String) -> [String] {
        do {
            _ = try YamlText.tree(of: text)
            return []
        } catch let problems as FormProblems {
            return problems.problems.map { "\($0.place?.line ?? 0):\($0.place?.column ?? 0) \($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func scalarsStayText() throws {
        let tree = try YamlText.tree(of: "a: 12:30\nb: no\nc: 010\nd: ''\ne:\nf: ~\n")
        #expect(tree["a"]?.text == "12:30")
        #expect(tree["b"]?.text == "no")
        #expect(tree["c"]?.text == "010")
        #expect(tree["d"]?.text == "")
        #expect(tree["e"]?.text == nil)
        #expect(tree["f"]?.text == "~")
    }

    @Test func placesCountCharactersFromOne() throws {
        let tree = try YamlText.tree(of: "ä: { é: x }\nb:\n  - ü: y\n")
        #expect(tree["ä"]?["é"]?.place == Place(line: 1, column: 9))
        #expect(tree["b"]?.list?.first?.entries?.first?.keyPlace == Place(line: 3, column: 5))
    }

    @Test(arguments: [
        ("a: &x 1\n", "1:4 an anchor, '&x'"),
        ("a: 1\nb: [1, *x]\n", "2:8 an alias, '*x'"),
        ("a: !!binary aGk=\n", "1:4 a tag, '!!binary'"),
        ("a: 1\n<<: { b: 2 }\n", "2:1 a merge key, '<<'"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document starts here"),
        ("a: 1\n...\nb: 2\n", "2:1 a second document starts here"),
        ("%YAML 1.2\n---\na: 1\n", "1:1 a YAML directive"),
        ("? [a]\n: 1\n", "1:1 a complex key ('? ')"),
        ("a:\n\tb: 1\n", "2:1 a tab"),
        ("a: \0\n", "1:4 the control character U+0"),
        ("a: 1\rb: 2\n", "1:5 a carriage return inside a line"),
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "5:3 the key 'c' stood in line 3 already"),
        ("x: { a: 1, y: { a: 2 }, a: 3 }\n", "1:25 the key 'a' stood in line 1 already"),
        ("'a': 1\nb: 2\na: 3\n", "3:1 the key 'a' stood in line 1 already"),
        ("1: a\n'1': b\n", "2:1 the key '1' stood in line 1 already"),
    ])
    func refused(_ text: String, _ expected: String) {
        #expect(refusals(text) == [expected])
    }

    @Test func textThatOnlyLooksForbiddenIsRead() throws {
        let text = """
            a: "&x *y !z" # *comment &x
            b: '*it''s &fine'
            c: |
              &anchor
              *alias
            d: >-
                ---
                <<: *x
            e: some plain
              &text goes "on
              - here
            f: [a&b, "x,*y", 'c*']
            - : x
            """.replacing("- : x", with: "g: 5 * 3 & !")
        let tree = try YamlText.tree(of: text)
        #expect(tree["c"]?.text == "&anchor\n*alias\n")
        #expect(tree["e"]?.text == "some plain &text goes \"on - here")
        #expect(tree["g"]?.text == "5 * 3 & !")
    }

    @Test(.timeLimit(.minutes(1))) func aliasBombIsRefusedAtOnce() {
        var bomb = "a: &a [x, x]\n"
        for (one, next) in zip("abcdefghijklmnopqrst", "bcdefghijklmnopqrstu") {
            bomb +=
                "\(next): &\(next) [*\(one), *\(one), *\(one), *\(one), *\(one), *\(one), *\(one), *\(one)]\n"
        }
        #expect(refusals(bomb).first == "1:4 an anchor, '&a'")
        #expect(refusals("{ ? *a : 1 }").count >= 1)
    }

    @Test func deepNestingAndLargeFilesAreRefusedBeforeComposing() {
        #expect(refusals(String(repeating: "[", count: 100_000)).first?.contains("64 levels") == true)
        #expect(refusals(String(repeating: "- ", count: 100_000)).first?.contains("64 levels") == true)
        let stairs = (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(refusals(stairs).first?.contains("64 levels") == true)
        #expect(refusals(String(repeating: "#", count: 1 << 20) + "\n").first?.contains("bytes") == true)
        #expect(throws: FormProblems.self) { try YamlText.tree(of: [0x61, 0x3A, 0xFF, 0x0A]) }
    }

    @Test(arguments: ["a: [1, 2\nb: 3\n", "a: 'x\n", "a: b: c\n", "a: {b\n", "- a\nb: c\n", "a: @x\n"])
    func syntaxErrorsNameALine(_ text: String) throws {
        let error = #expect(throws: FormProblems.self) { try YamlText.tree(of: text) }
        let problem = try #require(error?.problems.first)
        #expect(problem.place != nil)
        #expect(problem.message.hasPrefix("cannot read this as YAML"))
    }

    /// Random bytes, and random pieces of YAML, are read or refused; nothing else may happen.
    @Test(.timeLimit(.minutes(1))) func randomTextNeverCrashes() {
        var generator = SeededGenerator(seed: 20_261_123)
        let pieces = [
            "a", "b: ", "- ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ",", ": ", "'", "\"", "|\n", ">-\n",
            "&x", "*x", "!t", "#", " # ", "? ", "---\n", "<<: ", "\\", "é", "%", "\r\n", "~", "1ms",
        ]
        for _ in 0..<4000 {
            let count = Int.random(in: 0..<40, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            _ = refusals(text)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? YamlText.tree(of: bytes)
        }
    }
}

/// SplitMix64, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
