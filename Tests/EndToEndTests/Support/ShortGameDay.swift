import Foundation
import MusterCore
import Testing

/// A game day of three drills that are as short as they may be, in a lab of its own.
struct ShortGameDay {
    let lab: Lab
    static let file = "drills/gamedays/short.yaml"

    /// - Parameters:
    ///   - hold: for how long the second drill suspends its service.
    ///   - extra: further top-level lines.
    init(_ lab: Lab, hold: String = "500ms", extra: String = "") throws {
        self.lab = lab
        try lab.write(ShortDrill.kill, to: "drills/short-kill.yaml")
        try lab.write(ShortDrill.pause(for: hold), to: "drills/short-pause.yaml")
        try lab.write(
            ShortDrill.kill.replacing("drill: short-kill", with: "drill: short-last"),
            to: "drills/short-last.yaml")
        let answer = try lab.muster("gameday", "new", Self.file)
        #expect(answer.code == 0, "\(answer.all)")
        try lab.write(Self.text(extra), to: Self.file)
    }

    private static func card(_ name: String, _ file: String, _ title: String) -> String {
        """
          \(name):
            drill: drills/\(file).yaml
            title: \(title)
            failure: its process
            impact: errors
            response: it comes back
            rollback: muster undo

        """
    }

    private static func text(_ extra: String) -> String {
        """
        format: 1
        gameday: short
        title: A short day
        purpose: To test game days.
        services: [kv]
        environment: lab
        tier: 1
        author: ada
        when: { starts: 2020-01-01T00:00, ends: 2090-01-01T00:00, timezone: Europe/Berlin }
        roles:
          owner: ada
          ic: ivan
          safety: sam
          scribe: zoe
          operators: [otto]
          responders: [mika]
          approvers: [grace, ada]
        absent: [carl]
        checklist:
          told: Everybody was told.
          later: { ask: Nobody minds., otherwise: warn }
        preflight: { freeSpace: 1MiB, clockOffset: 1d }
        settle: { for: 100ms, within: 60s }
        onFail: continue
        comms: { start: We begin., abort: We stop., end: It is over. }
        \(extra)
        drills:

        """ + card("crash", "short-kill", "The service dies")
            + card("hang", "short-pause", "The service hangs")
            + card("last", "short-last", "The service dies again")
    }

    func record() throws -> Value { try lab.json("gameday", "show", "short") }
    func state() throws -> String { try record()["state"]?.asText ?? "" }

    /// From the file to go or no go.
    func prepare() throws {
        for arguments in [
            ["check", Self.file], ["approve", "short", "--as", "grace", "--ticket", "CHG-1"],
            ["preflight", "short", "--confirm", "roster", "--confirm", "told", "--as", "ivan"],
        ] {
            let answer = try lab.start(["gameday"] + arguments).end(within: .seconds(90))
            try #require(answer.code == 0, "\(arguments): \(answer.all)")
        }
        try #require(try state() == "go-no-go")
    }

    func start(_ more: String...) throws -> Running { try lab.start(["gameday", "run", "short"] + more) }

    /// Every entry as `kind actor role: text`, in the order of recording.
    func lines() throws -> [String] {
        try (record()["entries"]?.asList ?? []).map { entry in
            let role = entry["role"]?.asText.map { " \($0)" } ?? ""
            let state = entry["state"]?.asText.map { " → \($0)" } ?? ""
            return
                "\(entry["kind"]?.asText ?? "") \(entry["actor"]?.asText ?? "")\(role)\(state): \(entry["text"]?.asText ?? "")"
        }
    }

    /// The states in the order in which they were reached.
    func states() throws -> [String] {
        try (record()["entries"]?.asList ?? []).compactMap { $0["state"]?.asText }
    }

    func drills() throws -> [String] {
        try (record()["drills"]?.asList ?? []).map {
            "\($0["name"]?.asText ?? "") \($0["phase"]?.asText ?? "") \($0["verdict"]?.asText ?? "-")"
        }
    }
}
