import MusterCore

/// The days of a recurrence rule, one after another.
struct RecurrenceDays: IteratorProtocol {
    private let rule: Recurrence
    /// The last day that is looked at.
    private let last: Int64
    /// Earlier ones are counted, and left out.
    private let first: Int64
    /// The period that comes next, in units of the frequency's period from the one of the start.
    private var period: Int64 = 0
    /// Days that are still to come of the period before, the next one last.
    private var pending: [Int64] = []
    private var left: Int

    /// - Parameters:
    ///   - first: earlier days are left out.
    ///   - last: later days are not looked for; both in days since 1970.
    init(_ rule: Recurrence, from first: Int64, until last: Int64) {
        self.rule = rule
        self.first = max(first, rule.start)
        var last = last
        if case .day(let day) = rule.until { last = min(last, day) }
        self.last = last
        left = rule.count ?? .max
        // What is counted has to be gone through from its start.
        if rule.count == nil { period = max(0, rule.periods(to: self.first) / rule.interval * rule.interval) }
    }

    mutating func next() -> Int64? {
        while left > 0 {
            while let day = pending.popLast() {
                guard day >= rule.start else { continue }
                left -= 1
                if day > last { return nil }
                if day >= first { return day }
                if left == 0 { return nil }
            }
            guard rule.firstDay(ofPeriod: period) <= last else { return nil }
            pending = rule.days(ofPeriod: period).reversed()
            period += rule.interval
        }
        return nil
    }
}

extension Recurrence {
    /// How many periods lie between that of the start and that of a day.
    fileprivate func periods(to day: Int64) -> Int64 {
        switch frequency {
        case .daily: day - start
        case .weekly: (weekBegin(day) - weekBegin(start)) / 7
        case .monthly: Self.month(of: day) - Self.month(of: start)
        case .yearly: CivilDate(daysSinceEpoch: day).year - CivilDate(daysSinceEpoch: start).year
        }
    }

    fileprivate func firstDay(ofPeriod period: Int64) -> Int64 {
        switch frequency {
        case .daily: return start + period
        case .weekly: return weekBegin(start) + 7 * period
        case .monthly:
            let (year, month) = flooredDivision(Self.month(of: start) + period, by: 12)
            return CivilDate(year: year, month: month + 1, day: 1).daysSinceEpoch
        case .yearly:
            let year = CivilDate(daysSinceEpoch: start).year + period
            return CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
        }
    }

    private func weekBegin(_ day: Int64) -> Int64 {
        day - flooredDivision(Int64(Weekday(ofDay: day).rawValue - weekStart.rawValue), by: 7).remainder
    }

    /// Months since the year 0.
    private static func month(of day: Int64) -> Int64 {
        let date = CivilDate(daysSinceEpoch: day)
        return date.year * 12 + date.month - 1
    }

    /// The days of a period in order, whether or not they come before the start (the table in RFC 5545, 3.3.10).
    fileprivate func days(ofPeriod period: Int64) -> [Int64] {
        let first = firstDay(ofPeriod: period)
        let days: [Int64] =
            switch frequency {
            case .daily: fits(first) ? [first] : []
            case .weekly: (first..<first + 7).filter(fits)
            case .monthly: daysOfMonth(first)
            case .yearly: daysOfYear(first)
            }
        guard !positions.isEmpty else { return days }
        let chosen = positions.map { $0 > 0 ? Int($0) - 1 : days.count + Int($0) }
        return Set(chosen.filter(days.indices.contains)).sorted().map { days[$0] }
    }

    /// For periods of a day or a week, where every BY… part only leaves days out.
    private func fits(_ day: Int64) -> Bool {
        let weekday = Weekday(ofDay: day)
        if weekdays.isEmpty {
            if frequency == .weekly, weekday != Weekday(ofDay: start) { return false }
        } else if !weekdays.contains(where: { $0.weekday == weekday }) {
            return false
        }
        guard !months.isEmpty || !monthDays.isEmpty else { return true }
        let date = CivilDate(daysSinceEpoch: day)
        guard months.isEmpty || months.contains(date.month) else { return false }
        let length = CivilDate.length(ofMonth: date.month, in: date.year)
        return monthDays.isEmpty
            || monthDays.contains { $0 > 0 ? $0 == date.day : length + $0 + 1 == date.day }
    }

    private func daysOfMonth(_ first: Int64) -> [Int64] {
        let date = CivilDate(daysSinceEpoch: first)
        guard months.isEmpty || months.contains(date.month) else { return [] }
        let length = CivilDate.length(ofMonth: date.month, in: date.year)
        if monthDays.isEmpty, weekdays.isEmpty {
            let day = CivilDate(daysSinceEpoch: start).day
            return day <= length ? [first + day - 1] : []
        }
        return chosen(in: first..<first + length) {
            weekdaysFit($0, in: first..<first + length)
        }
    }

    private func daysOfYear(_ first: Int64) -> [Int64] {
        let year = CivilDate(daysSinceEpoch: first).year
        let whole = first..<first + (CivilDate.isLeap(year) ? 366 : 365)
        let begin = CivilDate(daysSinceEpoch: start)
        // Without a month, weekdays are those of the whole year; with one, those of the month.
        if weekdays.isEmpty == false, months.isEmpty {
            return chosen(in: whole) { weekdaysFit($0, in: whole) }
        }
        if weekdays.isEmpty, monthDays.isEmpty, months.isEmpty {
            let day = CivilDate(year: year, month: begin.month, day: begin.day)
            return day.isReal ? [day.daysSinceEpoch] : []
        }
        return (1...12).flatMap { month in
            daysOfMonth(CivilDate(year: year, month: month, day: 1).daysSinceEpoch)
        }
    }

    /// Those of a span that fit BYMONTHDAY and what the caller asks for.
    private func chosen(in span: Range<Int64>, _ fits: (Int64) -> Bool) -> [Int64] {
        guard !monthDays.isEmpty else { return span.filter(fits) }
        return span.filter { day in
            let date = CivilDate(daysSinceEpoch: day)
            let length = CivilDate.length(ofMonth: date.month, in: date.year)
            return monthDays.contains { $0 > 0 ? $0 == date.day : length + $0 + 1 == date.day } && fits(day)
        }
    }

    private func weekdaysFit(_ day: Int64, in span: Range<Int64>) -> Bool {
        guard !weekdays.isEmpty else { return true }
        let weekday = Weekday(ofDay: day)
        return weekdays.contains { wanted in
            guard wanted.weekday == weekday else { return false }
            return switch wanted.ordinal {
            case 0: true
            case 1...: (day - span.lowerBound) / 7 + 1 == wanted.ordinal
            default: (span.upperBound - 1 - day) / 7 + 1 == -wanted.ordinal
            }
        }
    }
}

extension Recurrence {
    /// Its days from the start on, in days since 1970.
    /// - Parameters:
    ///   - last: the last day that is looked at.
    ///   - most: how many at the most.
    public func days(until last: Int64, most: Int) -> [Int64] {
        var days = RecurrenceDays(self, from: start, until: last)
        var found: [Int64] = []
        while found.count < most, let day = days.next() { found.append(day) }
        return found
    }
}
