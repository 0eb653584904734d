import MusterCore
import MusterDrills

/// Which names of zones are let through: `UTC`, and a place as IANA spells it.
///
/// Abbreviations mean several things (IST is India's, Israel's and Ireland's time), and most of those that are files
/// under /usr/share/zoneinfo know no summer time of the place that is meant.
enum ZoneNames {
    private static let places: [String: String] = [
        "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MET": "Europe/Berlin", "MEZ": "Europe/Berlin",
        "MESZ": "Europe/Berlin", "EET": "Europe/Athens", "EEST": "Europe/Athens", "WET": "Europe/Lisbon",
        "WEST": "Europe/Lisbon", "GMT": "UTC or Europe/London", "BST": "Europe/London",
        "MSK": "Europe/Moscow",
        "IST": "Asia/Kolkata, Asia/Jerusalem or Europe/Dublin", "EST": "America/New_York",
        "EDT": "America/New_York", "ET": "America/New_York", "EST5EDT": "America/New_York",
        "CST": "America/Chicago or Asia/Shanghai", "CDT": "America/Chicago", "CST6CDT": "America/Chicago",
        "MST": "America/Denver", "MDT": "America/Denver", "MST7MDT": "America/Denver",
        "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
        "PST8PDT": "America/Los_Angeles", "AKST": "America/Anchorage", "HST": "Pacific/Honolulu",
        "BRT": "America/Sao_Paulo", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "SGT": "Asia/Singapore",
        "HKT": "Asia/Hong_Kong", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
        "AWST": "Australia/Perth",
        "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland", "SAST": "Africa/Johannesburg", "Z": "UTC",
        "ZULU": "UTC", "UCT": "UTC",
    ]

    /// - Parameter known: names that there are, for the nearest one.
    /// - Returns: why `name` is not let through; nil when it looks like a place, which may still not exist.
    static func problem(_ name: String, known: [String]) -> FormProblem? {
        if name == "UTC" || name == "Etc/UTC" { return nil }
        if let place = places[name.uppercased()] {
            return FormProblem("'\(name)' is an abbreviation, not a zone", at: nil, expected: place)
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                        || "_-+".utf8.contains(byte)
                }
        }
        guard isPlain, (2...3).contains(parts.count),
            !["posix", "right", "Etc", "SystemV"].contains(parts[0])
        else {
            let isOffset =
                name.hasPrefix("Etc/") || name.hasPrefix("+") || name.hasPrefix("-") || name.hasPrefix("UTC")
            return FormProblem(
                isOffset
                    ? "'\(name)' is an offset, which is wrong for half a year in most places"
                    : "'\(name)' is not the name of a place", at: nil,
                expected: "UTC, or an area and a city, such as Europe/Berlin", nearest: nearest(name, known))
        }
        return nil
    }

    /// The rules of a zone.
    /// - Throws: `FormProblem` without a place, with the nearest name.
    static func rules(
        _ name: String, known: [String], read: (String) throws -> ZoneRules
    ) throws -> ZoneRules {
        if let problem = problem(name, known: known) { throw problem }
        do {
            return try read(name)
        } catch var problem as FormProblem {
            problem.nearest = nearest(name, known)
            throw problem
        }
    }

    /// - Returns: the known name that differs least, or has the same city.
    static func nearest(_ name: String, _ known: [String]) -> String? {
        if let same = known.first(where: { $0.lowercased() == name.lowercased() }) { return same }
        let city = name.split(separator: "/").last.map { $0.lowercased().replacing(" ", with: "_") } ?? ""
        return known.first { $0.lowercased().hasSuffix("/" + city) } ?? nearestWord(to: name, among: known)
    }
}
