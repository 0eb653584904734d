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

    /// As `base64`, `curl --user`, `jq @uri` and a JSON encoder would write it.
    @Test(arguments: [
        "czNjcjN0LXBhc3M=", "bWU6czNjcjN0LXBhc3M=", "dTpzM2NyM3QtcGFzcw==", "dXNlcjpzM2NyM3QtcGFzcyw=",
        "eHMzY3IzdC1wYXNzIQ==",
    ])
    func hidesASecretThatIsEncoded(_ text: String) {
        let hidden = Redaction(["s3cr3t-pass"]).text("before \(text) after")
        #expect(hidden.contains("***") && hidden.hasPrefix("before ") && hidden.hasSuffix(" after"))
        for part in ["NjcjN0LXBh", "zM2NyM3QtcGFz", "MzY3IzdC1wYX"] { #expect(!hidden.contains(part)) }
    }

    @Test func hidesASecretThatIsEscaped() {
        let redaction = Redaction(["a b\"c/d?e"])
        #expect(redaction.text("x=a%20b%22c%2Fd%3Fe&y") == "x=***&y")
        #expect(redaction.text("{\"x\":\"a b\\\"c/d?e\"}") == "{\"x\":\"***\"}")
    }

    @Test func hidesInBytesThatAreNoText() {
        #expect(
            Redaction(["hunter2"]).bytes([0xFF] + Array("hunter2".utf8) + [0xFE]) == [0xFF, 42, 42, 42, 0xFE])
    }

    /// However it arrives in pieces, nothing of a secret is left when the beginning is dropped.
    @Test func theEndOfAnOutputHoldsNoPartOfASecret() {
        let secret = "0123456789abcdefghijklmnopqrstuvwxyz"
        for size in [1, 7, 64, 1000] {
            var tail = OutputTail(Redaction([secret]), limit: 200)
            let all = Array(String(repeating: secret + " ", count: 60).utf8)
            for start in stride(from: 0, to: all.count, by: size) {
                tail.add(Array(all[start..<min(all.count, start + size)]))
            }
            let text = tail.text
            #expect(text.allSatisfy { $0 == "*" || $0 == " " }, "\(size): \(text)")
            #expect(!text.isEmpty)
        }
    }
}
