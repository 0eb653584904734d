import Foundation
import MusterCore
import MusterDocuments

/// What was found, with the drill that would be written for each, and what stands already.
struct InitFindings {
    struct Item {
        var drill: FirstDrill
        /// A drill that is there already; nil when none is.
        var standing: String?
    }
    let survey: Survey
    private(set) var items: [Item]

    init(_ survey: Survey, place: InitPlace, owner: String) {
        self.survey = survey
        items = zip(survey.services, ServiceNames.names(survey.services)).map { service, name in
            let drill = FirstDrill(service, name: name, owner: owner)
            return Item(drill: drill, standing: place.standing(drill, byTarget: true))
        }
    }

    func value(written: [String]?) -> Value {
        var map: [String: Value] = [
            "services": .list(items.map(Self.value)),
            "withheld": .list(
                survey.withheld.map { held in
                    [
                        "addresses": .list(held.addresses.map { .text(printable($0.text)) }),
                        "program": held.program.map { .text(printable($0)) } ?? .null,
                        "user": held.user.map { .text($0) } ?? .null,
                        "unit": held.unit.map { .text(printable($0)) } ?? .null, "reason": .text(held.reason),
                    ]
                }),
            "remarks": .list(survey.remarks.map { .text($0) }),
        ]
        if let written { map["written"] = .list(written.map { .text($0) }) }
        return .map(map)
    }

    private static func value(_ item: Item) -> Value {
        let service = item.drill.service
        return [
            "name": .text(item.drill.name), "kind": .text(service.kind.rawValue),
            "program": .text(printable(service.program)), "pid": .int(Int64(service.main)),
            "addresses": .list(service.addresses.map { .text(printable($0.text)) }),
            "user": .text(service.user), "unit": service.unit.map { .text(printable($0)) } ?? .null,
            "comesBack": .bool(service.comesBack), "drillInWords": .text(service.drillInWords),
            "restart": item.drill.restart.map { .list($0.map { .text($0) }) } ?? .null,
            "greeting": service.greeted.map { .text($0.words) } ?? .null,
            "files": [.text(item.drill.drillPath), .text(item.drill.runbookPath)],
            "standing": item.standing.map { .text($0) } ?? .null,
        ]
    }
}

/// The directory that is written into.
struct InitPlace {
    let directory: String

    init(_ directory: String) { self.directory = directory }

    func path(_ name: String) -> String { directory == "." ? name : directory + "/" + name }

    static let services = "drills/services.yaml"

    /// The drill that is there already: under its name, or aimed at the same processes.
    func standing(_ drill: FirstDrill, byTarget: Bool) -> String? {
        if Files.exists(path(drill.drillPath)) { return drill.drillPath }
        guard byTarget else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path("drills"))) ?? []
        return names.sorted().lazy.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.map {
            "drills/" + $0
        }
        .first { name in
            // A pipe would be waited for.
            var status = stat()
            guard stat(path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                let text = try? Files.text(path(name))
            else { return false }
            return StandingTargets.selectors(in: text).contains(drill.service.choice.selector)
        }
    }
}

/// The list, for people.
struct InitList {
    private let found: InitFindings
    init(_ found: InitFindings) { self.found = found }

    func show(inTerminal: Bool) {
        if found.items.isEmpty {
            Terminal.line("Nothing was found here that a drill could be written for.")
        } else {
            var table = Table("#", "LISTENS", "PROGRAM", "UNIT", "USER", "DRILL")
            for (index, item) in found.items.enumerated() {
                let service = item.drill.service
                table.add(
                    "\(index + 1)", Self.places(service.addresses), printable(service.program),
                    service.unitWord.map { printable($0) } ?? "-", service.user,
                    item.standing.map { "stands already: \($0)" }
                        ?? "\(item.drill.name)-kill: \(service.drillInWords)")
            }
            Terminal.line(table.text(width: Terminal.width))
        }
        if !found.survey.withheld.isEmpty {
            Terminal.line("\nnot offered:")
            var table = Table("LISTENS", "PROGRAM", "USER", "WHY")
            for held in found.survey.withheld {
                table.add(
                    Self.places(held.addresses), held.program.map { printable($0) } ?? "?", held.user ?? "-",
                    held.reason)
            }
            Terminal.line(table.text(width: Terminal.width))
        }
        for remark in found.survey.remarks {
            Terminal.line(Terminal.styled("note: ", .yellow) + printable(remark))
        }
        if !inTerminal, !found.items.isEmpty {
            Terminal.line(
                "\nWrite for one of them: muster init --port PORT; for all: --all; only look: --dry-run")
        }
    }

    /// Ports, the first with a host where it is not reached over loopback.
    private static func places(_ addresses: [StreamAddress]) -> String {
        var words: [String] = []
        for address in addresses {
            let word =
                switch address.fromHere {
                case .tcp(let host, let port):
                    host.hasPrefix("127.") || host == "::1" ? "\(port)" : address.text
                case .unix(let path): printable(path)
                }
            if !words.contains(word) { words.append(word) }
        }
        return words.count > 3
            ? words.prefix(2).joined(separator: ",") + ",+\(words.count - 2)" : words.joined(separator: ",")
    }
}
