import Foundation
import MusterCore
import MusterDrills

/// The zones of this machine, as its package of time zones keeps them (Debian: tzdata).
enum ZoneDirectory {
    /// `TZDIR` as glibc has it (tzset(3)), else /usr/share/zoneinfo.
    static var path: String {
        let given = ProcessInfo.processInfo.environment["TZDIR"] ?? ""
        return given.isEmpty ? "/usr/share/zoneinfo" : given
    }

    /// - Parameter name: looks like a place, and has no `..` in it.
    /// - Throws: `FormProblem` without a place.
    static func rules(_ name: String) throws -> ZoneRules {
        if name == "UTC" || name == "Etc/UTC" { return .utc }
        guard Files.isDirectory(path) else {
            throw FormProblem("there is no \(path)", at: nil, expected: "the package tzdata")
        }
        let file = path + "/" + name
        guard Files.exists(file), !Files.isDirectory(file) else {
            throw FormProblem(
                "there is no zone '\(name)'", at: nil, expected: "a name of IANA's, such as Europe/Berlin")
        }
        do {
            return try ZoneFile.read([UInt8](Files.beginning(of: file, ZoneFile.largest + 1)), name: name)
        } catch let error as ZoneFileError {
            throw FormProblem(
                "\(file) cannot be used: \(error)", at: nil, expected: "the zone as tzdata has it")
        }
    }

    /// Names from tzdata's tables; none where there are none.
    static func names() -> [String] {
        let tables = ["zone1970.tab", "zone.tab"].compactMap { try? Files.text(path + "/" + $0) }
        let lines = tables.flatMap { $0.split(separator: "\n").filter { !$0.hasPrefix("#") } }
        return Set(lines.compactMap { $0.split(separator: "\t").dropFirst(2).first.map(String.init) })
            .sorted()
    }
}
