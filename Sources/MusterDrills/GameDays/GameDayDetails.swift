public import MusterCore

/// What the `detail` of an entry can be read as.
public protocol GameDayDetail: Hashable, Sendable {
    var value: Value { get }
    /// nil for what was not written by `value`.
    init?(_ value: Value)
}

extension GameDayEntry {
    /// The detail as that type; nil when it is another.
    public func detail<Detail: GameDayDetail>(as type: Detail.Type = Detail.self) -> Detail? {
        Detail(detail)
    }
}

/// Who allowed what. The texts themselves are the day's `GameDayDocument`s of this approval.
public struct GameDayApproval: GameDayDetail {
    public var name: String
    public var ticket: String?
    /// SHA-256 over the paths and hashes of everything that is frozen.
    public var planHash: String
    /// The plan's title and zone (IANA) as they were approved; nil in what earlier versions wrote.
    public var title: String?
    public var zone: String?

    public init(
        name: String, ticket: String? = nil, planHash: String, title: String? = nil, zone: String? = nil
    ) {
        self.name = name
        self.ticket = ticket
        self.planHash = planHash
        self.title = title
        self.zone = zone
    }

    public init?(_ value: Value) {
        guard let name = value["name"]?.asText, let planHash = value["planHash"]?.asText else { return nil }
        self.init(
            name: name, ticket: value["ticket"]?.asText, planHash: planHash, title: value["title"]?.asText,
            zone: value["zone"]?.asText)
    }

    public var value: Value {
        [
            "name": .text(name), "ticket": .optional(ticket), "planHash": .text(planHash),
            "title": .optional(title), "zone": .optional(zone),
        ]
    }
}

/// A text as it was when the plan was approved.
public struct GameDayDocument: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case gameDay = "game-day"
        case drill, runbook, services
        /// What is expected of a drill, in words: its card, and what its file expects.
        case expectation
    }
    /// From the project's folder on; of an expectation the name of its drill in the day.
    public var path: String
    public var kind: Kind
    /// SHA-256 in hexadecimal.
    public var hash: String
    public var text: String

    public init(path: String, kind: Kind, hash: String, text: String) {
        self.path = path
        self.kind = kind
        self.hash = hash
        self.text = text
    }
}

/// What became of one drill of the day.
public struct GameDayDrillEvent: GameDayDetail {
    public enum Phase: String, Sendable, CaseIterable {
        case started, finished, skipped
        /// It was announced, and whoever carried the day out died before it began.
        case notBegun = "not-begun"
        /// The gate behind it was passed.
        case settled
        /// The gate behind it was not passed.
        case unsettled
    }
    /// From 0 on.
    public var position: Int
    public var name: String
    public var phase: Phase
    /// Of `finished`: what `muster run` ended with; nil when nobody saw how it ended.
    public var exitCode: Int?
    /// The outcome's number, where there is one.
    public var outcome: Int?
    public var verdict: Verdict?
    /// What it may cost its service, and of `finished` what it did; nil without an error budget to be spent.
    public var spending: GameDaySpending?

    public init(
        position: Int, name: String, phase: Phase, exitCode: Int? = nil, outcome: Int? = nil,
        verdict: Verdict? = nil, spending: GameDaySpending? = nil
    ) {
        self.position = position
        self.name = name
        self.phase = phase
        self.exitCode = exitCode
        self.outcome = outcome
        self.verdict = verdict
        self.spending = spending
    }

    public init?(_ value: Value) {
        guard let position = value["position"]?.asInt, let name = value["name"]?.asText,
            let phase = value["phase"]?.asText.flatMap(Phase.init(rawValue:))
        else { return nil }
        self.init(
            position: Int(position), name: name, phase: phase,
            exitCode: value["exitCode"]?.asInt.map { Int($0) },
            outcome: value["outcome"]?.asInt.map { Int($0) },
            verdict: value["verdict"]?.asText.flatMap(Verdict.init(rawValue:)),
            spending: GameDaySpending(value["spending"]))
    }

    public var value: Value {
        [
            "position": .int(Int64(position)), "name": .text(name), "phase": .text(phase.rawValue),
            "exitCode": exitCode.map { .int(Int64($0)) } ?? .null,
            "outcome": outcome.map { .int(Int64($0)) } ?? .null,
            "verdict": verdict.map { .text($0.rawValue) } ?? .null,
            "spending": spending?.value ?? .null,
        ]
    }
}

/// Somebody came or went.
public struct GameDayAttendance: GameDayDetail {
    public var name: String
    public var isHere: Bool

    public init(name: String, isHere: Bool) {
        self.name = name
        self.isHere = isHere
    }

    public init?(_ value: Value) {
        guard let name = value["name"]?.asText, let isHere = value["here"]?.asBool else { return nil }
        self.init(name: name, isHere: isHere)
    }

    public var value: Value { ["name": .text(name), "here": .bool(isHere)] }
}

/// What must be known or mended.
public struct GameDayFinding: GameDayDetail {
    /// Whoever must know is told at once, before the report.
    public var isCritical: Bool

    public init(isCritical: Bool) { self.isCritical = isCritical }

    public init?(_ value: Value) {
        guard let isCritical = value["critical"]?.asBool else { return nil }
        self.init(isCritical: isCritical)
    }

    public var value: Value { ["critical": .bool(isCritical)] }
}

/// What somebody said in the hot wash.
public struct HotwashRemark: GameDayDetail {
    public enum Section: String, FormWord {
        case well, poorly, lucky, surprised
        /// What to do better in the next game day.
        case next
        /// What a participant says of the day itself.
        case feedback
    }
    public var section: Section

    public init(_ section: Section) { self.section = section }

    public init?(_ value: Value) {
        guard let section = value["section"]?.asText.flatMap(Section.init(rawValue:)) else { return nil }
        self.init(section)
    }

    public var value: Value { ["section": .text(section.rawValue)] }
}
