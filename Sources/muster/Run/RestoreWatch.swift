import Foundation
import Glibc
import MusterCore
import MusterDrills
import MusterProbes

/// A place that something is restored to.
enum RestorePlace {
    /// - Throws: `Refusal` where something is there already: it would be mixed with what is restored, or lost.
    static func check(_ path: String) throws {
        switch count(in: path) {
        case .missing: return
        case .directory(0): return
        case .directory(let count):
            throw Refusal(
                .refused,
                "refused to restore into \(path): it is not empty (\(count) \(count == 1 ? "entry" : "entries"), such as "
                    + "'\(first(in: path))'), and a restore must never run into what is there",
                advice: "name a place that is not there yet, or move aside what it holds")
        case .other:
            throw Refusal(
                .refused, "refused to restore into \(path): something that is no directory is there",
                advice: "name a place that is not there yet")
        case .unreadable(let why):
            throw Refusal(
                .refused, "refused to restore into \(path): whether it is empty cannot be told: \(why)",
                advice: "name a place that can be looked at")
        }
    }

    enum Found {
        case missing
        case directory(Int)
        case other
        case unreadable(String)
    }

    static func count(in path: String) -> Found {
        var status = stat()
        // Also a link, which leads to somebody's data.
        guard lstat(path, &status) == 0 else {
            return errno == ENOENT ? .missing : .unreadable(String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return .other }
        do { return .directory(try FileManager.default.contentsOfDirectory(atPath: path).count) } catch {
            return .unreadable(error.localizedDescription)
        }
    }

    /// Files below a place, directories not counted; counted no further than to a thousand.
    /// - Returns: nil where that cannot be told.
    static func files(in path: String) -> Int? {
        switch count(in: path) {
        case .missing: return 0
        case .other, .unreadable: return nil
        case .directory:
            guard let all = FileManager.default.enumerator(atPath: path) else { return nil }
            var count = 0
            while count < 1000, all.nextObject() != nil {
                if all.fileAttributes?[.type] as? FileAttributeType != .typeDirectory { count += 1 }
            }
            return count
        }
    }

    private static func first(in path: String) -> String {
        (try? FileManager.default.contentsOfDirectory(atPath: path))?.min() ?? ""
    }
}

/// Watches one restore: that its place is clean, and that what it restores from is afterwards what it was before.
struct RestoreWatch {
    private let plan: RestorePlan
    private let isCancelled: @Sendable () -> Bool
    private let before: DatasetTaker

    /// - Throws: `Refusal` where the place is not clean, or the source cannot be read.
    init(_ plan: RestorePlan, directory: String, isCancelled: @escaping @Sendable () -> Bool) throws {
        self.plan = plan
        self.isCancelled = isCancelled
        try RestorePlace.check(plan.into)
        let datasets = plan.source.map { path in
            var files = FilesDataset()
            files.files = path
            return DrillDataset(name: path, kind: "files", dataset: files, setting: DatasetSetting())
        }
        // Nothing that is restored from carries the names of this run's entries as its own.
        before = DatasetTaker(datasets, run: "none", directory: directory)
        if let problem = before.takeBefore(isCancelled: isCancelled, note: { _ in }) {
            throw Refusal(
                .refused, "refused to restore from what cannot be looked at: \(problem)",
                advice: "name in 'source' what the backup consists of")
        }
    }

    /// What the judge wants to know of its end: see `RestoreFacts`.
    func end() -> Value {
        var detail: [String: Value] = [:]
        if let count = RestorePlace.files(in: plan.into) { detail["restored"] = .int(Int64(count)) }
        let found = before.takeAfter(ledger: nil, isCancelled: isCancelled, note: { _ in })
        detail["sourceChanged"] = .text(
            found.filter { $0.result == .differs }.map(\.sentence).joined(separator: "; "))
        if let open = found.first(where: { $0.result == .inconclusive }) {
            detail["sourceProblem"] = .text(open.sentence)
        }
        detail["source"] = .map(
            Dictionary(
                found.compactMap { one in one.before.map { (one.name, .text($0.sum.hex)) } },
                uniquingKeysWith: { first, _ in first }))
        return .map(detail)
    }
}
