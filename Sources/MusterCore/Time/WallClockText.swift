/// Reads a moment as programs write it: RFC 3339 with a zone (`2026-11-23T01:46:05.123456Z`, `2026-11-23
/// 01:46:05.12+01:00`, `…+00`), or seconds since 1970 (`1795225565.123`).
/// - Returns: nanoseconds since 1970-01-01T00:00:00Z; nil for anything else, also for a time without a zone, which nobody
///   can place, and for one before 1970 or after April 2262, which 64 bits do not hold. Go's zero time, of the year 1, means
///   that there is none.
public func utcNanoseconds(of text: String) -> Int64? {
    let text = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    if let plain = secondsSinceEpoch(text[...]) { return plain }
    let utf8 = Array(text.utf8)
    guard utf8.count >= 20, [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(utf8[10])
    else {
        return nil
    }
    func number(_ from: Int, _ count: Int) -> Int64? {
        let digits = utf8[from..<from + count]
        guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }
    guard utf8[4] == UInt8(ascii: "-"), utf8[7] == UInt8(ascii: "-"), utf8[13] == UInt8(ascii: ":"),
        utf8[16] == UInt8(ascii: ":"), let year = number(0, 4), let month = number(5, 2),
        let day = number(8, 2), let hour = number(11, 2), let minute = number(14, 2),
        let second = number(17, 2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
        second < 61
    else { return nil }
    let date = CivilDate(year: year, month: month, day: day)
    guard CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date else { return nil }
    var rest = String(decoding: utf8[19...], as: UTF8.self)[...]
    var fraction: Int64 = 0
    if rest.first == "." {
        let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        fraction = nanoseconds(ofFraction: digits)
        rest = rest.dropFirst(1 + digits.count)
    }
    guard let offset = zoneOffset(rest) else { return nil }
    let seconds = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflowed) = scaled.addingReportingOverflow(fraction)
    return seconds < 0 || overflow || overflowed ? nil : sum
}

/// `Z`, `+01:00`, `-0330`, `+00`; in seconds east of Greenwich.
private func zoneOffset(_ text: Substring) -> Int64? {
    if text == "Z" || text == "z" { return 0 }
    guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
    let digits = text.dropFirst().filter { $0 != ":" }
    guard [2, 4].contains(digits.count), let number = Int64(digits.count == 2 ? digits + "00" : digits),
        number >= 0, number / 100 < 24, number % 100 < 60
    else { return nil }
    let seconds = number / 100 * 3600 + number % 100 * 60
    return sign == "-" ? -seconds : seconds
}

private func secondsSinceEpoch(_ text: Substring) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, (1...11).contains(whole.count),
        parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
        // Fewer digits would be 1970, or a year that somebody wrote.
        whole.count >= 9, let seconds = Int64(whole), seconds < 9_000_000_000
    else { return nil }
    return seconds * 1_000_000_000 + (parts.count == 2 ? nanoseconds(ofFraction: parts[1]) : 0)
}

private func nanoseconds(ofFraction digits: Substring) -> Int64 {
    Int64((digits + "000000000").prefix(9)) ?? 0
}
