public import MusterCore

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
        let summary = writer.folded(
            "SUMMARY:" + CalendarWriter.escaped(isBlind ? "Game day" : "Drill: \(schedule.name)"))
        // What a blind feed names must not give the schedule away either.
        let name = isBlind ? Self.blindName(schedule.name) : schedule.name
        let alarms = Self.alarms(writer, isBlind ? "Game day" : "Drill: \(schedule.name)")
        let common = "SEQUENCE:\(sequence)\r\nCATEGORIES:DRILL\r\nDTSTAMP:"
        for item in items {
            let planned = item.planned
            let isCancelled = ![Fate.run, .queued].contains(planned.decision.fate)
            writer.raw("BEGIN:VEVENT\r\n")
            let key = planned.key
            writer.line("UID:\(name)-\(CalendarWriter.basic(key.nominal))\(key.fold == 0 ? "" : "+")@muster")
            writer.raw(common)
            writer.time(stamp)
            writer.raw("\r\nDTSTART:")
            writer.time(planned.due)
            writer.raw("\r\nDTEND:")
            // An event without a length shows as nothing in most calendars.
            writer.time(max(planned.ends, planned.due + .seconds(60)))
            writer.raw("\r\n")
            writer.append(summary)
            if !isBlind {
                writer.line("DESCRIPTION:" + CalendarWriter.escaped(Self.words(schedule, planned)))
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

    private static func words(_ schedule: Schedule, _ planned: PlannedOccurrence) -> String {
        let local = schedule.zone.local(at: planned.due).text.dropLast(3).replacing("T", with: " ")
        var text = "\(schedule.drill)\n\(local) \(schedule.zone.name)"
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
    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }
    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func line(_ text: String) {
        if text.utf8.count <= 75 {
            bytes.append(contentsOf: text.utf8)
            raw("\r\n" as StaticString)
        } else {
            bytes.append(contentsOf: folded(text))
        }
    }

    /// The line with its end, cut between characters of UTF-8 and never inside of one.
    func folded(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + text.utf8.count / 24 + 2)
        var length = 0
        for byte in text.utf8 {
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
                result += [0x0D, 0x0A, 0x20]
                length = 1
            }
            result.append(byte)
            length += 1
        }
        return result + [0x0D, 0x0A]
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
        bytes.append(contentsOf: Self.basic(LocalTime(seconds: moment.seconds)).utf8)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `20260329T023000`.
    static func basic(_ local: LocalTime) -> String {
        let date = local.date
        let second = local.secondOfDay
        let number = date.year * 10_000 + date.month * 100 + date.day
        let clock = second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60
        return "\(number)T" + String(String(1_000_000 + clock).dropFirst())
    }
}
