/// Text forms of durations: `250ms`, `1.5s`, `2m`, `1h30m`, `7d`. A number without a unit is refused,
/// because nobody at 3 a.m. should have to guess between seconds and milliseconds.
extension Duration {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// The longest that anybody may ask for: ten years. Sums of a few of these, and of them and any clock, stay within the
    /// 292 years of nanoseconds that 64 bits hold.
    public static let longest = Duration.seconds(3660 * 86_400)

    /// Reads `text`; nil when it is not a sequence of numbers with units (`d h m s ms us ns`).
    public init?(units text: String) {
        var total: Int64 = 0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(letters.count)
            guard let unit = Self.units.first(where: { $0.name == letters }),
                let nanoseconds = DecimalText(digits)?.scaled(by: unit.nanoseconds)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(nanoseconds)
            guard !overflow else { return nil }
            total = sum
        }
        self = .nanoseconds(total)
    }

    /// The exact canonical text, which `init(units:)` reads back: `90s` is `1m30s`, zero is `0s`.
    public var unitsText: String {
        var left = nanoseconds.magnitude
        if left == 0 { return "0s" }
        var text = nanoseconds < 0 ? "-" : ""
        for unit in Self.units where left >= unit.nanoseconds {
            text += "\(left / unit.nanoseconds.magnitude)\(unit.name)"
            left %= unit.nanoseconds.magnitude
        }
        return text
    }
}

/// A non-negative decimal number as written, so that `0.1s` is exactly 100 ms.
struct DecimalText {
    private let whole: Int64
    /// The digits behind the point, and 10 to the power of their number.
    private let fraction: Int64
    private let denominator: Int64

    init?(_ text: Substring) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        let areDigits = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
        guard (1...2).contains(parts.count), areDigits, let whole = Int64(parts[0]) else { return nil }
        self.whole = whole
        // More digits than these are finer than any unit's last one.
        let digits = parts.count == 2 ? parts[1].prefix(18) : ""
        fraction = Int64(digits) ?? 0
        denominator = digits.reduce(1) { power, _ in power * 10 }
    }

    /// The number times `unit`, truncated; nil when 64 bits do not hold it.
    func scaled(by unit: Int64) -> Int64? {
        let (base, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        // The fraction is less than 1, so that the quotient is less than `unit`.
        let extra = denominator.dividingFullWidth(fraction.multipliedFullWidth(by: unit)).quotient
        let (sum, overflowed) = base.addingReportingOverflow(extra)
        return overflowed ? nil : sum
    }
}

/// A number of bytes, written `512B`, `4KiB`, `1.5MiB`, `2GB`.
public struct ByteCount: Hashable, Comparable, Sendable {
    public var bytes: Int64
    public init(_ bytes: Int64) { self.bytes = bytes }

    private static let units: [(String, Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("kB", 1_000),
        ("B", 1),
    ]

    /// Reads `text`; nil without a unit.
    public init?(units text: String) {
        for (name, size) in Self.units where text.hasSuffix(name) {
            guard let bytes = DecimalText(text.dropLast(name.count))?.scaled(by: size) else { return nil }
            self.init(bytes)
            return
        }
        return nil
    }

    /// The exact canonical text in the largest binary unit that divides it.
    public var unitsText: String {
        for (name, size) in Self.units.prefix(4) where bytes != 0 && bytes % size == 0 {
            return "\(bytes / size)\(name)"
        }
        return "\(bytes)B"
    }

    /// A rounded text for people, such as `64 MiB` or `1.5 GiB`.
    public var forPeople: String {
        for (name, size) in Self.units.prefix(4) where bytes >= size {
            let tenths = bytes / size * 10 + (bytes % size * 10 + size / 2) / size
            return tenths % 10 == 0 ? "\(tenths / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
        }
        return "\(bytes) B"
    }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.bytes < rhs.bytes }
}

/// A share between 0 % and 100 %, written `80%` or `99.95%`, kept in millionths.
public struct Percentage: Hashable, Comparable, Sendable {
    /// 1,000,000 is 100 %.
    public var millionths: Int64
    public init(millionths: Int64) { self.millionths = millionths }

    /// Reads `text`; nil without the sign `%` or outside 0…100.
    public init?(units text: String) {
        guard text.hasSuffix("%"), let value = DecimalText(text.dropLast())?.scaled(by: 10_000),
            (0...1_000_000).contains(value)
        else { return nil }
        millionths = value
    }

    public var fraction: Double { Double(millionths) / 1e6 }
    public var unitsText: String {
        let fraction = millionths % 10_000
        guard fraction != 0 else { return "\(millionths / 10_000)%" }
        var digits = String(fraction + 10_000).dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        return "\(millionths / 10_000).\(digits)%"
    }

    /// A text for people, such as `99.95 %`.
    public var forPeople: String { "\(unitsText.dropLast()) %" }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.millionths < rhs.millionths }
}

/// Events per second, written `500/s` or `30/m`; kept in thousandths per second.
public struct Rate: Hashable, Sendable {
    public var perSecondThousandths: Int64
    public init(perSecondThousandths: Int64) { self.perSecondThousandths = perSecondThousandths }

    public init?(units text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = DecimalText(parts[0])?.scaled(by: 60_000) else { return nil }
        switch parts[1] {
        case "s": perSecondThousandths = count / 60
        case "m": perSecondThousandths = count / 3600
        default: return nil
        }
        guard perSecondThousandths > 0 else { return nil }
    }

    public var perSecond: Double { Double(perSecondThousandths) / 1000 }
    /// The time between two events, in nanoseconds.
    public var period: Duration { .nanoseconds(1_000_000_000_000 / perSecondThousandths) }
    public var unitsText: String {
        if perSecondThousandths % 1000 == 0 { return "\(perSecondThousandths / 1000)/s" }
        let fraction = String(perSecondThousandths % 1000 + 1000).dropFirst()
        return "\(perSecondThousandths / 1000).\(fraction)/s"
    }
}
