public import MusterCore

/// As many processes match a selector as before a kill.
public struct SelectorMatches: Fact {
    public static let kind = "selector-matches"
    public var target: Target
    /// At least so many.
    public var count: Int
    /// Who was struck, so that another process than these proves both the kill and the return.
    public var struck: [ProcessIdentity]
    /// The unit that brings them back by its own `Restart=`.
    public var unit: String?

    public init(target: Target, count: Int, struck: [ProcessIdentity], unit: String?) {
        self.target = target
        self.count = count
        self.struck = struck
        self.unit = unit
    }

    public init(fields: Value) throws {
        guard let target = fields["target"].flatMap(Target.init), target.kind == .process else {
            throw FactError.unreadable(kind: Self.kind, "no target that is a process")
        }
        self.init(
            target: target, count: Int(try fields.int("count", of: Self.kind)),
            struck: fields["struck"]?.asList?.compactMap(ProcessIdentity.init) ?? [],
            unit: fields["unit"]?.asText)
    }

    public var fields: Value {
        var map: [String: Value] = [
            "target": target.value, "count": .int(Int64(count)), "struck": .list(struck.map(\.stored)),
        ]
        if let unit { map["unit"] = .text(unit) }
        return .map(map)
    }

    /// Last: only when the fixtures are down is it known whether somebody is left to be brought back.
    public var phase: MendingPhase { .population }
    public var sentence: String { "\(count) of \(selector?.inWords ?? "its target") run" }

    public var byHand: [[String]] {
        if !target.restart.isEmpty { return [target.restart] }
        if let unit { return [["systemctl", "restart", unit]] }
        if case .fixture(let name, _)? = selector { return [["muster", "fixture", "start", name]] }
        return []
    }

    public func state(on host: any HostReader) throws -> FactState {
        guard let selector else { return .moot("its target is no process") }
        if case .fixture(let name, let id) = selector, try host.supervisor(of: id) == nil {
            return .moot("fixture '\(name)' was taken down")
        }
        let found = try selector.processes(on: host, sparingMuster: !target.allow.contains("muster")).count
        return found >= count ? .holds : .violated("\(found) of \(selector.inWords) run")
    }

    public func restore(on host: any Host) throws {
        if case .fixture(_, let id)? = selector {
            _ = try host.ask(supervisorOf: id, .start)
        } else if !target.restart.isEmpty {
            let result = try host.restart(target.restart, deadline: .seconds(20))
            guard result.succeeded else {
                throw FactError.cannotRestore(
                    "the declared restart `\(target.restart.joined(separator: " "))` ended with "
                        + "\(result.endingInWords): \(result.errors.prefix(300))")
            }
        }
        // A unit needs nothing but time; the others need a moment too.
        guard try host.poll(for: .seconds(10), { try state(on: host).isSettled }) else {
            throw FactError.cannotRestore(
                "nobody brought \(selector?.inWords ?? "its target") back within 10 s")
        }
    }

    private var selector: ProcessSelector? {
        if case .process(let selector) = target.selector { selector } else { nil }
    }
}
