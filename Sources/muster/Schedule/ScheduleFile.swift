import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterSystem

/// The schedules of a daemon: as the file was when it could be used last.
struct ScheduleFile {
    enum Change {
        case unchanged
        case reloaded
        /// It was edited and cannot be used: why.
        case broken(String)
    }

    let path: String
    private(set) var schedules: Schedules
    /// Whether the file says something else by now that cannot be used.
    private(set) var isBroken = false
    private var paths: [String]
    private var seen: [String]

    /// - Throws: `Refusal` when it cannot be used.
    init(path: String, now: Moment) throws {
        self.path = path
        let loader = ScheduleLoader(path: path)
        // Looked at before it is read: an edit in between is found next time.
        let first = Self.marks([path])
        schedules = try loader.load(now: now)
        paths = loader.paths(of: schedules)
        seen = first + Self.marks(Array(paths.dropFirst()))
    }

    /// Reads it again when it, or a file that it names, was edited.
    /// - Parameter asked: also when it was not.
    mutating func reload(now: Moment, asked: Bool = false) -> Change {
        let found = Self.marks(paths)
        guard asked || found != seen else { return .unchanged }
        seen = found
        do {
            let loader = ScheduleLoader(path: path)
            schedules = try loader.load(now: now)
            paths = loader.paths(of: schedules)
            seen = [found[0]] + Self.marks(Array(paths.dropFirst()))
            isBroken = false
            return .reloaded
        } catch {
            isBroken = true
            return .broken((error as? Refusal)?.message ?? "\(error)")
        }
    }

    private static func marks(_ paths: [String]) -> [String] { paths.map(mark) }

    /// What changes when a file is written, replaced or removed.
    static func mark(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "none" }
        let date = status.st_mtim
        return "\(status.st_ino) \(status.st_size) \(date.tv_sec) \(date.tv_nsec)"
    }
}
