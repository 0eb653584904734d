public import MusterCore

/// The hours in which a schedule may run, by the clocks of its zone.
public struct ScheduleWindow: Hashable, Sendable {
    public var from: TimeOfDay
    /// Not after `from`: on the next day.
    public var to: TimeOfDay
    /// The days on which it opens.
    public var days: Set<Weekday>

    public init(from: TimeOfDay, to: TimeOfDay, days: Set<Weekday> = Set(Weekday.allCases)) {
        self.from = from
        self.to = to
        self.days = days
    }

    /// The window that opens on a day, which is an hour longer or shorter when the clocks are changed in it.
    /// - Parameter day: days since 1970.
    public func span(opening day: Int64, in zone: ZoneRules) -> Range<Moment> {
        let begin = zone.moment(of: LocalTime(day: day, secondOfDay: from.second))
        let end = zone.moment(of: LocalTime(day: to > from ? day : day + 1, secondOfDay: to.second))
        return begin..<max(begin, end)
    }

    /// - Returns: the window that is open at `moment`; nil when none is.
    public func span(at moment: Moment, in zone: ZoneRules) -> Range<Moment>? {
        let today = zone.local(at: moment).day
        for day in today - 1...today where days.contains(Weekday(ofDay: day)) {
            let span = span(opening: day, in: zone)
            if span.contains(moment) { return span }
        }
        return nil
    }
}

/// A stretch of time in which no schedule starts anything, such as a change freeze.
public struct Blackout: Hashable, Sendable {
    public var name: String
    public var reason: String
    /// The end is the first instant at which drills may start again.
    public var span: Range<Moment>

    public init(name: String, reason: String, span: Range<Moment>) {
        self.name = name
        self.reason = reason
        self.span = span
    }
}

/// What all schedules of a file have in common.
public struct ScheduleCalendar: Sendable {
    /// Names of holidays, by days since 1970.
    public var holidays: [Int64: String]
    public var blackouts: [Blackout]

    public init(holidays: [Int64: String] = [:], blackouts: [Blackout] = []) {
        self.holidays = holidays
        self.blackouts = blackouts
    }

    /// The blackout that holds at `moment`; the one that ends last, when there are several.
    public func blackout(at moment: Moment) -> Blackout? {
        blackouts.filter { $0.span.contains(moment) }.max { $0.span.upperBound < $1.span.upperBound }
    }
}
