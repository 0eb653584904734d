/// A day of the proleptic Gregorian calendar, without a zone.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (`days_from_civil`, `civil_from_days`): exact
/// for every day that 64 bits hold, without tables and without Foundation.
public struct CivilDate: Hashable, Sendable {
    public var year: Int64
    /// From 1 to 12.
    public var month: Int64
    /// From 1 to 31.
    public var day: Int64

    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// - Parameter days: since 1970-01-01; negative before it.
    public init(daysSinceEpoch days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // Months are counted from March, so that the leap day is the last day of the year.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSinceEpoch: Int64 {
        let fromMarch = month <= 2 ? year - 1 : year
        let era = (fromMarch >= 0 ? fromMarch : fromMarch - 399) / 400
        let yearOfEra = fromMarch - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// `2026-11-23T01:46:05.123Z` (RFC 3339), cut to whole milliseconds so that order is kept.
/// - Parameter nanoseconds: since 1970-01-01T00:00:00Z.
public func utcText(nanoseconds: Int64) -> String {
    civilText(nanoseconds: nanoseconds) + "Z"
}

/// `2026-11-23T01:46:05.123` without saying in which zone: for those who add the offset themselves.
/// - Parameter nanoseconds: since 1970-01-01T00:00:00 of the zone that is meant.
public func civilText(nanoseconds: Int64) -> String {
    let perDay: Int64 = 86_400_000_000_000
    let (days, rest) = flooredDivision(nanoseconds, by: perDay)
    let date = CivilDate(daysSinceEpoch: days)
    let milliseconds = rest / 1_000_000
    let clock = [milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60]
    return padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2) + "T"
        + clock.map { padded($0, 2) }.joined(separator: ":") + "." + padded(milliseconds % 1000, 3)
}

/// Division that rounds down, so that days and seconds before 1970 come out right.
package func flooredDivision(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

/// With zeros in front.
func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
