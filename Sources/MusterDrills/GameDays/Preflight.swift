public import MusterCore

/// One thing that is looked at, or asked, before a game day may begin.
public struct PreflightItem: GameDayDetail {
    public enum Status: String, Sendable, CaseIterable, Comparable {
        case ok, warn
        /// The day does not begin; a named approver may override it with a reason.
        case block

        public static func < (lhs: Self, rhs: Self) -> Bool {
            (allCases.firstIndex(of: lhs) ?? 0) < (allCases.firstIndex(of: rhs) ?? 0)
        }
    }
    /// The word by which it is confirmed and overridden.
    public var name: String
    public var status: Status
    /// What was found, a sentence without a full stop.
    public var text: String
    /// Asked of a person instead of looked at.
    public var isManual: Bool
    /// Who let it pass although it blocks, and why.
    public var override: Override?

    public struct Override: Hashable, Sendable {
        public var name: String
        public var reason: String
        public init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    public init(
        _ name: String, _ status: Status, _ text: String, isManual: Bool = false, override: Override? = nil
    ) {
        self.name = name
        self.status = status
        self.text = text
        self.isManual = isManual
        self.override = override
    }

    public var blocks: Bool { status == .block && override == nil }

    public init?(_ value: Value) {
        guard let name = value["item"]?.asText,
            let status = value["status"]?.asText.flatMap(Status.init(rawValue:)),
            let text = value["text"]?.asText
        else { return nil }
        let override = value["override"].flatMap { value -> Override? in
            guard let name = value["name"]?.asText, let reason = value["reason"]?.asText else { return nil }
            return Override(name: name, reason: reason)
        }
        self.init(name, status, text, isManual: value["manual"]?.asBool ?? false, override: override)
    }

    public var value: Value {
        [
            "item": .text(name), "status": .text(status.rawValue), "text": .text(text),
            "manual": .bool(isManual),
            "override": override.map { ["name": .text($0.name), "reason": .text($0.reason)] } ?? .null,
        ]
    }
}
