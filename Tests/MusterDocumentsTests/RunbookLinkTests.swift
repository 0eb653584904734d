import MusterCore
import MusterDocuments
import Testing

@Suite struct RunbookLinkTests {
    private func dead(_ text: String) -> [FormProblem] {
        RunbookLinks.dead(in: text) { path in
            switch path {
            case "other.md", "/docs/other.md", "with blank.md":
                .markdown("# One\n\n## Two `words`, here!\n\n# One\n")
            case "picture.png": .other
            default: .missing
            }
        }
    }

    @Test func linksThatLeadSomewhereAreLeftAlone() {
        let text = """
            ---
            shell: sh
            ---
            # Start it

            [a](other.md), [b](other.md#one-1), ![c](picture.png), [d](#start-it), [e](https://example.org/nowhere#x),
            [f](mailto:a@example.org), [g](/docs/other.md#two-words-here), [h](//example.org/x), [i](with%20blank.md),
            [j](other.md?raw=1), [k][ref], <https://example.org>

            [ref]: other.md
            """
        #expect(dead(text).isEmpty, "\(dead(text))")
    }

    @Test func deadOnesAreNamedWithTheirPlace() {
        let text =
            "---\nshell: sh\n---\n# Start it\n\nSee\nthe [other](othr.md), [top](#strat-it),\n[x](other.md#three).\n"
        let found = dead(text)
        #expect(
            found.map(\.message) == [
                "the link leads to 'othr.md', which is not there",
                "the link leads to '#strat-it', and no heading is called so",
                "the link leads to '#three', and no heading is called so",
            ])
        #expect(
            found.map(\.place) == [
                Place(line: 7, column: 13), Place(line: 7, column: 29), Place(line: 8, column: 5),
            ])
        #expect(found[1].nearest == "start-it")
    }

    @Test func codeIsNoLink() {
        #expect(dead("# T\n\n`[a](gone.md)`\n\n```sh\n[b](gone.md)\n```\n").isEmpty)
    }

    @Test(.timeLimit(.minutes(1))) func manyDeadLinksAreBounded() {
        let text = "# T\n\n" + String(repeating: "[a](gone.md) ", count: 50_000)
        #expect(dead(text).count == 100)
    }
}
