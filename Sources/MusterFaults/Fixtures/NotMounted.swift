public import MusterCore

/// Nothing of ours is mounted on a directory.
public struct NotMounted: Fact, Hashable {
    public static let kind = "not-mounted"
    public var id: InjectionID
    public var path: String

    public init(id: InjectionID, path: String) {
        self.id = id
        self.path = path
    }

    public init(fields: Value) throws {
        self.init(id: try fields.id(of: Self.kind), path: try fields.text("path", of: Self.kind))
    }

    public var fields: Value { ["id": .text(id.rawValue), "path": .text(path)] }
    public var phase: MendingPhase { .fixtures }
    public var sentence: String { "nothing is mounted on \(path)" }
    public var byHand: [[String]] { [["umount", path]] }

    public func state(on host: any HostReader) throws -> FactState {
        guard try host.status(of: path) != nil else { return .holds }
        let system = try host.fileSystem(holding: path)
        return system.mountPoint == path ? .violated("\(system.source) is mounted on \(path)") : .holds
    }

    public func restore(on host: any Host) throws {
        guard let umount = host.tool("umount") else {
            throw FactError.cannotRestore("umount is missing: apt-get install mount")
        }
        let result = try host.run([umount, path], as: id, deadline: .seconds(20))
        guard try state(on: host).isSettled else {
            throw FactError.cannotRestore(
                "umount \(path): \(result.endingInWords): \(result.errors.prefix(200)); fuser -vm \(path) shows by whom"
            )
        }
    }
}
