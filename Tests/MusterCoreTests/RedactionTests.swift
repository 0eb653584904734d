import MusterCore
import Testing

@Suite struct RedactionTests {
    @Test func hidesEverySecretWhereverItStands() {
        let redaction = Redaction(["hunter2", "s3cret"])
        #expect(redaction.text("hunter2 and s3cret, again hunter2") == "*** and ***, again ***")
        #expect(
            redaction.value(["error": "no: hunter2", "tries": 3, "all": ["s3cret", nil]])
                == ["error": "no: ***", "tries": 3, "all": ["***", nil]])
    }

    @Test func leavesNothingOfASecretThatHoldsAnother() {
        #expect(Redaction(["abc", "abcdef", "xabcx"]).text("abcdef xabcx abc") == "*** *** ***")
    }

    @Test func leavesTextReadableThatSharesALetterWithASecret() {
        #expect(Redaction(["", "a", "no"]).text("no answer") == "no answer")
    }
}
