import MusterCore

/// What keeps a calibration from being carried out; no judgement on the instrument.
struct CalibrationTrouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Value {
    static func of(_ interval: Interval) -> Value {
        [
            .int(interval.lowerNanoseconds), interval.upperNanoseconds.map { .int($0) } ?? .null,
        ]
    }

    var asInterval: Interval? {
        guard let list = asList, list.count == 2, let lower = list[0].asInt else { return nil }
        return Interval(lower: .nanoseconds(lower), upper: list[1].asInt.map { .nanoseconds($0) })
    }

    func text(_ key: String) throws -> String {
        guard let text = self[key]?.asText else { throw CalibrationTrouble("'\(key)' is missing") }
        return text
    }

    func int(_ key: String) throws -> Int64 {
        guard let int = self[key]?.asInt else { throw CalibrationTrouble("'\(key)' is missing") }
        return int
    }

    func duration(_ key: String) throws -> Duration { .nanoseconds(try int(key)) }
    func instant(_ key: String) throws -> Instant { Instant(nanoseconds: try int(key)) }
}
