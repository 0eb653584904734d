public import MusterCore

/// A file's contents are what they were before it was corrupted.
///
/// Restored only where the file is still as injected (each byte of the ranges before or during, the rest
/// untouched) or absent. Anything else is somebody's recovery or work: it stays, and both copies are kept.
public struct FileAsBefore: Fact {
    public static let kind = "file-as-before"
    public var path: String
    /// The copy that was made before.
    public var backup: String
    /// Where a file that was removed meanwhile is put together again before it is renamed into place.
    public var staging: String
    public var size: Int64
    /// SHA-256 before, of all and of what lies outside the ranges.
    public var digest: String
    public var maskedDigest: String
    var pattern: CorruptionPattern

    init(
        path: String, backup: String, staging: String, size: Int64, digest: String, maskedDigest: String,
        pattern: CorruptionPattern
    ) {
        self.path = path
        self.backup = backup
        self.staging = staging
        self.size = size
        self.digest = digest
        self.maskedDigest = maskedDigest
        self.pattern = pattern
    }

    public init(fields: Value) throws {
        let ranges = try (fields["ranges"]?.asList ?? []).map { pair -> Range<Int64> in
            guard let ends = pair.asList?.compactMap(\.asInt), ends.count == 2, ends[0] >= 0, ends[1] > 0
            else {
                throw FactError.unreadable(kind: Self.kind, "a range is not [offset, length]")
            }
            return ends[0]..<(ends[0] + ends[1])
        }
        self.init(
            path: try fields.text("path", of: Self.kind), backup: try fields.text("backup", of: Self.kind),
            staging: try fields.text("staging", of: Self.kind), size: try fields.int("size", of: Self.kind),
            digest: try fields.text("digest", of: Self.kind),
            maskedDigest: try fields.text("maskedDigest", of: Self.kind),
            pattern: CorruptionPattern(ranges: ranges, seed: Int(try fields.int("seed", of: Self.kind))))
    }

    public var fields: Value {
        [
            "path": .text(path), "backup": .text(backup), "staging": .text(staging), "size": .int(size),
            "digest": .text(digest), "maskedDigest": .text(maskedDigest), "seed": .int(Int64(pattern.seed)),
            "ranges": .list(
                pattern.ranges.map { [.int($0.lowerBound), .int($0.upperBound - $0.lowerBound)] }),
        ]
    }

    public var sentence: String { "\(path) has the contents that it had before" }
    public var byHand: [[String]] { [["cp", "--preserve=all", backup, path]] }

    public func state(on host: any HostReader) throws -> FactState {
        guard let found = try host.digest(of: path) else { return .violated("\(path) is gone") }
        return found == digest
            ? .holds : .violated("\(path) has other contents (SHA-256 \(found.prefix(12))…)")
    }

    public func restore(on host: any Host) throws {
        guard try host.digest(of: backup) == digest else {
            throw FactError.cannotRestore(
                "the copy \(backup) is missing or damaged; \(path) is left as it is, restore it from a backup"
            )
        }
        guard let found = try host.status(of: path) else { return try putBack(on: host) }
        guard found.kind == .file, found.size == size,
            try host.digest(of: path, masking: pattern.ranges) == maskedDigest
        else { throw try changed(on: host) }
        for range in pattern.ranges {
            let before = try bytes(of: backup, range, on: host)
            let now = try bytes(of: path, range, on: host)
            guard pattern.explains(now, before: before, from: range.lowerBound) else {
                throw try changed(on: host)
            }
            if now != before { try host.overwrite(path, at: range.lowerBound, with: before) }
        }
    }

    /// By copy and rename, so that a crash never leaves half a file in its place.
    private func putBack(on host: any Host) throws {
        try host.remove(staging)
        try host.copyFile(backup, to: staging)
        try host.rename(staging, to: path)
    }

    private func bytes(of path: String, _ range: Range<Int64>, on host: any HostReader) throws -> [UInt8] {
        try host.read(path, from: range.lowerBound, count: Int(range.upperBound - range.lowerBound)) ?? []
    }

    private func changed(on host: any HostReader) throws -> FactError {
        let found = try host.digest(of: path).map { "SHA-256 \($0.prefix(12))…" } ?? "no file"
        return .changedByOthers(
            found: "\(found) at \(path)",
            expected:
                "SHA-256 \(digest.prefix(12))… or the bytes that the drill wrote; the original is kept as \(backup)"
        )
    }
}
