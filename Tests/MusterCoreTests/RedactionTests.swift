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

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
        OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
        1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
        -----END PRIVATE KEY-----
        """

    /// Programs print, indent and number the lines of a key one by one.
    @Test func hidesEachLineOfASecretWithSeveral() {
        let redaction = Redaction([Self.key])
        for text in [
            Self.key, Self.key.split(separator: "\n").joined(separator: "\r\n"),
            Self.key.split(separator: "\n").map { "  | \($0)" }.joined(separator: "\n"),
            Self.key.split(separator: "\n").joined(separator: " "),
            Self.key.split(separator: "\n").joined(separator: "\\n"),
        ] {
            let hidden = redaction.text("before \(text) after")
            #expect(hidden.hasPrefix("before ") && hidden.hasSuffix(" after"), "\(hidden)")
            for part in ["PRIVATE", "MIGHAgEAMBMG", "OF/2NxApJ", "1RTwjmYSi9R", "P087G"] {
                #expect(!hidden.contains(part), "\(part) in \(hidden)")
            }
        }
        #expect(Redaction(["{\n\"a\": 12345\n}"]).text("a { b") == "a { b", "a brace is no secret")
    }

    /// `base64` breaks its lines at 76 columns, MIME with CRLF, and YAML indents them.
    @Test(arguments: ["\n", "\r\n", "\n    "], [76, 64, 10]) func hidesBase64ThatIsBrokenIntoLines(
        _ end: String, _ width: Int
    ) {
        let secret = (0..<300).map { String(UnicodeScalar(UInt8(0x61 + $0 * 7 % 26))) }.joined()
        let letters = Array(Self.base64(Array(("me:" + secret).utf8)))
        let wrapped = stride(from: 0, to: letters.count, by: width).map {
            String(letters[$0..<min($0 + width, letters.count)])
        }.joined(separator: end)
        let hidden = Redaction([secret]).text("a\n\(wrapped)\nb")
        #expect(hidden.hasPrefix("a\n") && hidden.hasSuffix("b"))
        #expect(hidden.contains("***") && hidden.count < 20, "\(hidden)")
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let three = (0..<3).map { start + $0 < bytes.count ? Int(bytes[start + $0]) : 0 }
            let bits = three[0] << 16 | three[1] << 8 | three[2]
            for place in 0..<4 {
                text.append(start + place <= bytes.count ? letters[bits >> (18 - 6 * place) & 63] : "=")
            }
        }
        return text
    }

    /// What is like a secret all along costs no more than what is not: nothing is looked at twice.
    @Test func takesTimeInProportionToTheText() {
        let redaction = Redaction([String(repeating: "a", count: 2000) + "b"])
        let clock = ContinuousClock()
        let alike = [UInt8](repeating: 0x61, count: 100_000)
        let other = [UInt8](repeating: 0x7A, count: 100_000)
        let quick = clock.measure { _ = redaction.bytes(other) }
        // Two hundred million comparisons would take a thousand times as long.
        var hidden: [UInt8] = []
        #expect(clock.measure { hidden = redaction.bytes(alike) } < quick * 100 + .seconds(5))
        #expect(hidden == alike)
    }

    @Test func countsTheLinesThatAreNotKept() {
        var tail = OutputTail(Redaction(["secret-value"]), limit: 100)
        for number in 0..<5000 { tail.add(Array("line \(number)\n".utf8)) }
        #expect(tail.isCut && tail.lineEnds == 5000)
        #expect(tail.text.hasSuffix("line 4998\nline 4999\n") && tail.text.utf8.count <= 100)
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
