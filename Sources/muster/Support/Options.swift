import ArgumentParser
import Foundation
import MusterCore
import MusterOutcomes
import MusterSystem

/// Where outcomes are kept.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The store of outcomes (default: runbooks/outcomes.sqlite of the project).", valueName: "path"))
    var outcomes: String?

    func open(_ project: Project = .current, access: OutcomeStore.Access = .readOnly) throws -> OutcomeStore {
        let path = project.outcomesPath(outcomes)
        return try OutcomeStore(
            path: path, access: access, hash: { SHA256.hex(of: $0) },
            engine: try? processIdentity(of: getpid()),
            isAlive: { identity in
                // A zombie has ended, and only waits for its parent to notice.
                guard let stat = try? ProcessStat.read(identity.pid), !stat.isZombie else { return false }
                return (try? processIdentity(of: identity.pid)) == identity
            })
    }
}

extension StoreOptions {
    /// For commands that read, and have as little to show where nothing was kept yet.
    /// - Returns: nil where there is no store, or nothing in it: somebody may be making it just now.
    /// - Throws: `OutcomeStoreError`.
    func openIfThere(_ project: Project = .current) throws -> OutcomeStore? {
        guard Files.exists(project.outcomesPath(outcomes)) else { return nil }
        do {
            return try open(project)
        } catch OutcomeStoreError.missing {
            return nil
        }
    }
}

/// Where the guard keeps its journal.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The guard's state directory (default: /var/lib/muster for root, else ~/.local/state/muster).",
            valueName: "directory"))
    var state: String?

    /// What they are where nobody typed any. (A value that was not parsed cannot be read.)
    static var standard: StateOptions { parseOrExit([]) }

    /// As arguments for `muster-guard`.
    var arguments: [String] { state.map { ["--state", $0] } ?? [] }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON instead of text.")
    var json = false
}

extension Value {
    /// JSON for people and programs: sorted keys, two spaces of indent.
    var prettyJSON: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return canonicalJSON }
        return String(decoding: data, as: UTF8.self)
    }
}
