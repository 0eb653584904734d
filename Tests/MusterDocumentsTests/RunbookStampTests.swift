import MusterCore
import MusterDocuments
import Testing

@Suite struct RunbookStampTests {
    private let marker = "<!-- muster:verified -->"

    @Test func onlyTheBytesBetweenTheMarkersChange() throws {
        let text = "# T  \n\n\(marker)\nNever proven.\n\(marker)\n\ttail without end"
        let stamped = try #require(try RunbookStamp.setting("Last proven.", in: text))
        #expect(stamped == "# T  \n\n\(marker)\nLast proven.\n\(marker)\n\ttail without end")
        #expect(try RunbookStamp.setting("Last proven.", in: stamped) == nil, "nothing to write")
    }

    /// Whatever people put there, by whatever mistake, is theirs.
    @Test(arguments: [
        "We proved it last week.", "Failed on Monday, ask kim.",
        "```sh {\"name\":\"a\",\"kind\":\"check\"}\ntrue\n```",
        "Last proven on 2026-01-02 by run #1 (executed part 0123).\n\nMore.",
    ])
    func nothingButAStampIsReplaced(_ found: String) {
        #expect {
            try RunbookStamp.setting("Last proven.", in: "# T\n\(marker)\n\n\(found)\n\(marker)\n")
        } throws: {
            let place = ($0 as? FormProblem)?.place
            return place == Place(line: found.contains("More") ? 6 : 4, column: 1)
        }
    }

    @Test(arguments: [
        "", "\n\n", "Never proven.\n", "Last proven on 2026-01-02 by run #1 (executed part 0123456789ab).\n",
        "Failed on 2026-02-03 by outcome #4; last proven on 2026-01-02 by run #1 (executed part 0123).\n",
        "Changed since it was last proven, on 2026-01-02 by run #1 (executed part 0123).\n",
    ])
    func anEarlierStampIsReplaced(_ found: String) throws {
        let text = "# T\n\(marker)\n\(found)\(marker)\n"
        #expect(
            try RunbookStamp.setting("Last proven.", in: text) == "# T\n\(marker)\nLast proven.\n\(marker)\n")
    }

    /// In a block of code they are an example, as in the manual of this very command.
    @Test func markersInCodeAreNone() throws {
        let example = "```\n\(marker)\nstep\n\(marker)\n```\n\n    \(marker)\n\n"
        #expect(throws: FormProblem.self) { try RunbookStamp.setting("p", in: example) }
        #expect(
            try RunbookStamp.setting("p", in: example + "\(marker)\n\(marker)\n")
                == example + "\(marker)\np\n\(marker)\n")
    }

    @Test func theEndsOfLinesStayWhatTheyAre() throws {
        let text = "# T\r\n\(marker)\r\n\(marker)\r\nx"
        #expect(try RunbookStamp.setting("p", in: text) == "# T\r\n\(marker)\r\np\r\n\(marker)\r\nx")
    }

    /// A reason may come from anywhere.
    @Test func aStampCannotEndItsOwnPlace() throws {
        let text = "\(marker)\n\(marker)\n"
        let evil = "a \(marker)\n\(marker) -->"
        let stamped = try #require(try RunbookStamp.setting(evil, in: text))
        #expect(stamped.components(marker) == 2, "\(stamped)")
        #expect(try RunbookStamp.setting(evil, in: stamped) == nil)
    }

    @Test func withoutItsTwoMarkersAFileIsLeftAlone() {
        #expect(throws: FormProblem.self) { try RunbookStamp.setting("p", in: "# T\n") }
        #expect(throws: FormProblem.self) { try RunbookStamp.setting("p", in: "\(marker)\n") }
        let three = "\(marker)\n\(marker)\n\n\(marker)\n"
        #expect {
            try RunbookStamp.setting("p", in: three)
        } throws: { ($0 as? FormProblem)?.place == Place(line: 4, column: 1) }
        #expect(throws: FormProblem.self, "in a sentence it is no marker") {
            try RunbookStamp.setting("p", in: "see \(marker)\n\(marker)\n")
        }
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}
