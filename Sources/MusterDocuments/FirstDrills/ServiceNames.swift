import MusterCore

/// Names for found services: parts of file names, drills and cgroups, so letters, digits and dashes only.
public enum ServiceNames {
    /// The longest, so that a drill's name fits with what is added to it.
    static let longest = 48

    /// What a text leaves as a name: lower case, everything else a dash; `service` when nothing is left.
    public static func word(_ text: String) -> String {
        let word = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let trimmed = String(word).split(separator: "-").joined(separator: "-").prefix(longest)
        let whole = trimmed.split(separator: "-").joined(separator: "-")
        return whole.isEmpty ? "service" : whole
    }

    /// A name for each, in their order: that of the unit, else that of the program. Where two would be called the same,
    /// all of them get their port as well, so that it does not depend on which was found first.
    public static func names(_ services: [FoundService]) -> [String] {
        let plain = services.map(plain)
        var counts: [String: Int] = [:]
        for name in plain { counts[name, default: 0] += 1 }
        var taken: Set<String> = []
        return zip(services, plain).map { service, name in
            let wanted = counts[name] == 1 ? name : name + "-" + place(service)
            var result = wanted
            var number = 2
            while !taken.insert(result).inserted {
                result = "\(wanted)-\(number)"
                number += 1
            }
            return result
        }
    }

    private static func place(_ service: FoundService) -> String {
        service.ports.first.map(String.init) ?? word(String(service.address.text.suffix(20)))
    }

    private static func plain(_ service: FoundService) -> String {
        if let unit = service.unitWord { return word(UnitName.unescaped(unit.replacing("-", with: "\\x2d"))) }
        if let cluster = service.cluster { return word("postgresql-" + cluster) }
        // An interpreter's name says nothing about what it runs.
        let isInterpreter =
            ["python", "node", "java", "ruby", "php", "perl", "dotnet", "deno", "bun"]
            .contains { service.program.hasPrefix($0) } || service.program == "MainThread"
        return isInterpreter ? word("\(service.program)-\(place(service))") : word(service.program)
    }
}
