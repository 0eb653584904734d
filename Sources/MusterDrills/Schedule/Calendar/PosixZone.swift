import MusterCore

/// The rule for all years that a zone's table does not hold: a TZ string of POSIX (IEEE Std 1003.1, 8.3) with the
/// additions of RFC 9636, 3.3.1: names in `<>`, and times of change from -167 to 167 hours.
///
/// Summer time may be earlier than winter time (Dublin's `IST-1GMT0,M10.5.0,M3.5.0/1`) or last the whole year.
struct PosixZone: Sendable {
    /// Seconds east of UTC.
    var standard: Int32
    private var summer: (offset: Int32, begins: Change, ends: Change)?

    /// A day of the year and the local second on it, by the clocks as they are before the change.
    private struct Change {
        enum Day {
            /// From 1 to 365; 29 February is never counted.
            case julian(Int64)
            /// From 0 to 365; 29 February is counted.
            case ordinal(Int64)
            /// The week from 1 to 5, which is the last; the weekday from 0, which is Sunday.
            case weekday(month: Int64, week: Int64, weekday: Int64)
        }
        var day: Day
        var second: Int64

        /// Local seconds since 1970.
        func local(in year: Int64) -> Int64 {
            let newYear = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
            let day: Int64 =
                switch day {
                case .julian(let number):
                    newYear + number - 1 + (number >= 60 && CivilDate.isLeap(year) ? 1 : 0)
                case .ordinal(let number): newYear + number
                case .weekday(let month, let week, let weekday): Self.day(year, month, week, weekday)
                }
            return day * 86_400 + second
        }

        private static func day(_ year: Int64, _ month: Int64, _ week: Int64, _ weekday: Int64) -> Int64 {
            let first = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
            let ahead = flooredDivision(weekday - Int64(Weekday(ofDay: first).rawValue), by: 7).remainder
            let wanted = ahead + (week - 1) * 7
            return first + (wanted < CivilDate.length(ofMonth: month, in: year) ? wanted : wanted - 7)
        }
    }

    /// - Returns: nil for what is not such a rule.
    init?(_ text: String) {
        var scanner = Scanner(rest: Array(text.utf8)[...])
        guard scanner.name(), let west = scanner.clock(most: 24) else { return nil }
        standard = Int32(-west)
        if scanner.rest.isEmpty { return }
        guard scanner.name() else { return nil }
        var offset = standard + 3600
        if scanner.rest.first != UInt8(ascii: ",") {
            guard let west = scanner.clock(most: 24) else { return nil }
            offset = Int32(-west)
        }
        guard let begins = scanner.change(), let ends = scanner.change(), scanner.rest.isEmpty else {
            return nil
        }
        summer = (offset, begins, ends)
    }

    /// The changes of a little more than 400 years, in order; none when the clocks are never touched.
    /// - Parameter last: the last change that is known otherwise; nil when there is none.
    func changes(after last: Int64?) -> [(at: Int64, offset: Int32)] {
        guard let summer else { return [] }
        let year =
            last.map { CivilDate(daysSinceEpoch: flooredDivision($0, by: 86_400).quotient).year - 1 } ?? 1900
        var all: [(at: Int64, offset: Int32)] = []
        for year in year...year + 403 {
            // At the same instant the end comes first: then summer time has no end that year.
            all.append((summer.ends.local(in: year) - Int64(summer.offset), standard))
            all.append((summer.begins.local(in: year) - Int64(standard), summer.offset))
        }
        // The order of equal instants is kept, which `sort` does not promise.
        let sorted = all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(
            \.element)
        return zip(sorted, sorted.dropFirst()).filter { $0.at < $1.at && $0.at > last ?? .min }.map(\.0)
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }

        /// `CET`, or `<+03>`.
        mutating func name() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")), end - rest.startIndex >= 3 else {
                    return false
                }
                rest = rest[(end + 1)...]
                return true
            }
            let letters = rest.prefix(while: Self.isLetter)
            rest = rest.dropFirst(letters.count)
            return letters.count >= 3
        }

        private mutating func number(_ allowed: ClosedRange<Int64>) -> Int64? {
            let found = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard (1...3).contains(found.count) else { return nil }
            rest = rest.dropFirst(found.count)
            let number = found.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            return allowed.contains(number) ? number : nil
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func clock(most hours: Int64) -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard var seconds = number(0...hours).map({ $0 * 3600 }) else { return nil }
            for size in [Int64(60), 1] {
                guard take(":") else { break }
                guard let part = number(0...59) else { return nil }
                seconds += part * size
            }
            return isNegative ? -seconds : seconds
        }

        /// `,M3.5.0/2`, `,J60`, `,59/-1`.
        mutating func change() -> Change? {
            guard take(","), let day = day() else { return nil }
            guard take("/") else { return Change(day: day, second: 7200) }
            return clock(most: 167).map { Change(day: day, second: $0) }
        }

        private mutating func day() -> Change.Day? {
            if take("J") { return number(1...365).map { .julian($0) } }
            guard take("M") else { return number(0...365).map { .ordinal($0) } }
            guard let month = number(1...12), take("."), let week = number(1...5), take("."),
                let weekday = number(0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
    }
}
