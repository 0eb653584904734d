public import MusterCore

/// Five fields of cron (crontab(5)): minute, hour, day of the month, month, day of the week.
///
/// Lists, ranges, steps over `*` and over ranges, and names are understood; Sunday is 0 or 7. What other crons
/// read in different ways is refused: six or seven fields, `5/10`, `L`, `W`, `#`, `?`, nicknames, and two
/// restricted day fields without saying how they go together.
public struct CronRule: Hashable, Sendable {
    /// How a day of the month and a day of the week go together where both are restricted. Crons differ: Vixie's
    /// takes any, APScheduler all.
    public enum DayMatch: String, FormWord {
        case any
        case all
    }

    /// As it was written.
    public let text: String
    /// Bit n stands for the value n.
    private let minutes: UInt64
    private let hours: UInt64
    private let days: UInt64
    private let months: UInt64
    private let weekdays: UInt64
    private let takesAnyDay: Bool
    /// Minute or hour begins with `*`: it means time that passes, not a time of day, as in Vixie's cron. It
    /// runs in both passes of a repeated hour, and nothing is made up for a skipped one.
    public let isElapsed: Bool

    /// - Parameter dayMatch: wanted where both day fields are restricted, and nowhere else.
    /// - Throws: `FormProblem` without a place.
    public init(_ text: String, dayMatch: DayMatch? = nil) throws {
        self.text = text
        let words = text.split(separator: " ")
        guard words.count == CronField.all.count else { throw Self.problem(text, words.count) }
        let sets = try zip(CronField.all, words).map { try $0.bits(of: $1) }
        minutes = sets[0]
        hours = sets[1]
        days = sets[2]
        months = sets[3]
        // 7 is Sunday as well.
        weekdays = (sets[4] | sets[4] >> 7) & 0x7F
        isElapsed = words[0].hasPrefix("*") || words[1].hasPrefix("*")
        let isBoth = words[2] != "*" && words[4] != "*"
        if isBoth != (dayMatch != nil) {
            throw isBoth
                ? FormProblem(
                    "'\(text)' restricts the day of the month and the day of the week, which crons read differently",
                    at: nil, expected: "dayMatch: any (either fits) or dayMatch: all (both fit)")
                : FormProblem(
                    "dayMatch says how two restricted day fields go together, and '\(text)' has not two",
                    at: nil,
                    expected: "no dayMatch")
        }
        takesAnyDay = dayMatch == .any
    }

    private static func problem(_ text: String, _ count: Int) -> FormProblem {
        let same = [
            "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
            "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
        ]
        if let same = same[text] {
            return FormProblem("'\(text)' is not one of five fields", at: nil, expected: "\"\(same)\"")
        }
        if text.hasPrefix("@every") {
            return FormProblem(
                "'\(text)' is not one of five fields", at: nil, expected: "every: 20m, without cron:")
        }
        return FormProblem(
            "'\(text)' has \(count) field\(count == 1 ? "" : "s")", at: nil,
            expected: "five: minute, hour, day of the month, month, day of the week, such as \"30 2 * * 2\"")
    }

    /// The first time at or after `local` that the fields allow, gaps and overlaps of any zone left aside.
    /// - Parameter last: the last day that is looked at, in days since 1970.
    /// - Returns: nil when there is none until then.
    func next(from local: LocalTime, until last: Int64) -> LocalTime? {
        var day = local.day
        if fits(CivilDate(daysSinceEpoch: day), day),
            let second = time(from: (local.secondOfDay + 59) / 60)
        {
            return LocalTime(day: day, secondOfDay: second)
        }
        day += 1
        while day <= last {
            let date = CivilDate(daysSinceEpoch: day)
            if months >> UInt64(date.month) & 1 == 0 {
                day += CivilDate.length(ofMonth: date.month, in: date.year) - date.day + 1
            } else if fits(date, day) {
                return time(from: 0).map { LocalTime(day: day, secondOfDay: $0) }
            } else {
                day += 1
            }
        }
        return nil
    }

    private func fits(_ date: CivilDate, _ day: Int64) -> Bool {
        guard months >> UInt64(date.month) & 1 == 1 else { return false }
        let isDay = days >> UInt64(date.day) & 1 == 1
        let isWeekday = weekdays >> UInt64(Weekday(ofDay: day).rawValue) & 1 == 1
        return takesAnyDay ? isDay || isWeekday : isDay && isWeekday
    }

    /// - Parameter minute: of the day; 1440 and more is none of it.
    /// - Returns: the second of the day.
    private func time(from minute: Int64) -> Int64? {
        guard minute < 1440 else { return nil }
        let hour = minute / 60
        if hours >> UInt64(hour) & 1 == 1, let found = Self.least(minutes, from: minute % 60) {
            return hour * 3600 + found * 60
        }
        guard let next = Self.least(hours, from: hour + 1), let first = Self.least(minutes, from: 0) else {
            return nil
        }
        return next * 3600 + first * 60
    }

    private static func least(_ bits: UInt64, from value: Int64) -> Int64? {
        let left = (bits >> UInt64(value)) << UInt64(value)
        return left == 0 ? nil : Int64(left.trailingZeroBitCount)
    }
}

/// One of the five fields.
private struct CronField {
    var name: String
    var range: ClosedRange<Int>
    /// Names of values, from the field's first on.
    var words: [String] = []

    static let all = [
        CronField(name: "minute", range: 0...59), CronField(name: "hour", range: 0...23),
        CronField(name: "day of the month", range: 1...31),
        CronField(
            name: "month", range: 1...12,
            words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        CronField(name: "day of the week", range: 0...7, words: Weekday.allCases.map(\.word)),
    ]

    func bits(of text: Substring) throws -> UInt64 {
        // Most fields are one value, and nothing else has to be looked for.
        if let one = number(text), range.contains(one) { return 1 << UInt64(one) }
        return try text.split(separator: ",", omittingEmptySubsequences: false).reduce(0) {
            try $0 | bits(ofPart: $1)
        }
    }

    private func bits(ofPart text: Substring) throws -> UInt64 {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw problem(text) }
        let span = try self.span(halves[0], in: text)
        guard halves.count == 2 else { return Self.bits(span, every: 1) }
        guard let step = number(halves[1]), step >= 1, step <= range.upperBound, span.count > 1 else {
            throw problem(
                text,
                "\(range.lowerBound)-\(range.upperBound)/10 or */10, with a step that the field has room for")
        }
        return Self.bits(span, every: step)
    }

    private static func bits(_ span: ClosedRange<Int>, every step: Int) -> UInt64 {
        stride(from: span.lowerBound, through: span.upperBound, by: step).reduce(0) { $0 | 1 << UInt64($1) }
    }

    private func span(_ text: Substring, in part: Substring) throws -> ClosedRange<Int> {
        // As Sunday stands twice in its field, `*` leaves out the second.
        if text == "*" { return words.count == 7 ? 0...6 : range }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { value($0) }
        guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1],
            range.contains(low), range.contains(high)
        else { throw problem(part) }
        guard low <= high else {
            throw problem(part, "the smaller value first; a list such as 22-23,0-2 goes round")
        }
        return low...high
    }

    private func value(_ text: Substring) -> Int? {
        if let number = number(text) { return number }
        return words.firstIndex(of: text.lowercased()).map { range.lowerBound + $0 }
    }

    private func number(_ text: Substring) -> Int? {
        guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private func problem(_ text: Substring, _ expected: String? = nil) -> FormProblem {
        let extra = text.contains { "LW#?".contains($0) } && words.isEmpty || text.contains("#")
        let usual =
            "*, or values from \(range.lowerBound) to \(range.upperBound)"
            + (words.isEmpty ? "" : " or \(words[0]) to \(words[words.count - 1])") + ", with - , and /"
        return FormProblem(
            "'\(text)' is no \(name)", at: nil,
            expected: expected
                ?? (extra
                    ? "rrule: for the last day or the nth weekday, such as FREQ=MONTHLY;BYDAY=-1FR" : usual))
    }
}
