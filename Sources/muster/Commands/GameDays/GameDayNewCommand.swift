import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterSystem

struct GameDayNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Writes a game day to begin with; never over a file that is there.",
        discussion: """
            Example: muster gameday new drills/gamedays/failover.yaml
                     muster gameday new failover
            """)

    @Argument(help: "The file, in a folder `gamedays`, or a name for one in drills/gamedays/.") var file:
        String

    func run() throws {
        try carryOut {
            let path =
                file.contains("/") || file.hasSuffix(".yaml")
                ? file : ReportFiles.shown(Project.current.root + "/drills/gamedays/\(file).yaml")
            guard GameDayFile.isOne(path) else {
                throw Refusal(
                    .usage, "\(path): game days lie in a folder `gamedays`, and end in .yaml",
                    advice: "muster gameday new drills/gamedays/NAME.yaml")
            }
            guard !Files.exists(path) else {
                throw Refusal(
                    .usage, "\(path) exists already", advice: "choose another name, or move it away")
            }
            let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
            let allowed = name.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
            }
            guard allowed, !name.isEmpty, !name.hasPrefix("-"), name.count <= 64 else {
                throw Refusal(
                    .usage, "'\(name)' is not a name", advice: "1 to 64 letters, digits, '-' and '_'")
            }
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            try Files.write(
                GameDayTemplate.text(name, by: RunHeaders.actor, zone: Self.zone, now: now), to: path)
            Terminal.line("wrote \(path)\nread it, then: muster gameday check \(path)")
            return .pass
        }
    }

    /// The machine's zone, where it is one that a game day may name.
    private static var zone: String {
        let own = TimeZone.current.identifier
        return own.contains("/") && (try? ZoneDirectory.rules(own)) != nil ? own : "UTC"
    }
}

/// What a new game day's file says.
enum GameDayTemplate {
    static func text(_ name: String, by person: String, zone: String, now: Moment) -> String {
        let rules = (try? ZoneDirectory.rules(zone)) ?? .utc
        let starts = String(rules.local(at: now).text.dropLast(3))
        let ends = String(rules.local(at: now + .seconds(2 * 3600)).text.dropLast(3))
        return """
            # yaml-language-server: $schema=../gameday.schema.json
            # A game day. Everything here is frozen when it is approved; an edit afterwards voids the approval.
            #
            #   muster gameday check \(name)                    is it right, and what would it touch?
            #   muster gameday approve \(name) --as NAME
            #   muster gameday preflight \(name)                is everything ready?
            #   muster gameday run \(name)                      asks for go or no go, and holds it
            #   muster gameday hotwash \(name)                  right afterwards
            format: 1
            gameday: \(name)
            title: One line that everybody understands
            # For people who are no engineers: what is at stake, and what will be known afterwards.
            purpose: We want to know whether customers notice when a server of ours fails.
            services: [sample-kv]
            environment: lab                  # lab, staging or production; drills must be for the same
            tier: 3                           # 1 is the most critical: nobody approves what they drew up

            # All of it must be over at `ends`; the drills' longest durations must fit.
            when: { starts: \(starts), ends: \(ends), timezone: \(zone) }

            # One person may hold several roles. ic, safety and deputy may say go.
            roles:
              owner: \(person)
              ic: \(person)
              # safety: ...                   watches limits, and stops the day
              # deputy: ...
              # scribe: ...                   writes down what is decided, and mends nothing
              operators: [\(person)]
              # responders: [...]
              # observers: [...]
              # liaison: ...                  speaks with customers
              # approvers: [...]              the owner where nobody is named
            absent: []                        # who takes no part, on purpose

            # What people must say yes to before it begins. A missing yes blocks, unless `otherwise: warn`.
            checklist:
              no-incident: No incident of the two highest severities is open.
              on-call: Whoever is on call knows that a game day is held.
              customers-told: { ask: "Customers who would notice were told.", otherwise: warn }

            preflight: { freeSpace: 1GiB, clockOffset: 500ms }

            # One after the other, and what is expected of each: a drill card.
            drills:
              crash:
                drill: drills/first-drill.yaml
                title: Key-value service is killed and comes back by itself
                failure: The service's process is killed.
                impact: Requests fail for less than a second.
                response: The supervisor starts the service again; nobody has to do anything.
                # alert: { name: KVDown, within: 1m }
                rollback: Muster puts everything back; otherwise `muster undo`.
            onFail: stop                      # or continue, with the next drill

            settle: { for: 5s, within: 2m }   # between drills nothing must be left broken
            # What ends the day early; somebody's word always does.
            abort:
              onResidue: true
              atEnd: true
              # errorBudget: 10%              of what the service's `availability` in drills/services.yaml leaves
              # latency: { max: 800ms, window: 10s }
              # faultLongerThan: 5m
              # heartbeat: { every: 2m, from: [safety] }     a dead man's switch: muster gameday beat

            # Sent with DRILL in front; with REAL INCIDENT once the day was converted.
            comms:
              start: A game day begins. What fails now fails on purpose.
              abort: The game day ends early; everything is put back.
              end: The game day is over; everything is put back.

            """
    }
}
