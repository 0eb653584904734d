import MusterCore

/// Holds registers to what was acknowledged: one that shows an older version is stale.
///
/// Of each register only what its content leaves open is judged entry by entry: the version that is there, and
/// those after it. Older versions were written over, as they should be. A version after the last acknowledged one
/// is legal when its write was in doubt.
enum InvariantRegisters {
    struct Split {
        /// Without what was written over.
        var ledger: Ledger
        var superseded = 0
        /// The newest acknowledged versions of registers that show an older one.
        var stale: [LedgerEntry] = []
    }

    private struct Register: Hashable {
        var stream: Int32
        var number: Int
    }

    static func split(_ ledger: Ledger) -> Split {
        var split = Split(ledger: ledger)
        guard ledger.plan.mode == .register, let readBack = ledger.readBack else { return split }
        let register = { (key: EntryKey) in
            Register(stream: key.stream, number: ledger.plan.register(of: key.sequence))
        }
        var shown: [Register: EntryKey] = [:]
        for found in readBack.found where found.count > 0 {
            let place = register(found.key)
            shown[place] = max(shown[place] ?? found.key, found.key)
        }
        var newest: [Register: LedgerEntry] = [:]
        for entry in ledger.entries where entry.isAcknowledged {
            let place = register(entry.key)
            if newest[place].map({ $0.key < entry.key }) ?? true { newest[place] = entry }
        }
        split.ledger.entries = ledger.entries.filter { entry in
            guard let version = shown[register(entry.key)] else { return true }
            return entry.key >= version
        }
        split.superseded = ledger.entries.count - split.ledger.entries.count
        split.stale = newest.compactMap { place, entry in
            guard let version = shown[place], version < entry.key else { return nil }
            return entry
        }.sorted { $0.key < $1.key }
        return split
    }
}

/// Watches, while a workload runs, that no look at a register goes back: behind what was acknowledged, or behind
/// what a look has shown before. Each register has one writer, which has one operation under way at a time.
public struct RegisterWatch: Sendable {
    private var floor: [EntryKey: Int64] = [:]

    public init() {}

    /// - Parameter version: the sequence number of an acknowledged write.
    public mutating func acknowledged(stream: Int32, register: Int, version: Int64) {
        raise(EntryKey(stream: stream, sequence: Int64(register)), version)
    }

    /// - Parameter version: what a look found; nil when nothing was there.
    /// - Returns: what is wrong with it, in words; nil when nothing is.
    public mutating func saw(stream: Int32, register: Int, version: Int64?) -> String? {
        let place = EntryKey(stream: stream, sequence: Int64(register))
        let least = floor[place]
        if let version, version >= least ?? 0 {
            raise(place, version)
            return nil
        }
        guard let least else { return nil }
        let what = version.map { "version \($0)" } ?? "nothing"
        return "register \(register) of writer \(stream) showed \(what) after version \(least)"
    }

    private mutating func raise(_ place: EntryKey, _ version: Int64) {
        floor[place] = max(floor[place] ?? version, version)
    }
}
