public import MusterCore

/// A fresh directory for a drill, with a file system of its own where it has a size. Internal: made for
/// fixtures, so that what a drill fills or damages is nobody else's.
public struct Scratch: Fault {
    public var path = ""
    public var size: ByteCount?

    /// The directory for temporary files within it: whoever's TMPDIR this is leaves nothing elsewhere. Open to all
    /// users, as /tmp is.
    public static func temporary(in path: String) -> String { path.appending(pathComponent: ".tmp") }

    public init() {}

    public init(path: String, size: ByteCount? = nil) {
        self.path = path
        self.size = size
    }

    public static var form: Form<Self> {
        Form(
            "scratch", "Makes a fresh directory, with a file system of its own where it has a size.",
            blank: Self(),
            fields: [
                Field(required: "path", \.path, "The directory; it must not exist yet.") {
                    $0.hasPrefix("/") && !$0.hasSuffix("/") ? nil : "an absolute path"
                },
                Field("size", \.size, "Gives it an ext4 file system of this size in an image (root).") {
                    $0.bytes >= 4 << 20 ? nil : "at least 4MiB"
                },
            ])
    }

    public static let targets: Set<Target.Kind> = [.host]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        guard host.userID() == 0 else { return .ready("a directory; one with a size needs root (mount(2))") }
        guard host.tool("mkfs.ext4") != nil, host.tool("mount") != nil else {
            return .missing("mkfs.ext4 or mount", enable: "apt-get install e2fsprogs mount")
        }
        return .ready("a directory; one with a size on a loop mount")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let parent = path.directory
        guard try host.resolve(parent) == parent else {
            throw FaultRefusal(
                .noMatch, "\(parent) does not exist or is reached through a link",
                advice: "create it first, and name it by its real path")
        }
        let directory = DirectoryAbsent(id: id, path: path)
        guard let size else {
            return UndoPlan(facts: [directory], claims: [Claim("scratch", path)], touches: ["makes \(path)"])
        }
        try Refusals.needRoot("mounting a file system for \(path)", on: host)
        for tool in ["mkfs.ext4", "mount", "umount", "truncate"] where host.tool(tool) == nil {
            throw FaultRefusal(.noMechanism, "\(tool) is missing", advice: "apt-get install e2fsprogs mount")
        }
        let free = try host.fileSystem(holding: parent).availableBytes
        guard free > size.bytes + (64 << 20) else {
            throw FaultRefusal(
                .unsafe, "\(ByteCount(free).forPeople) free at \(parent) is too little for \(size.forPeople)",
                advice: "free space, or ask for less")
        }
        return UndoPlan(
            facts: [
                NotMounted(id: id, path: path), directory, FileAbsent(path: image(id), phase: .fixtures),
            ],
            claims: [Claim("scratch", path)],
            touches: ["makes \(path) with an ext4 file system of \(size.forPeople) (loop mount)"])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let directory = DirectoryAbsent(id: id, path: path)
        // Made under a name of ours and marked before it gets its own: see `DirectoryAbsent`.
        try host.createDirectory(directory.ours, mode: 0o755)
        try host.createFile(
            directory.ours.appending(pathComponent: directory.mark), contents: [], mode: 0o600)
        try host.rename(directory.ours, to: path)
        if let size { try mount(size, as: id, on: host) }
        try host.createDirectory(Self.temporary(in: path), mode: 0o1777)
    }

    private func mount(_ size: ByteCount, as id: InjectionID, on host: any Host) throws {
        let image = image(id)
        try host.createFile(image, contents: [], mode: 0o600)
        try run("truncate", ["--size=\(size.bytes)", image], as: id, on: host)
        try run("mkfs.ext4", ["-q", "-F", "-m", "0", image], as: id, on: host)
        try run("mount", ["-o", "loop", image, path], as: id, on: host)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard try host.status(of: path) != nil else { return .notYet("\(path) is not there") }
        let system = try host.fileSystem(holding: path)
        guard size == nil || system.mountPoint == path else { return .notYet("\(path) is not mounted") }
        return .proven("\(path) is there, \(ByteCount(system.availableBytes).forPeople) free")
    }

    private func image(_ id: InjectionID) -> String { "\(path).muster-\(id).img" }

    private func run(_ tool: String, _ arguments: [String], as id: InjectionID, on host: any Host) throws {
        let result = try host.run([host.tool(tool) ?? tool] + arguments, as: id, deadline: .seconds(20))
        guard result.succeeded else {
            throw HostError(
                .failed, "\(tool) \(arguments.joined(separator: " "))",
                "\(result.endingInWords): \(result.errors.prefix(300))")
        }
    }
}
