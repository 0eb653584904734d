/// SQLSTATEs as codes of samples: five digits or letters, read as a number to the base 36
/// (https://www.postgresql.org/docs/15/errcodes-appendix.html).
extension SampleCode {
    private static let sqlStates: Int32 = 1_000_000_000

    /// nil when `text` is none.
    public static func sqlState(_ text: some StringProtocol) -> Int32? {
        guard text.utf8.count == 5, text.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }),
            let number = Int32(text, radix: 36)
        else { return nil }
        return sqlStates + number
    }

    static func sqlStateInWords(_ code: Int32) -> String? {
        guard code >= sqlStates, code < sqlStates + 36 * 36 * 36 * 36 * 36 else { return nil }
        let digits = String(code - sqlStates, radix: 36, uppercase: true)
        let state = String(repeating: "0", count: 5 - digits.count) + digits
        return "SQLSTATE \(state)" + (names[state].map { " (\($0))" } ?? "")
    }

    /// Those that drills meet.
    private static let names = [
        "08P01": "protocol violation", "23505": "duplicate key", "25006": "read-only transaction",
        "28000": "not authorised", "28P01": "wrong password", "3D000": "no such database",
        "40001": "serialisation failure", "40P01": "deadlock", "42501": "not permitted",
        "42P01": "no such table", "53100": "disk full", "53300": "too many connections",
        "57014": "statement cancelled", "57P01": "shut down by an administrator",
        "57P02": "shut down after a crash", "57P03": "cannot connect now",
    ]
}
