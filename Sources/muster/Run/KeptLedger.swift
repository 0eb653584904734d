import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterProbes

/// The raw ledgers of earlier runs: they let a figure be argued about, and a history be exported.
enum KeptLedger {
    /// The ledgers of so many runs are kept.
    static let runs = 50

    static func directory(_ state: StateOptions) -> String {
        StateDirectory.path(explicit: state.state) + "/ledgers"
    }

    /// Drops the oldest. Names are ULIDs, so they sort by time.
    static func prune(_ state: StateOptions) {
        let ledgers = directory(state)
        let all = (try? FileManager.default.contentsOfDirectory(atPath: ledgers)) ?? []
        for old in all.sorted().dropLast(runs) {
            try? FileManager.default.removeItem(atPath: "\(ledgers)/\(old)")
        }
    }

    /// What is recorded of a file, so that a later reader knows whether it is the same; empty when it is not there.
    static func describe(_ path: String, as name: String = "ledger") -> [String: Value] {
        guard let hash = FileHash.of(path) else { return [:] }
        return [name: .text(path), name + "SHA256": .text(hash)]
    }

    /// A file that an outcome names.
    /// - Throws: `Refusal` when it is gone, or is not the one that was recorded.
    static func file(_ name: String, of detail: Value, outcome: Int) throws -> String? {
        guard let path = detail[name]?.asText else { return nil }
        guard let hash = FileHash.of(path) else {
            throw Refusal(
                .usage, "the raw \(name) of outcome \(outcome) is gone: \(path)",
                advice:
                    "the ledgers of the newest \(runs) runs are kept in the state directory of the machine "
                    + "that ran the drill; copy those that you want to keep")
        }
        guard hash == detail[name + "SHA256"]?.asText else {
            throw Refusal(
                .usage, "the raw \(name) of outcome \(outcome) is not the one that was recorded: \(path)",
                advice: "its SHA-256 is \(hash), recorded was \(detail[name + "SHA256"]?.asText ?? "none")")
        }
        return path
    }
}
