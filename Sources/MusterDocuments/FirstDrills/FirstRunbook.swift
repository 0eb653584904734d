import MusterCore

extension FirstDrill {
    /// How people start the service again, step by step.
    public var runbook: String {
        """
        ---
        shell: bash
        muster:
          id: restart-\(name)
          service: \(name)
          owner: \(owner)
          objectives: { rto: \(rto.unitsText) }
          verifyEvery: 90d
        ---
        # Restart \(name)

        When: \(name) (\(service.kind.title)) does not answer at \(Self.prose(service.address.text))\(unitClause).

        Written by `muster init` from what ran on this machine: \(service.kind.title), program
        \(Self.prose(service.program)), user \(Self.prose(service.user)). CONFIRM each step, then prove it:
        `muster runbook run \(runbookPath)`.

        ## Recover

        ### 1. Start it

        \(startProse)

        \(startBlock)

        ### 2. Wait until it answers

        \(template.waitNote)

        ```sh \(Self.attributes("answers", "wait", ["interval": "500ms", "timeout": "120s", "stable": "3"]))
        \(template.waits)
        ```

        ## If it does not help

        \(lastProse)

        """
    }

    private var unitClause: String { service.unit.map { ", or \(Self.prose($0)) has failed" } ?? "" }

    private var command: String? {
        if let unit = service.unitWord {
            let manager = service.isUserUnit ? "systemctl --user" : "systemctl"
            return "\(manager) restart \(shellQuoted(unit))"
        }
        return restart.map { words in
            // A shell's command line as such: it is what people type.
            words.count == 3 && words[..<2] == ["sh", "-c"]
                ? words[2] : words.map(shellQuoted).joined(separator: " ")
        }
    }

    private var startProse: String {
        if service.unit != nil {
            return "This ends what is left of it first, so it may be repeated. Look before you do:\n"
                + "`systemctl status \(Self.prose(service.unitWord ?? ""))` says whether systemd has given up on it."
        }
        if command == nil { return "Nobody is known who starts it. CONFIRM: write the command here." }
        if let start = service.start, restart == start.command {
            return "CONFIRM: rebuilt from how it ran. Not known: \(start.doubts)."
                + (start.besides.map { "\n" + Self.prose($0) } ?? "")
        }
        return "CONFIRM: this is what starts it."
    }

    private var startBlock: String {
        guard let command else {
            return """
                ```text \(Self.attributes("start", "manual", ["ignore": "true", "timeout": "15m"]))
                Start \(name) the way it is started here.
                ```
                """
        }
        let isUnit = service.unit != nil
        let limit =
            service.settings?.startTimeout.map { max(.seconds(60), $0 + .seconds(30)) } ?? .seconds(120)
        let attributes = Self.attributes(
            "start", "command",
            ["timeout": limit.unitsText, "rollback": "none"].merging(isUnit ? ["idempotent": "true"] : [:]) {
                first, _ in first
            })
        let isChecked = CommandSequence.unchecked(in: command) == nil
        return "```sh \(attributes)\n\(isChecked ? "" : "set -e\n")\(command)\n```"
    }

    private var lastProse: String {
        let log = service.unitWord.map { "Read its log: `journalctl -u \(Self.prose($0)) -n 100`. " } ?? ""
        return log + "Call the owner. CONFIRM: who that is, and what they want to be told."
    }

    /// In the order that people read: what it is, then how long, then what Runme must know.
    private static func attributes(_ name: String, _ kind: String, _ more: [String: String]) -> String {
        let order = ["interval", "timeout", "stable", "idempotent", "rollback", "ignore"]
        var pairs = [("name", name), ("kind", kind)]
        pairs += order.compactMap { key in more[key].map { (key, $0) } }
        if kind != "manual" { pairs.append(("excludeFromRunAll", "true")) }
        if kind != "manual" { pairs.append(("interactive", "false")) }
        return "{" + pairs.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}"
    }

    /// A stranger's word within prose: what markdown would read as its own is left out.
    private static func prose(_ text: String) -> String {
        printable(text).filter { !"`*<>[]|".contains($0) }
    }
}
