public import MusterCore

/// Takes the space of a file system.
public struct DiskFill: Fault {
    public var size: ByteCount?
    public var percent: Percentage?
    public var leave: ByteCount?
    public var mount: String?
    public var floor: ByteCount?
    public var cap = ByteCount(64 << 30)
    public var within = Duration.seconds(30)

    public init() {}

    public static var form: Form<Self> {
        Form(
            "disk-fill", "Takes the free space of a file system with one file of ours.",
            example: "inject: disk-fill\ninto: data\nfor: 10s\nrecovery: after\n"
                + "with: { leave: 4MiB, floor: 4MiB, mount: /srv/data }",
            blank: Self(),
            fields: [
                Field("size", \.size, "Takes this much.", in: positive),
                Field("percent", \.percent, "Takes this share of the space that is free.") {
                    $0.millionths == 0 ? "more than 0%" : nil
                },
                Field("leave", \.leave, "Takes all but this much of the space that is free."),
                Field("mount", \.mount, "The mount point that the target must be on; refused on any other.") {
                    $0.hasPrefix("/") ? nil : "an absolute path"
                },
                Field(
                    "floor", \.floor,
                    "Stays free in any case: at least 1% of the file system, and 64MiB where it is no loop mount, "
                        + "when left out."),
                Field(
                    "cap", \.cap, default: ByteCount(64 << 30), "Never takes more than this.", in: positive),
                Field("within", \.within, default: .seconds(30), "Stops taking more after this time.") {
                    (.milliseconds(100)...(.seconds(600))) ~= $0 ? nil : "from 100ms to 10m"
                },
            ],
            check: { fill in
                let given = [fill.size != nil, fill.percent != nil, fill.leave != nil].filter { $0 }.count
                guard given == 1 else {
                    throw FormProblem(
                        "\(given) of size, percent and leave are given", at: nil,
                        expected: "exactly one of them")
                }
            })
    }

    @Sendable private static func positive(_ size: ByteCount) -> String? {
        size.bytes > 0 ? nil : "more than 0B"
    }

    public static let targets: Set<Target.Kind> = [.path]
    public var persistence: Persistence { .held }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("fallocate(2), or writing where the file system cannot")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let fill = try prepare(target, as: id, on: host)
        let isLoop = fill.fileSystem.source.hasPrefix("/dev/loop")
        let fact = FileAbsent(
            path: fill.path, phase: .fills, mountPoint: fill.fileSystem.mountPoint,
            volatileSince: isLoop ? try host.bootID() : nil)
        return UndoPlan(
            facts: [fact],
            claims: [Claim("file-system", fill.fileSystem.mountPoint)],
            touches: [
                "takes \(ByteCount(fill.bytes).forPeople) of the "
                    + "\(ByteCount(fill.fileSystem.availableBytes).forPeople) free on "
                    + "\(fill.fileSystem.mountPoint) (\(fill.fileSystem.type), \(fill.fileSystem.source))"
            ])
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        // Looked at again: between plan and now the mount may have gone and left the root's directory.
        let fill = try prepare(target, as: id, on: host)
        guard let planned = plan.facts.lazy.compactMap({ $0 as? FileAbsent }).first,
            planned.path == fill.path, planned.mountPoint == fill.fileSystem.mountPoint
        else {
            throw FaultRefusal(
                .unsafe, "the target's file system changed since the plan", advice: "plan again")
        }
        try host.createFile(fill.path, contents: [], mode: 0o600)
        _ = try host.allocate(fill.path, size: fill.bytes, deadline: within)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard let fact = facts.lazy.compactMap({ $0 as? FileAbsent }).first,
            let file = try host.status(of: fact.path), file.allocated > 0
        else { return .notYet("nothing is taken yet") }
        let free = try host.fileSystem(holding: fact.path).availableBytes
        return .proven(
            "\(ByteCount(file.allocated).forPeople) taken, \(ByteCount(free).forPeople) left free")
    }

    private func prepare(
        _ target: Target, as id: InjectionID, on host: any HostReader
    ) throws -> (path: String, bytes: Int64, fileSystem: FileSystem) {
        let path = try Refusals.path(of: target, on: host)
        guard let status = try host.status(of: path), status.kind == .directory else {
            throw FaultRefusal(
                .wrongTarget, "\(path) is no directory", advice: "aim at a directory on the file system")
        }
        let system = try host.fileSystem(holding: path)
        try FillSafety(fileSystem: system, mount: mount, target: target).check(
            device: status.device, path, on: host)
        let bytes = try room(on: system)
        return (path.appending(pathComponent: ".muster-\(id).fill"), bytes, system)
    }

    /// - Throws: when the floor would not stay free.
    func room(on system: FileSystem) throws -> Int64 {
        let free = system.availableBytes
        let wanted: Int64
        if let size {
            wanted = size.bytes
        } else if let percent {
            wanted = Int64(Double(free) * percent.fraction)
        } else {
            wanted = free - (leave?.bytes ?? 0)
        }
        let ownDisk = system.source.hasPrefix("/dev/loop")
        let floor = self.floor?.bytes ?? max(system.totalBytes / 100, ownDisk ? 0 : 64 << 20)
        guard wanted > 0, free - wanted >= floor else {
            throw FaultRefusal(
                .unsafe,
                "taking \(ByteCount(max(0, wanted)).forPeople) of the \(ByteCount(free).forPeople) free on "
                    + "\(system.mountPoint) would not leave the floor of \(ByteCount(floor).forPeople)",
                advice: "take less, or lower `floor`")
        }
        guard wanted <= cap.bytes else {
            throw FaultRefusal(
                .unsafe, "\(ByteCount(wanted).forPeople) is more than the cap of \(cap.forPeople)",
                advice: "take less, or raise `cap`")
        }
        return wanted
    }
}
