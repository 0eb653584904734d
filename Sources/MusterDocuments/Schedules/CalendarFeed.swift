public import MusterCore
public import MusterDrills

/// Planned occurrences as an iCalendar file (RFC 5545) that calendars subscribe to.
///
/// Times are in UTC and every occurrence is an event of its own: what RFC 5545 says about times that clocks skip
/// contradicts itself, and freezes and approvals are about single occurrences.
public struct CalendarFeed: Sendable {
    /// An occurrence, and whether somebody has still to say yes.
    public struct Item: Sendable {
        public var planned: PlannedOccurrence
        public var isTentative: Bool

        public init(_ planned: PlannedOccurrence, isTentative: Bool) {
            self.planned = planned
            self.isTentative = isTentative
        }
    }

    /// Says "Game day" and nothing else of what will happen: for those who shall not know.
    public var isBlind: Bool
    /// When it is made (DTSTAMP).
    public var stamp: Moment
    /// Grows with every edit of what the plan is made of (SEQUENCE); calendars keep the event with the highest.
    public var sequence: Int64

    public init(isBlind: Bool, stamp: Moment, sequence: Int64) {
        self.isBlind = isBlind
        self.stamp = stamp
        self.sequence = sequence
    }

    /// - Returns: the file's bytes. Occurrences that will not run are in it as cancelled.
    public func bytes(_ schedules: [(schedule: Schedule, items: [Item])]) -> [UInt8] {
        var writer = CalendarWriter()
        // No METHOD: with one it would be a message of RFC 5546, which wants an ORGANIZER.
        for line in [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Muster//Schedules//EN", "CALSCALE:GREGORIAN",
            "X-WR-CALNAME:" + (isBlind ? "Game days" : "Muster drills"),
        ] { writer.line(line) }
        for (schedule, items) in schedules { write(schedule, items, &writer) }
        writer.line("END:VCALENDAR")
        return writer.bytes
    }

    private func write(_ schedule: Schedule, _ items: [Item], _ writer: inout CalendarWriter) {
        // What a blind feed names must not give the schedule away either.
        let name = isBlind ? Self.blindName(schedule.name) : schedule.name
        let title = isBlind ? "Game day" : "Drill: \(schedule.name)"
        // Most of an event is the same in all of a schedule; a year of a thousand has 365,000 of them.
        let uid = Array("UID:\(name)-".utf8)
        let common =
            Array("SEQUENCE:\(sequence)\r\nCATEGORIES:DRILL\r\nDTSTAMP:".utf8)
            + CalendarWriter.basic(LocalTime(seconds: stamp.seconds)) + Array("Z\r\nDTSTART:".utf8)
        let summary = writer.folded("SUMMARY:" + CalendarWriter.escaped(title))
        let alarms = Self.alarms(writer, title)
        let description = Array(("DESCRIPTION:" + CalendarWriter.escaped(schedule.drill + "\n")).utf8)
        let zone = Array(CalendarWriter.escaped(" \(schedule.zone.name)").utf8)
        for item in items {
            let planned = item.planned
            let isCancelled = ![Fate.run, .queued].contains(planned.decision.fate)
            writer.raw("BEGIN:VEVENT\r\n")
            let fold = planned.occurrence.fold == 0 ? "@muster" : "+@muster"
            writer.line(uid, CalendarWriter.basic(planned.occurrence.nominal), Array(fold.utf8))
            writer.append(common)
            writer.time(planned.due)
            writer.raw("\r\nDTEND:")
            // An event without a length shows as nothing in most calendars.
            writer.time(max(planned.ends, planned.due + .seconds(60)))
            writer.raw("\r\n")
            writer.append(summary)
            if !isBlind {
                let local = CalendarWriter.readable(schedule.zone.local(at: planned.due))
                writer.line(
                    description, local, zone,
                    Array(CalendarWriter.escaped(Self.words(schedule, planned)).utf8))
            }
            writer.raw(
                isCancelled
                    ? "STATUS:CANCELLED\r\n"
                    : item.isTentative ? "STATUS:TENTATIVE\r\n" : "STATUS:CONFIRMED\r\n")
            if !isCancelled { writer.append(alarms) }
            writer.raw("END:VEVENT\r\n")
        }
    }

    private static func blindName(_ name: String) -> String {
        String(OccurrenceKey(schedule: name, nominal: LocalTime(seconds: 0)).seed, radix: 16)
    }

    /// What is not the same for every occurrence, a line for each; empty for most.
    private static func words(_ schedule: Schedule, _ planned: PlannedOccurrence) -> String {
        var text = ""
        if planned.decision.reason != .due {
            text +=
                "\n\(planned.decision.fate.rawValue): \(planned.decision.reason.sentence(in: schedule.zone))"
        }
        for adjustment in planned.adjustments {
            text += "\n" + adjustment.words(nominal: planned.occurrence.nominal)
        }
        return text
    }

    /// A day before, and a quarter of an hour.
    private static func alarms(_ writer: CalendarWriter, _ words: String) -> [UInt8] {
        ["-P1D", "-PT15M"].flatMap { trigger in
            writer.folded("BEGIN:VALARM") + writer.folded("ACTION:DISPLAY")
                + writer.folded("TRIGGER:\(trigger)")
                + writer.folded("DESCRIPTION:" + CalendarWriter.escaped(words)) + writer.folded("END:VALARM")
        }
    }
}

/// Lines of iCalendar: CRLF, at most 75 octets, continued behind a blank (RFC 5545, 3.1).
private struct CalendarWriter {
    private(set) var bytes: [UInt8] = []

    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func line(_ text: String) { line(Array(text.utf8)) }

    /// Parts that are one line.
    mutating func line(_ parts: [UInt8]...) {
        if parts.reduce(0, { $0 + $1.count }) <= 75 {
            for part in parts { bytes.append(contentsOf: part) }
            raw("\r\n")
        } else {
            fold(parts)
        }
    }

    /// The line with its end.
    func folded(_ text: String) -> [UInt8] {
        var writer = CalendarWriter()
        writer.line(text)
        return writer.bytes
    }

    /// Writes a line that is too long, cut between characters of UTF-8 and never inside of one.
    private mutating func fold(_ parts: [[UInt8]]) {
        var length = 0
        for part in parts {
            for byte in part {
                // How many bytes the character has that begins here (RFC 3629); none for one that goes on.
                let width =
                    switch byte {
                    case ..<0x80: 1
                    case ..<0xC0: 0
                    case ..<0xE0: 2
                    case ..<0xF0: 3
                    default: 4
                    }
                if width > 0, length + width > 75 {
                    raw("\r\n ")
                    length = 1
                }
                bytes.append(byte)
                length += 1
            }
        }
        raw("\r\n")
    }

    /// RFC 5545, 3.3.11.
    static func escaped(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + 8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: ";"), UInt8(ascii: ","):
                result.append(UInt8(ascii: "\\"))
                result.append(byte)
            case UInt8(ascii: "\n"): result += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case ..<0x20, 0x7F: result.append(UInt8(ascii: " "))
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// `20260329T010000Z`.
    mutating func time(_ moment: Moment) {
        bytes.append(contentsOf: Self.basic(LocalTime(seconds: moment.seconds)))
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `20260329T023000`.
    static func basic(_ local: LocalTime) -> [UInt8] {
        digits(local, date: nil, between: UInt8(ascii: "T"), time: nil, hasSeconds: true)
    }

    /// `2026-03-29 02:30`.
    static func readable(_ local: LocalTime) -> [UInt8] {
        digits(
            local, date: UInt8(ascii: "-"), between: UInt8(ascii: " "), time: UInt8(ascii: ":"),
            hasSeconds: false)
    }

    /// - Parameters: what stands between the numbers of the date, between date and time, and between those of the time.
    private static func digits(
        _ local: LocalTime, date dash: UInt8?, between: UInt8, time colon: UInt8?, hasSeconds: Bool
    ) -> [UInt8] {
        let date = local.date
        let second = local.secondOfDay
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20)
        func two(_ number: Int64) {
            bytes.append(0x30 + UInt8(truncatingIfNeeded: number / 10 % 10))
            bytes.append(0x30 + UInt8(truncatingIfNeeded: number % 10))
        }
        two(date.year / 100)
        two(date.year % 100)
        if let dash { bytes.append(dash) }
        two(date.month)
        if let dash { bytes.append(dash) }
        two(date.day)
        bytes.append(between)
        two(second / 3600)
        if let colon { bytes.append(colon) }
        two(second / 60 % 60)
        if hasSeconds { two(second % 60) }
        return bytes
    }
}
