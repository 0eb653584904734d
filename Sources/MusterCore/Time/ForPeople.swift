extension Duration {
    /// A rounded text for people: four significant digits at most, in the unit that suits the size, such as
    /// `1.284 s`, `12.5 ms`, `3m 20s`. Half is rounded up; what rounds up to the next unit is shown in it.
    public var forPeople: String {
        let value = nanoseconds.magnitude
        let text = Self.small(value) ?? Self.large(value)
        return nanoseconds < 0 ? "-" + text : text
    }

    /// Below two minutes: one unit with decimals.
    private static func small(_ value: UInt64) -> String? {
        if value == 0 { return "0 s" }
        let units: [(name: String, size: UInt64, limit: UInt64)] = [
            ("µs", 1_000, 1_000), ("ms", 1_000_000, 1_000), ("s", 1_000_000_000, 120),
        ]
        for unit in units where value < unit.size * unit.limit {
            let thousandths = rounded(value, of: unit.size)
            if thousandths < unit.limit * 1000 { return "\(decimal(thousandths)) \(unit.name)" }
        }
        return nil
    }

    /// `value` in thousandths of `unit`, rounded to four significant digits.
    private static func rounded(_ value: UInt64, of unit: UInt64) -> UInt64 {
        let whole = value / unit
        let step: UInt64 = whole >= 100 ? 100 : whole >= 10 ? 10 : 1
        let grain = unit / 1000 * step
        return (value + grain / 2) / grain * step
    }

    private static func decimal(_ thousandths: UInt64) -> String {
        var digits = Substring(String(thousandths % 1000 + 1000).dropFirst())
        while digits.last == "0" { digits = digits.dropLast() }
        return digits.isEmpty ? "\(thousandths / 1000)" : "\(thousandths / 1000).\(digits)"
    }

    /// From two minutes on: the two units that matter.
    private static func large(_ value: UInt64) -> String {
        let seconds = (value + 500_000_000) / 1_000_000_000
        if seconds < 7200 { return "\(seconds / 60)m \(seconds % 60)s" }
        let minutes = (seconds + 30) / 60
        if minutes < 2880 { return "\(minutes / 60)h \(minutes % 60)m" }
        let hours = (minutes + 30) / 60
        return "\(hours / 24)d \(hours % 24)h"
    }
}
