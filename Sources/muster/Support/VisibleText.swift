/// Text that somebody else wrote, as it may be shown in a terminal, in a table or in a log.
extension String {
    /// Nothing moves the cursor or changes colours; lines stay lines.
    var visible: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map {
                    let isControl =
                        $0.value < 0x20 && $0 != "\n" && $0 != "\t" || (0x7F..<0xA0).contains($0.value)
                    return isControl || Self.turnsText.contains($0) ? "·" : $0
                }))
    }

    /// As `visible`, where one line is one thing: nobody writes another one below it.
    var onOneLine: String {
        let ends: Set<Unicode.Scalar> = ["\n", "\t", "\u{2028}", "\u{2029}"]
        return String(
            String.UnicodeScalarView(visible.unicodeScalars.map { ends.contains($0) ? " " : $0 }))
    }

    /// Marks that turn the direction of what follows (UAX #9), so that it reads as something else.
    private static let turnsText: Set<Unicode.Scalar> = [
        "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}", "\u{2066}", "\u{2067}", "\u{2068}",
        "\u{2069}",
    ]
}
