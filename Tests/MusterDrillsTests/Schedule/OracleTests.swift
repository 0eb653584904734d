import Foundation
import MusterCore
import MusterDrills
import Testing

/// Random rules in random zones and years, held against programs that share nothing with Muster (see
/// `Fixtures/schedule_oracle.py`). `MUSTER_SCHEDULE_SEED` repeats a run that failed, `MUSTER_SCHEDULE_CASES` makes
/// it longer.
@Suite struct OracleTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    /// Where scripts/setup puts Python packages for tests.
    static let python = root.appending(path: ".build/python/bin/python3")
    static let script = root.appending(path: "Tests/MusterDrillsTests/Fixtures/schedule_oracle.py")

    /// SplitMix64, so that a seed gives the same cases everywhere.
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
        mutating func number(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &self) }
        mutating func isOne(of sides: Int64) -> Bool { number(1...sides) == 1 }
        mutating func one<T>(of list: [T]) -> T { list[Int(number(0...Int64(list.count - 1)))] }
    }

    private static func setting(_ name: String) -> Int64? {
        ProcessInfo.processInfo.environment[name].flatMap { Int64($0) }
    }

    /// Zones whose rules are still in use and have a name of their own (tzdata's zone1970.tab).
    private static func zones() throws -> [String] {
        let table = try String(contentsOfFile: "/usr/share/zoneinfo/zone1970.tab", encoding: .utf8)
        return table.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { String($0.split(separator: "\t")[2]) } + ["UTC"]
    }

    /// Between 1996 and 2050, and every third time close to a change of the clocks.
    private static func moment(_ dice: inout Dice, _ zone: ZoneRules) -> Moment {
        let any = Moment(seconds: dice.number(820_454_400...2_524_608_000) / 60 * 60)
        guard dice.isOne(of: 3), let change = zone.change(after: any), change < utc("2050-01-01T00:00") else {
            return any
        }
        return Moment(seconds: change.seconds - dice.number(0...3000) * 60)
    }

    private static func zoneCase(_ name: String, _ dice: inout Dice) throws -> [String: Any] {
        let zone = try Zones.named(name)
        var offsets: [[Any]] = []
        var locals: [[Any]] = []
        for _ in 0..<40 {
            // As far as the 32 bits of old files, and beyond the year 2037, where the rule takes over.
            let moment =
                dice.isOne(of: 4)
                ? Moment(seconds: dice.number(-2_000_000_000...5_000_000_000)) : Self.moment(&dice, zone)
            offsets.append([moment.seconds, zone.offset(at: moment)])
            // Python's zoneinfo resolves whole days of change differently for local times before 1970: left out.
            guard moment.seconds > 0 else { continue }
            let local = LocalTime(seconds: zone.local(at: moment).seconds + dice.number(-120...120) * 60)
            let meaning: [Any] =
                switch zone.meaning(of: local) {
                case .once(let moment): [moment.seconds]
                case .twice(let first, let second): [first.seconds, second.seconds]
                case .gap(let end): ["gap", end.seconds]
                }
            locals.append([local.seconds, meaning])
        }
        return ["kind": "zone", "zone": name, "offsets": offsets, "locals": locals]
    }

    private static func field(
        _ dice: inout Dice, _ range: ClosedRange<Int64>, star: Int64, step: [String] = ["*/2", "*/5", "*/10"]
    ) -> String {
        if dice.isOne(of: star) { return "*" }
        switch dice.number(1...6) {
        case 1: return dice.one(of: step)
        case 2:
            let low = dice.number(range)
            let high = dice.number(low...range.upperBound)
            return high > low && dice.isOne(of: 2) ? "\(low)-\(high)/\(dice.number(1...3))" : "\(low)-\(high)"
        case 3: return "\(dice.number(range)),\(dice.number(range))"
        default: return "\(dice.number(range))"
        }
    }

    private static func cronCase(_ zones: [String], _ dice: inout Dice) throws -> [String: Any] {
        let name = dice.one(of: zones)
        let zone = try Zones.named(name)
        let minute = field(&dice, 0...59, star: 12)
        // The hours in which clocks are changed, more often than not.
        let hour = dice.isOne(of: 2) ? "\(dice.number(0...3))" : field(&dice, 0...23, star: 6)
        let day = field(&dice, 1...28, star: 2)
        let month = field(&dice, 1...12, star: 2)
        let weekday =
            day == "*" || dice.isOne(of: 4) ? field(&dice, 0...7, star: 3, step: ["*/2", "*/3"]) : "*"
        let text = "\(minute) \(hour) \(day) \(month) \(weekday)"
        let match: CronRule.DayMatch? = day != "*" && weekday != "*" ? dice.one(of: [.any, .all]) : nil
        let gap: GapPolicy = dice.isOne(of: 4) ? .skip : .shift
        let after = moment(&dice, zone)
        let rule = ScheduleRule.cron(try CronRule(text, dayMatch: match))
        let found = Occurrences(of: rule, in: zone, gap: gap, after: after).prefix(12)
            .filter { $0.standing != .omitted }.prefix(8).map(\.due.seconds)
        var result: [String: Any] = [
            "kind": "cron", "zone": name, "text": text, "gap": gap.rawValue, "after": after.seconds,
            "got": found,
        ]
        if let match { result["match"] = match.rawValue }
        return result
    }

    private static func list(_ dice: inout Dice, _ count: ClosedRange<Int64>, _ one: (inout Dice) -> String)
        -> String
    {
        var found: [String] = []
        for _ in 0..<dice.number(count) {
            let text = one(&dice)
            if !found.contains(text) { found.append(text) }
        }
        return found.joined(separator: ",")
    }

    /// - Returns: a rule, and who of the others reads it as RFC 5545 has it. dateutil wants `BYDAY=TU,1MO` to be
    ///   both at once; libical (3.0.16) passes over negative month days of a daily rule, and counts weeks from Sunday
    ///   where every second week is wanted, and one day twice that two month days name, where positions are counted.
    private static func recurrenceText(_ dice: inout Dice) -> (text: String, dateutil: Bool, libical: Bool) {
        let frequency = dice.one(of: Recurrence.Frequency.allCases)
        let hasNth = frequency == .monthly || frequency == .yearly
        var dateutil = true
        var libical = true
        var parts = ["FREQ=\(frequency.rawValue)"]
        if dice.isOne(of: 2) {
            parts.append("INTERVAL=\(dice.number(2...5))")
            libical = frequency != .weekly
        }
        let hasMonths = dice.isOne(of: 3)
        if hasMonths { parts.append("BYMONTH=" + list(&dice, 1...3) { "\($0.number(1...12))" }) }
        var isChosen = hasMonths
        if dice.isOne(of: 2) {
            // A fifth weekday of a month, and the 53rd of a year, come rarely enough; the tests stay short.
            let most: Int64 = frequency == .yearly && !hasMonths ? 52 : 4
            let kind = dice.number(0...4)
            let days = list(&dice, 1...3) { dice in
                let code = dice.one(of: Weekday.allCases).code
                guard hasNth, kind < 2 || kind == 2 && dice.isOne(of: 2) else { return code }
                return (dice.isOne(of: 2) ? "-" : "") + "\(dice.number(1...most))" + code
            }
            dateutil = !hasNth || kind != 2
            parts.append("BYDAY=" + days)
            isChosen = true
        }
        if frequency != .weekly, frequency != .yearly || hasMonths, dice.isOne(of: 3) {
            let days = list(&dice, 2...4) { "\($0.isOne(of: 2) ? "-" : "")\($0.number(1...28))" }
            libical = libical && (frequency != .daily || !days.contains("-"))
            parts.append("BYMONTHDAY=" + days)
            isChosen = true
        }
        if isChosen, hasNth, dice.isOne(of: 3) {
            parts.append("BYSETPOS=" + list(&dice, 1...2) { $0.isOne(of: 2) ? "-1" : "\($0.number(1...2))" })
            libical = libical && !parts.contains { $0.hasPrefix("BYMONTHDAY") }
        }
        if dice.isOne(of: 3) { parts.append("WKST=\(dice.one(of: Weekday.allCases).code)") }
        if dice.isOne(of: 4) { parts.append("COUNT=\(dice.number(1...30))") }
        return (parts.joined(separator: ";"), dateutil, libical)
    }

    private static func recurrenceCase(_ zones: [String], _ dice: inout Dice) throws -> [String: Any] {
        let name = dice.one(of: zones)
        let zone = try Zones.named(name)
        let begin = moment(&dice, zone)
        let time = dice.isOne(of: 2) ? dice.number(0...11) * 900 : dice.number(0...95) * 900
        let start = LocalTime(day: zone.local(at: begin).day, secondOfDay: time)
        let (text, dateutil, libical) = recurrenceText(&dice)
        let after = Moment(seconds: begin.seconds + dice.number(-20...900) * 86_400)
        let gap: GapPolicy = dice.isOne(of: 4) ? .skip : .shift
        let rule = ScheduleRule.recurrence(
            try Recurrence(text, start: start.day), at: TimeOfDay(second: time))
        let found = Occurrences(of: rule, in: zone, gap: gap, after: after).prefix(7)
            .filter { $0.standing != .omitted }.prefix(5).map(\.due.seconds)
        let nominal = Occurrences(of: rule, in: .utc, gap: .shift, after: Moment(seconds: start.seconds - 1))
            .prefix(5)
            .map(\.nominal.seconds)
        return [
            "kind": "recurrence", "zone": name, "text": text, "gap": gap.rawValue, "start": start.seconds,
            "after": after.seconds, "got": found, "count": 5, "nominal": nominal,
            "dateutil": dateutil, "libical": libical,
        ]
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: OracleTests.python.path),
            "needs the Python packages that `scripts/setup python` installs"))
    func othersFindTheSame() throws {
        let seed = Self.setting("MUSTER_SCHEDULE_SEED") ?? .random(in: 0...Int64.max)
        let count = Self.setting("MUSTER_SCHEDULE_CASES") ?? 150
        var dice = Dice(state: UInt64(bitPattern: seed))
        let zones = try Self.zones()
        var cases: [[String: Any]] = []
        for name in zones { cases.append(try Self.zoneCase(name, &dice)) }
        for _ in 0..<count {
            cases.append(try Self.cronCase(zones, &dice))
            cases.append(try Self.recurrenceCase(zones, &dice))
        }
        let file = FileManager.default.temporaryDirectory.appending(
            path: "muster-oracle-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = try cases.map {
            String(decoding: try JSONSerialization.data(withJSONObject: $0), as: UTF8.self) + "\n"
        }
        try Data(lines.joined().utf8).write(to: file)

        let process = Process()
        process.executableURL = Self.python
        process.arguments = [Self.script.path, file.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let last = output.split(separator: "\n").last.map(String.init) ?? ""
        #expect(
            process.terminationStatus == 0 && last.contains("\"differing\": 0"),
            "MUSTER_SCHEDULE_SEED=\(seed)\n\(output)")
        // That nothing differs means something only when something was compared.
        #expect(last.contains("\"zone\": \(zones.count)") && last.contains("\"cron\": \(count)"), "\(output)")
        for other in ["cronsim", "day by day", "dateutil"] {
            #expect(last.contains("\"\(other)\""), "\(output)")
        }
    }
}
