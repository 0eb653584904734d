import MusterCore

/// The settings of a unit file and of the files that change it, in the order in which they count (systemd.syntax(7)).
struct UnitText {
    /// `Service.Restart`, with every value that was given since the last empty one.
    private var values: [String: [String]] = [:]

    mutating func add(_ text: String) {
        var section = ""
        var pending = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            let body = line.drop { $0 == " " || $0 == "\t" }
            // Comments may stand between the lines of one value.
            if body.hasPrefix("#") || body.hasPrefix(";") { continue }
            if line.hasSuffix("\\") {
                pending += line.dropLast() + " "
                continue
            }
            let whole = (pending + line).trimmingBlanks
            pending = ""
            if whole.hasPrefix("["), whole.hasSuffix("]") {
                section = String(whole.dropFirst().dropLast())
            } else if let sign = whole.firstIndex(of: "=") {
                let key = section + "." + whole[..<sign].trimmingBlanks
                let value = whole[whole.index(after: sign)...].trimmingBlanks
                if value.isEmpty { values[key] = [] } else { values[key, default: []].append(value) }
            }
        }
    }

    /// The last one that was given.
    subscript(key: String) -> String? { values[key]?.last }
    /// All words of a list.
    func words(_ key: String) -> [String] {
        (values[key] ?? []).flatMap { $0.split(separator: " ").map(String.init) }
    }
}

/// A span of time as systemd.time(7) writes it: `90`, `1min 30s`, `100ms`, `infinity`.
enum TimeSpan: Equatable {
    case span(Duration)
    case infinity

    init?(_ text: String) {
        if text == "infinity" {
            self = .infinity
            return
        }
        var rest = text[...].drop { $0 == " " }
        var total = Duration.zero
        if rest.isEmpty { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let count = Double(number) else { return nil }
            rest = rest.dropFirst(number.count).drop { $0 == " " }
            let word = rest.prefix { $0.isLetter }
            guard let unit = Self.seconds(String(word)), count * unit < 1e9 else { return nil }
            total += .nanoseconds(Int64(count * unit * 1e9))
            guard total <= .longest else { return nil }
            rest = rest.dropFirst(word.count).drop { $0 == " " }
        }
        self = .span(total)
    }

    var duration: Duration? { if case .span(let span) = self { span } else { nil } }

    private static func seconds(_ word: String) -> Double? {
        switch word {
        case "usec", "us", "µs", "μs": 1e-6
        case "msec", "ms": 1e-3
        case "", "seconds", "second", "sec", "s": 1
        case "minutes", "minute", "min", "m": 60
        case "hours", "hour", "hr", "h": 3600
        case "days", "day", "d": 86_400
        case "weeks", "week", "w": 604_800
        default: nil
        }
    }
}

extension StringProtocol {
    /// Without blanks at either end.
    var trimmingBlanks: String {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest.drop { $0.isWhitespace })
    }
}
