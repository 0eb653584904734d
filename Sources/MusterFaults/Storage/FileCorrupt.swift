public import MusterCore

/// Damages bytes of a file in place, as a failing disk or a wild write would.
public struct FileCorrupt: Fault {
    public var bytes = ByteCount(64)
    public var pieces = 4
    public var ranges: [ByteRange] = []
    public var seed = 1

    public init() {}

    public static var form: Form<Self> {
        Form(
            "file-corrupt",
            "Damages bytes of a file in place; the recovery under test mends it, or the copy made before does.",
            example: "inject: file-corrupt\ninto: database\nwith: { bytes: 64B, pieces: 4, seed: 7 }",
            blank: Self(),
            fields: [
                Field(
                    "bytes", \.bytes, default: ByteCount(64), "How many bytes, drawn with `seed`.",
                    in: { (1...(16 << 20)) ~= $0.bytes ? nil : "from 1B to 16MiB" }),
                Field(
                    "pieces", \.pieces, default: 4, "In how many places, spread over the file.",
                    in: { (1...1024) ~= $0 ? nil : "from 1 to 1024" }),
                Field(
                    "ranges", \.ranges, default: [],
                    "Exactly these places instead, each OFFSET+LENGTH in bytes, such as 4096+16."
                ) { ByteRange.disorder(in: $0) },
                Field(
                    "seed", \.seed, default: 1, "Draws places and values; the same seed does the same damage."
                ),
            ])
    }

    public static let targets: Set<Target.Kind> = [.path]
    public var persistence: Persistence { .instant }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("writing in place, after a copy to \(host.site.quarantine)")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        let path = try Refusals.path(of: target, on: host)
        guard let status = try host.status(of: path), status.kind == .file, status.size > 0,
            let digest = try host.digest(of: path)
        else {
            throw FaultRefusal(
                .wrongTarget, "\(path) is no file with contents",
                advice: "aim at one file of the service's data")
        }
        let pattern = CorruptionPattern(ranges: try places(in: status.size, path), seed: seed)
        guard let masked = try host.digest(of: path, masking: pattern.ranges) else {
            throw FaultRefusal(.noMatch, "\(path) vanished while it was read", advice: "plan again")
        }
        let keep = try FillSafety.nearestExisting(host.site.quarantine, on: host)
        let free = try host.fileSystem(holding: keep).availableBytes
        // The copy now, and once more when a removed file has to be put back on the same disk.
        guard free > status.size * 2 + (16 << 20) else {
            throw FaultRefusal(
                .unsafe, "\(ByteCount(free).forPeople) free at \(keep) is too little for a copy of \(path)",
                advice: "free space there, or move Muster's state with --state")
        }
        let backup = "\(host.site.quarantine)/\(id).original"
        let staging = path.directory.appending(pathComponent: ".muster-\(id).restoring")
        let fact = FileAsBefore(
            path: path, backup: backup, staging: staging, size: status.size, digest: digest,
            maskedDigest: masked, pattern: pattern)
        return UndoPlan(
            facts: [fact, FileAbsent(path: staging, phase: .rest)],
            claims: [Claim("path", path)], disposals: [Disposal(path: backup)], mending: .byRecovery,
            touches: pattern.ranges.prefix(16).map {
                "damages \($0.upperBound - $0.lowerBound) bytes at \($0.lowerBound) of \(path)"
            })
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let fact = try plan.first(FileAsBefore.self)
        if try host.status(of: host.site.quarantine) == nil {
            try host.createDirectory(host.site.quarantine, mode: 0o700)
        }
        try host.copyFile(fact.path, to: fact.backup)
        guard try host.digest(of: fact.backup) == fact.digest else {
            throw FaultRefusal(
                .unsafe, "\(fact.path) changed while it was copied, so its original cannot be kept",
                advice: "stop or pause its writer first, or aim at a file that nobody writes")
        }
        for range in fact.pattern.ranges {
            let count = Int(range.upperBound - range.lowerBound)
            let before = try host.read(fact.backup, from: range.lowerBound, count: count) ?? []
            try host.overwrite(
                fact.path, at: range.lowerBound, with: fact.pattern.corrupted(before, from: range.lowerBound))
        }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        guard let fact = facts.lazy.compactMap({ $0 as? FileAsBefore }).first else {
            return .notYet("its fact is missing")
        }
        switch try fact.state(on: host) {
        case .violated(let found): return .proven(found)
        case .holds, .moot: return .notYet("\(fact.path) is as before")
        }
    }

    private func places(in size: Int64, _ path: String) throws -> [Range<Int64>] {
        guard !ranges.isEmpty else {
            return CorruptionPattern.draw(count: bytes.bytes, pieces: pieces, size: size, seed: seed)
        }
        guard let last = ranges.last, last.range.upperBound <= size else {
            throw FaultRefusal(
                .unsafe, "\(path) has \(size) bytes, and a range ends behind them",
                advice: "choose ranges within the file")
        }
        return ranges.map(\.range)
    }
}
