public import MusterCore

/// Puts load on cores, by a burner process that carries the injection's mark.
public struct CPUBurn: Fault {
    public var load = Percentage(millionths: 1_000_000)
    public var cores: [Int] = []

    public init() {}

    public static var form: Form<Self> {
        Form(
            "cpu-burn", "Keeps cores busy.",
            example: "inject: cpu-burn\ninto: host\nfor: 20s\nrecovery: despite\n"
                + "with: { load: 80%, cores: [0] }",
            blank: Self(),
            fields: [
                Field(
                    "load", \.load, default: Percentage(millionths: 1_000_000),
                    "The share of each core's time that is taken."
                ) { $0.millionths < 10_000 ? "at least 1%" : nil },
                Field(
                    "cores", \.cores, default: [],
                    "The cores to burn, by their numbers from 0; every one that is online when left out."
                ) { $0.contains { $0 < 0 } ? "numbers from 0" : nil },
            ])
    }

    public static let targets: Set<Target.Kind> = [.host]
    public var persistence: Persistence { .held }
    public static let isSlowness = true

    public static func readiness(on host: any HostReader) -> Readiness {
        GuardExecutable.readiness("a burner process pinned to the cores", on: host)
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        guard case .host = target.selector else {
            throw FaultRefusal(
                .wrongTarget, "cpu-burn is aimed at a host", advice: "give the target `host: local`")
        }
        try GuardExecutable.check(on: host)
        let chosen = try chosenCores(on: host)
        return UndoPlan(
            facts: [], claims: chosen.map { Claim("core", String($0)) },
            touches: chosen.map { "takes \(load.unitsText) of core \($0)" })
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let list = try chosenCores(on: host).map(String.init).joined(separator: ",")
        let percent = String(load.unitsText.dropLast())
        try host.spawn([host.site.executable, "burn", "--load", percent, "--cores", list], as: id)
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        let burners = try host.helpers(of: id)
        return burners.isEmpty
            ? .notYet("no burner runs") : .proven("burning: process \(burners[0].pid)")
    }

    /// - Throws: when a core was asked for that is not online.
    private func chosenCores(on host: any HostReader) throws -> [Int] {
        let path = "/sys/devices/system/cpu/online"
        let text = String(decoding: try host.contents(of: path) ?? Array("0".utf8), as: UTF8.self)
        let online = Self.cores(in: text)
        guard let missing = cores.first(where: { !online.contains($0) }) else {
            return cores.isEmpty ? online : Array(Set(cores)).sorted()
        }
        throw FaultRefusal(
            .noMatch, "core \(missing) is not online", advice: "choose among \(online.map(String.init))")
    }

    /// Reads a list such as `0-3,6` (cpuset(7), list format).
    static func cores(in text: String) -> [Int] {
        text.filter { !$0.isWhitespace }.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return [] }
            return Array(first...last)
        }
    }
}
