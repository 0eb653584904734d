public import MusterCore

/// One process, known by its identity, is not stopped by a signal.
public struct NotSuspended: Fact, Hashable {
    public static let kind = "not-suspended"
    public var process: ProcessIdentity
    /// The kernel's name for it, for people.
    public var name: String

    public init(process: ProcessIdentity, name: String) {
        self.process = process
        self.name = name
    }

    public init(fields: Value) throws {
        guard let process = fields["process"].flatMap(ProcessIdentity.init) else {
            throw FactError.unreadable(kind: Self.kind, "no process")
        }
        self.init(process: process, name: fields["name"]?.asText ?? "?")
    }

    public var fields: Value { ["process": process.stored, "name": .text(name)] }
    public var sentence: String { "process \(process.pid) (\(name)) is not suspended" }
    public var byHand: [[String]] { [["kill", "-CONT", String(process.pid)]] }

    public func state(on host: any HostReader) throws -> FactState {
        guard let found = try host.process(process), !found.isZombie else {
            return .moot("process \(process.pid) (\(name)) is gone")
        }
        return found.isSuspended ? .violated("process \(process.pid) (\(name)) is suspended") : .holds
    }

    public func restore(on host: any Host) throws { try host.signal(process, .cont) }
}
