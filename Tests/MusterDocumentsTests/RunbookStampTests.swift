import MusterCore
import MusterDocuments
import Testing

@Suite struct RunbookStampTests {
    private let marker = "<!-- muster:verified -->"

    @Test func onlyTheBytesBetweenTheMarkersChange() throws {
        let text = "# T  \n\n\(marker)\nold\nolder\n\(marker)\n\ttail without end"
        let stamped = try #require(try RunbookStamp.setting("Last proven.", in: text))
        #expect(stamped == "# T  \n\n\(marker)\nLast proven.\n\(marker)\n\ttail without end")
        #expect(try RunbookStamp.setting("Last proven.", in: stamped) == nil, "nothing to write")
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
