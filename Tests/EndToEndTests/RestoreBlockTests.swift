import Foundation
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Single blocks of the shipped runbooks, carried out as they stand.
    @Suite struct RestoreBlocks {
        struct Case: CustomTestStringConvertible, Sendable {
            var runbook: String
            var block: String
            var testDescription: String { "\(runbook) \(block)" }
        }

        /// What a fence with this name holds.
        private func body(_ one: Case, _ lab: Lab) throws -> String {
            let lines = try lab.read("runbooks/\(one.runbook).md").split(
                separator: "\n", omittingEmptySubsequences: false)
            let start = try #require(lines.firstIndex { $0.contains("{\"name\":\"\(one.block)\"") })
            return lines[(start + 1)...].prefix { !$0.hasPrefix("```") }.joined(separator: "\n")
        }

        private func run(
            _ one: Case, _ lab: Lab, _ environment: [String: String]
        ) throws -> Lab.Answer {
            try lab.start(
                program: "/bin/bash", ["-c", try body(one, lab)], environment: environment
            ).end()
        }

        /// Each block that first puts something into the place. Between the last look at it and this, somebody came.
        @Test(arguments: [
            Case(runbook: "restore-files", block: "restore"),
            Case(runbook: "restore-sqlite", block: "fetch"),
            Case(runbook: "restore-postgres-backup", block: "fetch"),
            Case(runbook: "restore-postgres-point-in-time", block: "fetch"),
        ]) func aPlaceThatSomebodyUsesMeanwhileIsLeftAlone(_ one: Case) throws {
            let lab = try Lab()
            // A tool that would be found and would write there, if the block came so far.
            try lab.shell(
                """
                cd \(lab.directory) && mkdir -p backups/base place tools used && echo saved >backups/base/data &&
                echo theirs >used/notes.txt && cp backups/base/data backups/one.db &&
                printf '#!/bin/sh\\necho restored >\(lab.directory)/used/data\\n' >tools/restic && chmod +x tools/restic
                """)
            let environment = { (place: String) in
                [
                    "place": "\(lab.directory)/\(place)", "backups": "\(lab.directory)/backups",
                    "backup_id": "one.db", "repository": "/nowhere", "password_file": "/nowhere",
                    "PATH": "\(lab.directory)/tools:/usr/bin:/bin",
                ]
            }
            let refused = try run(one, lab, environment("used"))
            #expect(refused.code != 0, "\(refused.all)")
            #expect(try lab.shell("cd \(lab.directory)/used && find . -type f") == "./notes.txt")
            // An empty one, and one that is not there yet, will do.
            for place in ["place", "new"] {
                let answer = try run(one, lab, environment(place))
                #expect(answer.code == 0, "\(place): \(answer.all)")
                #expect(try lab.shell("test -d \(lab.directory)/\(place) && echo there") == "there")
            }
        }

        /// A copy that was made a moment ago, of a backup that was taken long before.
        @Test(arguments: [
            ("2026-11-26 08:15:30 UTC", "2026-11-26T08:15:30Z"),
            ("2026-11-26 08:15:30 +03", "2026-11-26T05:15:30Z"),
            ("2026-11-26 08:15:30 +0545", "2026-11-26T02:30:30Z"),
            // China's, and not that of the middle of America, as date(1) has it.
            ("2026-11-26 08:15:30 CST", "2026-11-26T00:15:31Z"),
            ("2026-11-26 08:15:30 IST", "2026-11-26T00:15:31Z"),
        ]) func aBaseBackupIsAsOldAsItsLabelSays(_ label: String, _ taken: String) throws {
            for runbook in ["restore-postgres-backup", "restore-postgres-point-in-time"] {
                let lab = try Lab()
                let backups = lab.directory + "/backups"
                try lab.shell("mkdir -p \(backups)/base")
                let when = Case(runbook: runbook, block: "when")
                let empty = try run(when, lab, ["backups": backups])
                #expect(empty.code == 1 && empty.all.contains("the backup is empty"), "\(empty.all)")
                try lab.write(
                    "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nSTART TIME: \(label)\nLABEL: x\n",
                    to: backups + "/base/backup_label")
                try lab.write(
                    """
                    { "PostgreSQL-Backup-Manifest-Version": 1,
                    "Files": [
                    { "Path": "backup_label", "Size": 225, "Last-Modified": "2026-11-26 00:15:31 GMT", "Checksum-Algorithm": "SHA256", "Checksum": "00" },
                    { "Path": "base/1/backup_label", "Size": 5, "Last-Modified": "2026-11-25 00:00:00 GMT", "Checksum-Algorithm": "SHA256", "Checksum": "00" }
                    ]}
                    """, to: backups + "/base/backup_manifest")
                let answer = try run(when, lab, ["backups": backups])
                #expect(answer.code == 0 && answer.output == taken + "\n", "\(answer.all)")
                try lab.shell(
                    "rm \(backups)/base/backup_manifest; sed -i '/START TIME/d' \(backups)/base/backup_label")
                let silent = try run(when, lab, ["backups": backups])
                #expect(
                    silent.code == 1 && silent.all.contains("says when the backup was taken"), "\(silent.all)"
                )
            }
        }
    }
}
