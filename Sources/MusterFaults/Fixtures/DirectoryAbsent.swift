public import MusterCore

/// A directory that we made, with all that a drill put into it, is not there.
///
/// It is told from somebody else's of the same name by a file in it that carries the injection's id, and it is
/// renamed to a name of ours before it is emptied, so that a crash half-way does not lose that sign.
public struct DirectoryAbsent: Fact, Hashable {
    public static let kind = "directory-absent"
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
    public var sentence: String { "\(path) does not exist" }
    public var byHand: [[String]] { [["rm", "-rf", "--one-file-system", path], ["rm", "-rf", ours]] }
    /// The name under which it is made and emptied.
    var ours: String { "\(path).muster-\(id)" }
    var mark: String { ".muster-\(id)" }

    public func state(on host: any HostReader) throws -> FactState {
        if try host.status(of: path) != nil { return .violated("\(path) is there") }
        return try host.status(of: ours) != nil ? .violated("\(ours) is there") : .holds
    }

    public func restore(on host: any Host) throws {
        try host.removeTree(ours)
        guard try host.status(of: path) != nil else { return }
        guard try host.status(of: path.appending(pathComponent: mark)) != nil else {
            throw FactError.changedByOthers(
                found: "a directory that is not ours at \(path)", expected: "our own")
        }
        guard try host.fileSystem(holding: path).mountPoint != path else {
            throw FactError.cannotRestore("something is still mounted on \(path)")
        }
        try host.rename(path, to: ours)
        try host.removeTree(ours)
    }
}
