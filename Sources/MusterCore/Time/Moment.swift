/// A point in time: whole seconds since 1970-01-01T00:00:00Z. Schedules count in seconds, and in UTC; what
/// stands on a wall is a `LocalTime`.
public struct Moment: Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// The second in which a wall-clock reading lies.
    /// - Parameter utcNanoseconds: since 1970-01-01T00:00:00Z.
    public init(utcNanoseconds: Int64) {
        seconds = flooredDivision(utcNanoseconds, by: 1_000_000_000).quotient
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z, clamped to what 64 bits hold (the year 2262).
    public var utcNanoseconds: Int64 {
        let (value, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : value
    }

    /// `2026-03-29T01:00:00Z` (RFC 3339).
    public var text: String { LocalTime(seconds: seconds).text + "Z" }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.seconds < rhs.seconds }

    public static func + (lhs: Self, rhs: Duration) -> Self {
        Self(seconds: lhs.seconds + rhs.components.seconds)
    }

    public static func - (lhs: Self, rhs: Duration) -> Self {
        Self(seconds: lhs.seconds - rhs.components.seconds)
    }

    public static func - (lhs: Self, rhs: Self) -> Duration { .seconds(lhs.seconds - rhs.seconds) }
}

/// What a clock on the wall of some zone shows: a date and a time of day, without saying which zone, and where
/// an hour is repeated without saying which pass.
public struct LocalTime: Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00 on that wall, as if its offset had never changed.
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// - Parameters:
    ///   - day: days since 1970-01-01.
    ///   - secondOfDay: from 0 to 86,399.
    public init(day: Int64, secondOfDay: Int64) { seconds = day * 86_400 + secondOfDay }

    /// - Parameters: of the Gregorian calendar; hour, minute and second as on a clock of 24 hours.
    public init(
        _ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64 = 0, _ minute: Int64 = 0,
        _ second: Int64 = 0
    ) {
        self.init(
            day: CivilDate(year: year, month: month, day: day).daysSinceEpoch,
            secondOfDay: hour * 3600 + minute * 60 + second)
    }

    /// Reads `2026-03-29T02:30` or `2026-03-29T02:30:00` (ISO 8601; a blank for the T is let through).
    /// - Returns: nil for anything else, and for dates and times that do not exist.
    public init?(_ text: String) {
        let halves = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "T" || $0 == " " }
        guard halves.count == 2, let date = CivilDate(halves[0]), let time = TimeOfDay(halves[1]) else {
            return nil
        }
        self.init(day: date.daysSinceEpoch, secondOfDay: time.second)
    }

    /// Days since 1970-01-01.
    public var day: Int64 { flooredDivision(seconds, by: 86_400).quotient }
    /// From 0 to 86,399.
    public var secondOfDay: Int64 { flooredDivision(seconds, by: 86_400).remainder }
    /// The date that it is.
    public var date: CivilDate { CivilDate(daysSinceEpoch: day) }

    /// `2026-03-29T02:30:00`.
    public var text: String { date.text + "T" + TimeOfDay(second: secondOfDay).withSeconds }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.seconds < rhs.seconds }
}

/// A time of day, written `02:30` or `02:30:15`.
public struct TimeOfDay: Hashable, Comparable, Sendable {
    /// From 0 to 86,399.
    public var second: Int64

    public init(second: Int64) { self.second = second }

    /// - Returns: nil for what is not a time of a day of 24 hours with two digits a part.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { digits($0, count: 2) }
        guard (2...3).contains(parts.count), let hour = parts[0], let minute = parts[1],
            let second = parts.count == 3 ? parts[2] : 0, hour < 24, minute < 60, second < 60
        else { return nil }
        self.second = hour * 3600 + minute * 60 + second
    }

    /// `02:30`, with seconds only where there are any.
    public var text: String { second % 60 == 0 ? String(withSeconds.dropLast(3)) : withSeconds }

    /// `02:30:00`.
    var withSeconds: String {
        [second / 3600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(separator: ":")
    }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.second < rhs.second }
}

extension CivilDate {
    /// Reads `2026-03-29` (ISO 8601).
    /// - Returns: nil for anything else, and for dates that do not exist.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = digits(parts[0], count: 4), let month = digits(parts[1], count: 2),
            let day = digits(parts[2], count: 2)
        else { return nil }
        self.init(year: year, month: month, day: day)
        guard isReal else { return nil }
    }

    /// Whether the calendar has it: 30 February is none.
    public var isReal: Bool {
        (1...12).contains(month) && day >= 1 && day <= Self.length(ofMonth: month, in: year)
    }

    /// `2026-03-29` (ISO 8601).
    public var text: String { padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) }

    /// Of the Gregorian calendar.
    public static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Days of a month, from 28 to 31.
    /// - Parameter month: from 1 to 12.
    public static func length(ofMonth month: Int64, in year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A day of the week; the raw value counts from Sunday, as cron does (crontab(5)).
public enum Weekday: Int, CaseIterable, Sendable {
    case sunday = 0
    case monday
    case tuesday
    case wednesday
    case thursday
    case friday
    case saturday

    /// - Parameter day: days since 1970-01-01, which was a Thursday.
    public init(ofDay day: Int64) {
        self = Self.allCases[Int(flooredDivision(day + 4, by: 7).remainder)]
    }

    /// `Mon`, as people read it.
    public var short: String { ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][rawValue] }
    /// `MO` (RFC 5545, 3.3.10).
    public var code: String { String(short.prefix(2)).uppercased() }
    /// `mon`, as cron and windows are written; read without regard to case.
    public var word: String { short.lowercased() }
}

/// A number of exactly so many ASCII digits; nil for anything else.
package func digits(_ text: some StringProtocol, count: Int) -> Int64? {
    guard text.utf8.count == count,
        text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int64(text)
}
