import ArgumentParser

/// A length of time on the command line, such as `500ms`, `5s`, `10m`, `1h30m`.
struct Span: ExpressibleByArgument {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [String: Duration] = [
            "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600),
            "d": .seconds(86_400),
        ]
        var rest = argument[...]
        var sum = Duration.zero
        repeat {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { ("a"..."z").contains($0) }
            rest = rest.dropFirst(unit.count)
            // Nine digits of days are beyond anybody's patience, and far from an overflow.
            guard digits.count <= 9, let number = Int(digits), let length = units[String(unit)] else {
                return nil
            }
            sum += length * number
        } while !rest.isEmpty
        duration = sum
    }

    var defaultValueDescription: String { "\(duration.components.seconds)s" }
}
