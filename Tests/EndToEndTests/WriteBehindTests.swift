import MusterCore
import MusterDrills
import MusterProbes
import MusterSystem
import Testing

extension EndToEndDrills {
    /// A service that acknowledges from memory: the drill must fail, and name exactly what was lost.
    @Suite struct WriteBehind {
        @Test func theLedgerNamesExactlyTheWritesThatTheServiceLost() throws {
            let lab = try Lab()
            let data = lab.directory + "/kv"
            // The data must outlive the run, to be looked at from the outside.
            try lab.write(
                ShortDrill.make(
                    "write-behind-kept",
                    steps: """
                          - inject: process-kill
                            as: crash
                            into: kv
                        """, service: "--data, \"\(data)\", --write-behind, 500ms", rate: "400/s"),
                to: "drills/kept.yaml")
            let answer = try lab.muster("run", "drills/kept.yaml", "--json")
            #expect(answer.code == 1, "\(answer.all)")
            let outcome = try answer.json()
            #expect(outcome["verdict"] == "fail", "\(answer.all)")
            let run = try #require(outcome["id"]?.asText)

            // What was promised, by our own durable record, and what the service has.
            let ledger = try RecoveredLedger.read("\(lab.state)/ledgers/\(run)/writes.ledger")
            #expect(ledger.run == run && ledger.tornBytes == nil)
            let promised = Set(ledger.entries.filter(\.isAcknowledged).map(\.key))
            let kept = try Set(
                lab.shell("sqlite3 '\(data)/kv.sqlite' \"SELECT key FROM kv\"").split(separator: "\n")
                    .compactMap { key(String($0), of: run) })
            let lost = promised.subtracting(kept)
            #expect(!lost.isEmpty && !kept.isDisjoint(with: promised), "\(promised.count) \(kept.count)")

            let found = try Set(
                lab.shell(
                    """
                    sqlite3 -separator ' ' '\(lab.outcomes)' \
                    "SELECT stream, sequence FROM anomalies WHERE class LIKE 'lost-%' ORDER BY 1, 2"
                    """
                ).split(separator: "\n").compactMap { line -> EntryKey? in
                    let parts = line.split(separator: " ")
                    guard let stream = Int32(parts[0]), let sequence = Int64(parts[1]) else { return nil }
                    return EntryKey(stream: stream, sequence: sequence)
                })
            #expect(
                found == lost, "only found: \(found.subtracting(lost)); only lost: \(lost.subtracting(found))"
            )
            #expect(outcome.at("ledgers", 0, "lost") == .int(Int64(lost.count)))
            #expect(outcome.at("ledgers", 0, "acknowledged") == .int(Int64(promised.count)))
            let age = try #require(outcome.at("ledgers", 0, "rpaUpperNanoseconds")?.asInt)
            #expect(age > 0 && age < 2_000_000_000, "an interval of 500 ms and what was under way")
            try lab.expectNothingLeft()
        }

        /// `muster-RUN-STREAM-SEQUENCE`.
        private func key(_ name: String, of run: String) -> EntryKey? {
            let parts = name.split(separator: "-")
            guard parts.count == 4, parts[1] == run, let stream = Int32(parts[2]),
                let sequence = Int64(parts[3])
            else { return nil }
            return EntryKey(stream: stream, sequence: sequence)
        }

        @Test func theShippedDrillFailsOnItsRecoveryPointAndLeavesTheGoodServiceAlone() throws {
            let lab = try Lab()
            let answer = try lab.judged("run", "drills/write-behind.yaml")
            #expect(answer.code == 1, "\(answer.all)")
            #expect(answer.output.contains("FAIL  "), "\(answer.all)")
            let verify = try lab.muster("verify", "--json")
            let rows = try #require(verify.json().asList)
            #expect(rows.first { $0["service"] == "sample-kv-write-behind" }?["state"] == "failed")
            #expect(rows.first { $0["service"] == "sample-kv" }?["state"] == "never")
            try lab.expectNothingLeft()
        }
    }
}
