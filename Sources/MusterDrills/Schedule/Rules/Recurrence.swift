public import MusterCore

/// A recurrence rule of iCalendar (RFC 5545, 3.3.10), as far as drills need one: DAILY, WEEKLY, MONTHLY and
/// YEARLY with INTERVAL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, COUNT, UNTIL and WKST. The rest is refused.
public struct Recurrence: Hashable, Sendable {
    /// What a period of the rule is.
    public enum Frequency: String, CaseIterable, Sendable {
        case daily = "DAILY"
        case weekly = "WEEKLY"
        case monthly = "MONTHLY"
        case yearly = "YEARLY"
    }

    /// `FR`, `2TU`, `-1FR`.
    public struct DayOfWeek: Hashable, Sendable {
        public var weekday: Weekday
        /// Which one of the month or year, from the end when negative; 0: every one.
        public var ordinal: Int64
    }

    /// The end of a rule, inclusive.
    public enum Until: Hashable, Sendable {
        /// A day in the schedule's zone, in days since 1970.
        case day(Int64)
        case moment(Moment)
    }

    /// As it was written.
    public let text: String
    public var frequency = Frequency.daily
    /// Every how many periods; from 1 to 10,000.
    public var interval: Int64 = 1
    /// From 1 to 12; empty: not restricted.
    public var months: Set<Int64> = []
    /// From 1 to 31, or from -1, the last, to -31.
    public var monthDays: [Int64] = []
    public var weekdays: [DayOfWeek] = []
    /// Which of a period's days, from 1, or from -1, the last; empty: all.
    public var positions: [Int64] = []
    /// How many there are in all, counted from the start; gaps and holidays do not change the count.
    public var count: Int?
    public var until: Until?
    public var weekStart = Weekday.monday
    /// The first day that counts (DTSTART), in days since 1970. Periods are counted from the one that it is in.
    /// It is an occurrence only if the rule says so.
    public var start: Int64

    /// Reads `FREQ=MONTHLY;BYDAY=-1FR`, with or without `RRULE:` in front.
    /// - Parameter start: days since 1970.
    /// - Throws: `FormProblem` without a place.
    public init(_ text: String, start: Int64) throws {
        self.text = text
        self.start = start
        var seen: Set<String> = []
        let body = text.uppercased().hasPrefix("RRULE:") ? text.dropFirst(6) : text[...]
        for part in body.split(separator: ";", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else {
                throw FormProblem(
                    "'\(part)' is no part of a rule", at: nil, expected: "FREQ=MONTHLY;BYDAY=-1FR")
            }
            let name = halves[0].uppercased()
            guard seen.insert(name).inserted else {
                throw FormProblem("\(name) is given twice", at: nil, expected: "it once")
            }
            try read(name, halves[1].uppercased())
        }
        guard seen.contains("FREQ") else {
            throw FormProblem(
                "'\(text)' has no FREQ", at: nil, expected: "FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
        }
        try check()
    }

    private mutating func read(_ name: String, _ value: String) throws {
        switch name {
        case "FREQ":
            guard let known = Frequency(rawValue: value) else {
                throw FormProblem(
                    "FREQ=\(value) is not for drills", at: nil,
                    expected: "DAILY, WEEKLY, MONTHLY or YEARLY; for less than a day, every: 6h",
                    nearest: nearestWord(to: value, among: Frequency.allCases.map(\.rawValue)))
            }
            frequency = known
        case "INTERVAL": interval = try Self.number(name, value, 1...10_000)
        case "COUNT": count = Int(try Self.number(name, value, 1...100_000))
        case "UNTIL": until = try Self.until(value)
        case "WKST": weekStart = try Self.weekday(name, value)
        case "BYMONTH": months = Set(try Self.numbers(name, value, 1...12))
        case "BYMONTHDAY": monthDays = try Self.numbers(name, value, -31...31)
        case "BYSETPOS": positions = try Self.numbers(name, value, -366...366)
        case "BYDAY":
            weekdays = try value.split(separator: ",", omittingEmptySubsequences: false).map {
                let ordinal = $0.dropLast(2)
                return DayOfWeek(
                    weekday: try Self.weekday(name, String($0.suffix(2))),
                    ordinal: ordinal.isEmpty ? 0 : try Self.numbers(name, String(ordinal), -53...53)[0])
            }
        case "BYHOUR", "BYMINUTE", "BYSECOND":
            throw FormProblem("\(name) is not read here", at: nil, expected: "at: 10:00 beside the rule")
        default:
            let known = [
                "FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "COUNT", "UNTIL", "WKST",
            ]
            throw FormProblem(
                "\(name) is not understood", at: nil, expected: "one of " + known.joined(separator: ", "),
                nearest: nearestWord(to: name, among: known))
        }
    }

    private static func number(_ name: String, _ text: String, _ range: ClosedRange<Int64>) throws -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            throw FormProblem(
                "\(name)=\(text) is not allowed", at: nil,
                expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func numbers(_ name: String, _ text: String, _ range: ClosedRange<Int64>) throws -> [Int64]
    {
        try text.split(separator: ",", omittingEmptySubsequences: false).map {
            let value = try number(name, String($0), range)
            guard value != 0 else {
                throw FormProblem(
                    "\(name) counts from 1, and from -1 backwards", at: nil, expected: "another than 0")
            }
            return value
        }
    }

    private static func weekday(_ name: String, _ text: String) throws -> Weekday {
        guard let day = Weekday.allCases.first(where: { $0.code == text }) else {
            throw FormProblem(
                "\(name): '\(text)' is no day of the week", at: nil,
                expected: Weekday.allCases.map(\.code).joined(separator: ", "))
        }
        return day
    }

    /// `20261231`, or `20261231T225900Z`.
    private static func until(_ text: String) throws -> Until {
        let bare = text.hasSuffix("Z") ? text.dropLast() : text[...]
        let parts = bare.split(separator: "T", omittingEmptySubsequences: false)
        if let day = basicDate(parts[0])?.daysSinceEpoch {
            if parts.count == 1, !text.hasSuffix("Z") { return .day(day) }
            if parts.count == 2, text.hasSuffix("Z"), let time = basicTime(parts[1]) {
                return .moment(Moment(seconds: day * 86_400 + time))
            }
        }
        throw FormProblem(
            "UNTIL=\(text) is not allowed", at: nil,
            expected: "a day, UNTIL=20261231, or a time in UTC, UNTIL=20261231T225900Z (RFC 5545, 3.3.10)")
    }

    /// What the parts may not say together, or what others read in another way (decision 0018).
    private func check() throws {
        func refuse(_ message: String, _ expected: String) -> FormProblem {
            FormProblem(message, at: nil, expected: expected)
        }
        if count != nil, until != nil { throw refuse("COUNT and UNTIL are given both", "one of them") }
        if frequency == .weekly, !monthDays.isEmpty {
            throw refuse("BYMONTHDAY has no meaning with FREQ=WEEKLY", "FREQ=MONTHLY")
        }
        if frequency == .yearly, !monthDays.isEmpty, months.isEmpty {
            throw refuse(
                "a day of the month without a month is read in two ways with FREQ=YEARLY",
                "BYMONTH as well, or FREQ=MONTHLY for a day of every month")
        }
        let hasOrdinal = weekdays.contains { $0.ordinal != 0 }
        if hasOrdinal, frequency == .daily || frequency == .weekly {
            throw refuse("an nth weekday is one of a month or a year", "FREQ=MONTHLY or FREQ=YEARLY")
        }
        if weekdays.contains(where: { abs($0.ordinal) > 5 }), frequency == .monthly || !months.isEmpty {
            throw refuse("no month has more than five of a weekday", "from -5 to 5 in front of it")
        }
        if !positions.isEmpty, frequency == .daily || frequency == .weekly {
            throw refuse(
                "BYSETPOS chooses among the days of a month or a year", "FREQ=MONTHLY or FREQ=YEARLY")
        }
        if !positions.isEmpty, months.isEmpty, monthDays.isEmpty, weekdays.isEmpty {
            throw refuse(
                "BYSETPOS chooses among what other BY… parts allow, and there is none", "BYDAY, for example")
        }
    }
}

/// `20261231`, the date of iCalendar (RFC 5545, 3.3.4); nil when there is no such date.
public func basicDate(_ text: some StringProtocol) -> CivilDate? {
    guard let number = digits(text, count: 8) else { return nil }
    let date = CivilDate(year: number / 10_000, month: number / 100 % 100, day: number % 100)
    return date.isReal ? date : nil
}

/// `225900`, the time of iCalendar (RFC 5545, 3.3.12); a leap second is read as the second before it.
func basicTime(_ text: some StringProtocol) -> Int64? {
    guard let number = digits(text, count: 6) else { return nil }
    let (hour, minute, second) = (number / 10_000, number / 100 % 100, number % 100)
    guard hour < 24, minute < 60, second <= 60 else { return nil }
    return hour * 3600 + minute * 60 + min(second, 59)
}
