public import MusterCore

/// A file of ours, whose name carries the injection's id, is not there.
public struct FileAbsent: Fact, Hashable {
    public static let kind = "file-absent"
    public var path: String
    /// When it is removed: a fill early, because it frees the space that the rest needs.
    public var phase: MendingPhase
    /// The mount point that must be in place for its absence to mean anything; nil when any will do.
    public var mountPoint: String?
    /// The boot in which that mount was seen, where it would not survive another (a loop mount).
    public var volatileSince: String?

    public init(
        path: String, phase: MendingPhase, mountPoint: String? = nil, volatileSince: String? = nil
    ) {
        self.path = path
        self.phase = phase
        self.mountPoint = mountPoint
        self.volatileSince = volatileSince
    }

    public init(fields: Value) throws {
        let phase = Self.phases.first { $0.value == fields["phase"]?.asText }?.key ?? .rest
        self.init(
            path: try fields.text("path", of: Self.kind), phase: phase, mountPoint: fields["mount"]?.asText,
            volatileSince: fields["boot"]?.asText)
    }

    public var fields: Value {
        var map: [String: Value] = ["path": .text(path), "phase": .text(Self.phases[phase] ?? "rest")]
        if let mountPoint { map["mount"] = .text(mountPoint) }
        if let volatileSince { map["boot"] = .text(volatileSince) }
        return .map(map)
    }

    public var sentence: String { "\(path) does not exist" }
    public var byHand: [[String]] { [["rm", "-f", path]] }

    public func state(on host: any HostReader) throws -> FactState {
        if let found = try host.status(of: path) {
            return .violated("\(path) is there, \(ByteCount(found.allocated).forPeople)")
        }
        guard let mountPoint else { return .holds }
        let parent = path.directory
        let actual = try host.resolve(parent).map { try host.fileSystem(holding: $0).mountPoint } ?? "nothing"
        if actual != mountPoint, let volatileSince, try host.bootID() != volatileSince {
            return .moot("the host rebooted, and the loop mount at \(mountPoint) did not survive that")
        }
        return actual == mountPoint
            ? .holds
            : .violated("\(mountPoint) is not mounted (\(parent) is on \(actual)), so it cannot be seen")
    }

    public func restore(on host: any Host) throws { try host.remove(path) }

    /// Words instead of numbers, so that a phase added later moves none of those that are stored.
    private static let phases: [MendingPhase: String] = [
        .fills: "fills", .rest: "rest", .fixtures: "fixtures",
    ]
}

extension String {
    /// The path of the directory that holds this absolute path.
    var directory: String {
        guard let slash = lastIndex(of: "/"), slash != startIndex else { return "/" }
        return String(self[..<slash])
    }

    func appending(pathComponent name: String) -> String { self == "/" ? "/" + name : self + "/" + name }
}
