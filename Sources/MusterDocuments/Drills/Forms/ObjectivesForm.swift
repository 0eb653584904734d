import MusterCore
import MusterDrills

/// `objectives:` of a drill, a service or a tier.
struct ObjectivesForm: Formed {
    var rto: RecoveryTimeForm?
    var rpo: Duration?
    var allowPostFaultLoss: PostFaultLoss?
    var integrity: Integrity?
    var availability: AvailabilityGoal?
    var latency: LatencyGoal?
    var degradation: Duration?
    var detect: Duration?
    var loosened: Loosening?

    enum Integrity: String, FormWord { case strict }

    static let form = Form(
        "objectives", "What must be met; an objective that is left out is not judged.",
        blank: ObjectivesForm(),
        fields: [
            Field("rto", \.rto, "Recovery time objective: a duration, or { max: 2s, from: fault }."),
            Field("rpo", \.rpo, "Recovery point objective; 0s is judged by count."),
            Field(
                "allowPostFaultLoss", \.allowPostFaultLoss,
                "Which writes acknowledged after the fault, as when two sides accept writes, may be lost without "
                    + "missing the recovery point: false, none; 3s, those acknowledged no later than this after the "
                    + "fault; true, any. Left out: as the service says, or false."),
            Field(
                "integrity", \.integrity,
                "strict: no duplicate, phantom, aborted-visible, resurrected, reordered, stale or divergent entry."
            ),
            Field(
                "availability", \.availability,
                "The least share of answered samples in a window that starts at the fault: { min: 95%, window: 30s }."
            ),
            Field(
                "latency", \.latency,
                "The most that a quantile of latency may be in a window that starts at the fault: "
                    + "{ quantile: 99%, max: 250ms, window: 30s }."),
            Field(
                "degradation", \.degradation, "How long it may be down or slow altogether after the fault."),
            Field(
                "detect", \.detect, "The most that may pass from the fault until an expected alert fires.",
                in: { $0 > .zero ? nil : "more than nothing" }),
            Field(
                "loosened", \.loosened, "Who allowed a looser objective than the service's, and until when."),
        ])
}

/// `2s`, or `{ max: 2s, from: fault }`.
struct RecoveryTimeForm: FormValue {
    var max: Duration
    var from: Objectives.ClockStart
    var detectBudget: Duration?

    static var shape: Shape { .either([.duration, Fields.shape]) }
    var value: Value { Fields(max: max, from: from, detectBudget: detectBudget).value }

    init(node: FormNode) throws {
        if node.entries == nil {
            max = try Duration(node: node)
            from = .fault
        } else {
            let fields = try Fields(node: node)
            max = fields.max
            from = fields.from
            detectBudget = fields.detectBudget
        }
    }

    struct Fields: Formed {
        var max: Duration = .zero
        var from = Objectives.ClockStart.fault
        var detectBudget: Duration?

        static let form = Form(
            "rto", "Recovery time objective.", blank: Fields(),
            fields: [
                Field(required: "max", \.max, "The most that recovery may take."),
                Field(
                    "from", \.from, default: .fault,
                    "fault: from the injection; declared: from the first runbook step; detected: from the first "
                        + "expected alert."),
                Field(
                    "detectBudget", \.detectBudget,
                    "With from: fault, where the drill itself starts a runbook: what counts instead of the time until "
                        + "then, as if somebody had had to notice."),
            ],
            check: { fields in
                if fields.detectBudget != nil, fields.from != .fault {
                    throw FormProblem(
                        "the clock runs only from \(fields.from == .declared ? "the declaration" : "the detection")",
                        at: nil, path: "detectBudget",
                        expected: fields.from == .declared ? "from: fault" : "detect: under 'objectives:'")
                }
            })
    }
}

/// Why an objective may be looser than the one it inherits.
struct Loosening: Formed {
    var reason = ""
    var approver = ""
    var expires = CalendarDay(year: 1970, month: 1, day: 1)

    static let form = Form(
        "loosened", "Why an objective may be looser than the one it inherits.", blank: Loosening(),
        fields: [
            Field(required: "reason", \.reason, "Why."),
            Field(required: "approver", \.approver, "Who allowed it."),
            Field(required: "expires", \.expires, "The last day on which it holds, such as 2027-03-31."),
        ])
}

/// A day of the Gregorian calendar, written 2027-03-31 (ISO 8601), in UTC.
struct CalendarDay: FormValue, Comparable {
    var year: Int
    var month: Int
    var day: Int

    static var shape: Shape { .text }
    var value: Value { .text(text) }
    var text: String {
        let pad = { (number: Int, width: Int) in
            String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
        }
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
    }

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(node: FormNode) throws {
        let parts = (node.text ?? "").split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2] else {
            throw FormProblem("found \(node.inWords)", at: node.place, expected: "a day, such as 2027-03-31")
        }
        self.init(year: year, month: month, day: day)
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard text == node.text, (1...12).contains(month), (1...lengths[month - 1]).contains(day) else {
            throw FormProblem("found \(node.inWords)", at: node.place, expected: "a day, such as 2027-03-31")
        }
    }

    /// The day of a wall-clock time.
    init(utcNanoseconds: Int64) {
        let perDay: Int64 = 86_400_000_000_000
        let days = utcNanoseconds / perDay - (utcNanoseconds % perDay < 0 ? 1 : 0)
        let date = CivilDate(daysSinceEpoch: days)
        self.init(year: Int(date.year), month: Int(date.month), day: Int(date.day))
    }

    static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.year, lhs.month, lhs.day) < (rhs.year, rhs.month, rhs.day)
    }
}
