import MusterCore
import MusterDrills

/// Reads holidays: a plain list, or whole days of an iCalendar file (RFC 5545).
public enum HolidayFiles {
    /// The most that is read of either, in bytes; the public holidays of a country for ten years take under 100 KiB.
    public static let largest = 4 << 20
    /// The most days that a file may name.
    static let mostDays = 20_000

    /// Why a file cannot be used, with the line.
    struct Problem: Error {
        var line: Int?
        var message: String
        var expected: String

        /// - Parameter path: as the schedules name it.
        func formProblem(_ path: String, at place: Place?) -> FormProblem {
            FormProblem(
                "\(path)\(line.map { ", line \($0)" } ?? ""): \(message)", at: place, expected: expected)
        }
    }

    private static func text(_ bytes: [UInt8]) throws -> String {
        guard bytes.count <= largest else {
            throw Problem(
                line: nil, message: "it has more than \(ByteCount(Int64(largest)).forPeople)",
                expected: "a calendar of holidays and nothing else; that of one country takes under 100 KiB")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(line: nil, message: "it is not valid UTF-8", expected: "text in UTF-8")
        }
        return text
    }

    /// `2026-12-25 Christmas` a line; what follows `#` is a comment.
    static func list(_ bytes: [UInt8]) throws -> [Int64: String] {
        var days: [Int64: String] = [:]
        let lines = try text(bytes).split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split(separator: " ", maxSplits: 1)
            guard let first = words.first else { continue }
            guard let date = CivilDate(first) else {
                throw Problem(
                    line: index + 1, message: "'\(first.prefix(40))' is no day",
                    expected: "2026-12-25 Christmas")
            }
            days[date.daysSinceEpoch] = words.count > 1 ? trimmed(words[1]) : "holiday"
            try bound(days)
        }
        return days
    }

    private static func bound(_ days: [Int64: String]) throws {
        guard days.count > mostDays else { return }
        throw Problem(line: nil, message: "it names more than \(mostDays) days", expected: "fewer")
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.last == " " { text = text.dropLast() }
        return String(text.drop { $0 == " " })
    }

    /// The whole-day events of a calendar; those that repeat, for thirty years from `today` on.
    /// - Parameter today: days since 1970.
    static func calendar(_ bytes: [UInt8], today: Int64) throws -> [Int64: String] {
        let lines = unfolded(try text(bytes))
        guard lines.first?.text.uppercased() == "BEGIN:VCALENDAR" else {
            throw Problem(
                line: 1, message: "it is no iCalendar file", expected: "BEGIN:VCALENDAR in its first line")
        }
        var days: [Int64: String] = [:]
        var event: Event?
        var nested = 0
        for line in lines {
            let property = Property(line.text)
            switch (property.name, property.value.uppercased()) {
            case ("BEGIN", "VEVENT"): event = Event(line: line.number)
            case ("BEGIN", _) where event != nil: nested += 1
            case ("END", "VEVENT"):
                for (day, name) in try event?.days(until: today + 30 * 366) ?? [] { days[day] = name }
                try bound(days)
                event = nil
            case ("END", _) where event != nil: nested -= 1
            default:
                if nested == 0 { try event?.read(property, line.number) }
            }
        }
        if let event {
            throw Problem(line: event.line, message: "this event has no end", expected: "END:VEVENT")
        }
        return days
    }

    /// A line that begins with a blank goes on the one before (RFC 5545, 3.1).
    private static func unfolded(_ text: String) -> [(number: Int, text: String)] {
        var lines: [(number: Int, text: String)] = []
        let physical = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in physical.enumerated() where !line.isEmpty {
            if line.first == " " || line.first == "\t", !lines.isEmpty {
                lines[lines.count - 1].text += line.dropFirst()
            } else {
                lines.append((index + 1, String(line)))
            }
        }
        return lines
    }
}

/// `DTSTART;VALUE=DATE:20261225`.
private struct Property {
    var name: String
    var value: String

    init(_ line: String) {
        var isQuoted = false
        var colon: String.Index?
        for index in line.indices where colon == nil {
            if line[index] == "\"" { isQuoted.toggle() }
            if line[index] == ":", !isQuoted { colon = index }
        }
        let head = line[..<(colon ?? line.endIndex)]
        name = head.prefix { $0 != ";" }.uppercased()
        value = colon.map { String(line[line.index(after: $0)...]) } ?? ""
    }

    /// The text with what stands for commas, semicolons and newlines put back (RFC 5545, 3.3.11).
    var plain: String {
        var text = ""
        var isEscaped = false
        for character in value {
            if isEscaped {
                text.append(character == "n" || character == "N" ? " " : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                text.append(character)
            }
        }
        return text
    }
}

/// A VEVENT while it is read.
private struct Event {
    var line: Int
    var start: Int64?
    var end: Int64?
    var length: Int64?
    var rule: String?
    var name = "holiday"
    var isCancelled = false

    init(line: Int) { self.line = line }

    mutating func read(_ property: Property, _ line: Int) throws {
        switch property.name {
        case "DTSTART": start = try day(property.value, line)
        case "DTEND": end = try day(property.value, line)
        case "DURATION": length = try duration(property.value, line)
        case "SUMMARY": name = property.plain.isEmpty ? name : property.plain
        case "STATUS": isCancelled = property.value.uppercased() == "CANCELLED"
        case "RRULE": rule = property.value
        case "RDATE", "EXDATE", "RECURRENCE-ID":
            throw HolidayFiles.Problem(
                line: line, message: "\(property.name) is not understood",
                expected: "a day an event, or RRULE alone")
        default: break
        }
    }

    private func day(_ text: String, _ line: Int) throws -> Int64 {
        guard let date = basicDate(text) else {
            throw HolidayFiles.Problem(
                line: line, message: "'\(text.prefix(40))' is no whole day",
                expected: "holidays of whole days, such as DTSTART;VALUE=DATE:20261225")
        }
        return date.daysSinceEpoch
    }

    /// `P1D`, `P2W`.
    private func duration(_ text: String, _ line: Int) throws -> Int64 {
        let unit: Int64 = text.hasSuffix("W") ? 7 : 1
        guard text.hasPrefix("P"), text.hasSuffix("D") || text.hasSuffix("W"),
            let number = Int64(text.dropFirst().dropLast()), (1...366).contains(number)
        else {
            throw HolidayFiles.Problem(
                line: line, message: "'\(text.prefix(40))' is no number of whole days", expected: "P1D")
        }
        return number * unit
    }

    /// - Parameter last: the last day that is looked for.
    func days(until last: Int64) throws -> [(Int64, String)] {
        if isCancelled { return [] }
        guard let start else {
            throw HolidayFiles.Problem(
                line: line, message: "this event has no beginning", expected: "DTSTART;VALUE=DATE:20261225")
        }
        // The end is the first day behind it (RFC 5545, 3.6.1).
        let length = max(1, length ?? end.map { $0 - start } ?? 1)
        guard length <= 366 else {
            throw HolidayFiles.Problem(
                line: line, message: "this event lasts \(length) days", expected: "at most 366")
        }
        var starts = [start]
        if let rule {
            do {
                let recurrence = try Recurrence(rule, start: start)
                starts = recurrence.days(until: last, most: HolidayFiles.mostDays)
            } catch let problem as FormProblem {
                throw HolidayFiles.Problem(
                    line: line, message: "RRULE: \(problem.message)",
                    expected: problem.expected ?? "another rule")
            }
        }
        return starts.flatMap { day in (0..<length).map { (day + $0, name) } }
    }
}
