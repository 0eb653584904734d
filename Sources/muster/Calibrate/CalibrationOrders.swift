import MusterCalibration
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

extension Complaint {
    var value: Value {
        [
            "kind": .text(kind.rawValue), "text": .text(text), "size": .int(size.nanoseconds),
            "from": bracket.map { .int($0.lower.nanoseconds) } ?? .null,
            "to": bracket.map { .int($0.upper.nanoseconds) } ?? .null,
        ]
    }

    /// - Throws: `CalibrationTrouble` when it is none.
    init(_ value: Value) throws {
        guard let kind = Kind(rawValue: try value.text("kind")) else {
            throw CalibrationTrouble("a trouble that is not known: \(value.canonicalJSON)")
        }
        self.init(kind, try value.text("text"), size: try value.duration("size"))
        if value["from"]?.asInt != nil {
            bracket = Bracket(try value.instant("from"), try value.instant("to"))
        }
    }
}
