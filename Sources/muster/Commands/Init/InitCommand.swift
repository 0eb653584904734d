import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterGuard
import MusterHost

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract:
            "Finds what runs on this machine, and writes a first drill, runbook and services entry for it.",
        discussion: """
            In a terminal it lists what it found, asks for which of it, shows the files and asks again. Otherwise it
            only lists, unless --all, --port or --unit say what to write.

            It reads /proc and unit files, and says a harmless word to servers that their program does not tell (the
            list says which: INFO server to Redis, HEAD / to web servers). It reads no passwords, overwrites nothing,
            and the drills that it writes break nothing before somebody runs them.

            Example: muster init                            lists, and asks
                     muster init --port 6379 --dry-run      prints the files
                     sudo muster init --unit redis-server   sees the services of other users, too
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Write for what listens on these TCP ports.", valueName: "port"))
    var port: [Int] = []
    @Option(help: ArgumentHelp("Write for this systemd unit; may be given several times.", valueName: "name"))
    var unit: [String] = []
    @Flag(help: "Write for everything that is offered.") var all = false
    @Option(help: "The service's name, where one is chosen (default: that of its unit or program).") var name:
        String?
    @Option(help: "Who answers for the services.") var owner = "you"
    @Option(
        help: ArgumentHelp(
            "What starts the service, for sh, where one is chosen that belongs to no unit.",
            valueName: "command"))
    var restart: String?
    @Option(help: "The project to write into (default: the working directory).") var directory = "."
    @Flag(help: "Print the files instead of writing them.") var dryRun = false
    @Flag(
        name: .customLong("no-greeting"), help: "Connect to nothing; what programs do not tell stays unknown."
    )
    var noGreeting = false
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            try check()
            let site = GuardSite(executable: "", stateDirectory: StateDirectory.path(explicit: state.state))
            // Only its reading half is used.
            let survey = try Surveyor(
                on: LinuxHost(site: site, journal: nil), preferring: Set(port), greets: mayGreet
            ).survey()
            let place = InitPlace(directory)
            let found = InitFindings(survey, place: place, owner: owner)
            if all || !port.isEmpty || !unit.isEmpty {
                let chosen = named(try InitChoice(ports: port, units: unit, all: all).pick(from: found))
                return try write(chosen, found, place)
            }
            if !output.json, !dryRun, TerminalInput.isAvailable {
                return try InitConversation(found: found, place: place).hold()
            }
            output.json
                ? Terminal.line(found.value(written: nil).prettyJSON)
                : InitList(found).show(inTerminal: false)
            return .pass
        }
    }

    /// Nobody whom the command line leaves out is spoken to.
    private func mayGreet(_ service: FoundService) -> Bool {
        if noGreeting { return false }
        return port.isEmpty && unit.isEmpty || !Set(port).isDisjoint(with: service.ports)
            || InitChoice(ports: [], units: unit, all: false).names(service.unit)
    }

    private func check() throws {
        if all, !port.isEmpty || !unit.isEmpty {
            throw Refusal(
                .usage, "--all beside --port or --unit", advice: "give --all alone, or what you want")
        }
        for (word, given) in [("--name", name), ("--restart", restart)]
        where given != nil && port.count + unit.count != 1 {
            throw Refusal(.usage, "\(word) is about one service", advice: "choose one with --port or --unit")
        }
        if let name, ServiceNames.word(name) != name {
            throw Refusal(
                .usage, "--name '\(printable(name))' cannot be a file's name and a drill's",
                advice: "lower-case letters, digits and dashes, such as \(ServiceNames.word(name))")
        }
        if owner.isEmpty || ServiceNames.word(owner) != owner {
            throw Refusal(
                .usage, "--owner '\(printable(owner))' is no name",
                advice: "lower-case letters, digits and dashes, such as team-data")
        }
        if let restart,
            restart.isEmpty || printable(restart) != restart || hidingPasswords(restart) != restart
        {
            throw Refusal(
                .usage, "--restart is empty, or holds what must not be written down",
                advice: "one line without passwords, such as --restart '/srv/app/start'")
        }
        if !Files.isDirectory(directory) {
            throw Refusal(
                .usage, "\(directory) is no directory", advice: "make it first: mkdir -p \(directory)")
        }
    }

    /// With the name and the start that the command line gives.
    private func named(_ chosen: [InitFindings.Item]) -> [InitFindings.Item] {
        chosen.map { item in
            guard name != nil || restart != nil else { return item }
            var item = item
            item.drill = FirstDrill(item.drill.service, name: name ?? item.drill.name, owner: owner)
            if let restart { item.drill.restart = ["sh", "-c", restart] }
            if name != nil { item.standing = InitPlace(directory).standing(item.drill, byTarget: false) }
            return item
        }
    }

    private func write(_ chosen: [InitFindings.Item], _ found: InitFindings, _ place: InitPlace) throws
        -> Status
    {
        let draft = try InitDraft(chosen, in: place)
        if dryRun {
            output.json ? Terminal.line(draft.value.prettyJSON) : draft.show()
            return .pass
        }
        let written = try draft.write()
        if output.json {
            Terminal.line(found.value(written: written).prettyJSON)
        } else {
            draft.tell(written)
        }
        return .pass
    }
}

/// What the command line chooses.
struct InitChoice {
    var ports: [Int]
    var units: [String]
    var all: Bool

    /// Whether a unit is one of those; `.service` may be left out.
    func names(_ unit: String?) -> Bool { units.contains { $0 == unit || $0 + ".service" == unit } }

    /// - Throws: `Refusal` for what is not there, or not offered.
    func pick(from found: InitFindings) throws -> [InitFindings.Item] {
        if all { return found.items }
        var chosen: [InitFindings.Item] = []
        func add(_ item: InitFindings.Item) {
            if !chosen.contains(where: { $0.drill.name == item.drill.name }) { chosen.append(item) }
        }
        for port in ports {
            if let item = found.items.first(where: { $0.drill.service.ports.contains(port) }) {
                add(item)
            } else if let held = found.survey.withheld.first(where: {
                $0.addresses.contains { $0.port == port }
            }) {
                let who = held.program.map { printable($0) } ?? "a program of \(held.user ?? "somebody")"
                throw Refusal(
                    .usage, "port \(port) (\(who)) is not offered: \(held.reason)",
                    advice: "run `muster init` for the list")
            } else {
                throw Refusal(
                    .usage, "nothing that this user may see listens on port \(port)",
                    advice: "run `muster init` for the list, with sudo for the services of other users")
            }
        }
        for unit in units {
            let one = InitChoice(ports: [], units: [unit], all: false)
            guard let item = found.items.first(where: { one.names($0.drill.service.unit) }) else {
                let known = found.items.compactMap(\.drill.service.unitWord)
                throw Refusal(
                    .usage, "no service of unit \(printable(unit)) was found",
                    advice: known.isEmpty
                        ? "nothing that this user may see belongs to a unit; try --port"
                        : "one of " + known.joined(separator: ", "))
            }
            add(item)
        }
        return chosen
    }
}
