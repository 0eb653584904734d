import MusterCalibration
import MusterCore
import MusterDrills

/// A store that forgets a known number of acknowledged writes, or none at all, and a ledger that must say which.
struct LedgerRounds {
    let address: String
    let instrument: Instrument
    let every: Duration
    let ledgers: String
    private static let writers = 8

    /// - Parameter plan: how much is forgotten.
    /// - Returns: every difference between the ledger and the truth; empty when it is exact.
    /// - Throws: when the round could not be carried out.
    func run(_ plan: ForgettingPlan, number: Int, seed: UInt64) throws -> [String] {
        let books = ForgetfulBooks(plan, writers: Self.writers, seed: seed)
        let store = try ForgetfulStore(address: address, books: books)
        defer { store.stop() }
        try instrument.order(
            "open",
            [
                "every": .int(every.nanoseconds), "run": .text("round\(number)"),
                "seed": .int(Int64(bitPattern: seed)), "ledgers": .text("\(ledgers)/round-\(number)"),
                "probes": [], "store": .text(store.url), "writers": .int(Int64(Self.writers)),
            ])
        try instrument.order("start")
        try instrument.order("write")
        try Instrument.wait(orElse: "too few writes arrive") { store.written >= books.wanted }
        store.hold()
        // What was answered before must be known to the client before anything is lost; what is held is not yet.
        try Instrument.wait(orElse: "the ledger does not settle") {
            let status = try instrument.order("status")
            return try status.int("sent") - status.int("answered") == store.held && store.held > 0
        }
        guard store.forget() else { throw CalibrationTrouble("too little was written to forget so much") }
        store.release()
        let forgotten = store.written
        try Instrument.wait(orElse: "no writes arrive any more") { store.written >= forgotten + 100 }
        try instrument.order("stopWriting")
        let truth = store.truth
        guard let forgot = truth.forgot else { throw CalibrationTrouble("nothing was forgotten") }
        let answer = try instrument.order(
            "readBack", ["from": .int(forgot.lower.nanoseconds), "to": .int(forgot.upper.nanoseconds)])
        try instrument.order("close")
        var differences = truth.differences(from: LedgerClaim(answer))
        // The store's answer to a write that was sent is all that either side knows of it.
        if try answer.int("acknowledged") != Int64(truth.acknowledged) {
            differences.append("\(try answer.int("acknowledged")) acknowledged, not \(truth.acknowledged)")
        }
        return differences
    }
}

extension LedgerClaim {
    /// From what the instrument's process says.
    init(_ value: Value) {
        var anomalies: [EntryClass: Set<EntryKey>] = [:]
        for item in value["anomalies"]?.asList ?? [] {
            guard let list = item.asList, list.count == 3,
                let entryClass = list[0].asText.flatMap(EntryClass.init(rawValue:)),
                let stream = list[1].asInt, let sequence = list[2].asInt
            else { continue }
            anomalies[entryClass, default: []].insert(
                EntryKey(stream: Int32(truncatingIfNeeded: stream), sequence: sequence))
        }
        var counts: [EntryClass: Int] = [:]
        for (name, count) in value["counts"]?.asMap ?? [:] {
            guard let entryClass = EntryClass(rawValue: name), let count = count.asInt else { continue }
            counts[entryClass] = Int(count)
        }
        self.init(
            anomalies: anomalies, counts: counts, acknowledged: Int(value["acknowledged"]?.asInt ?? 0),
            rpa: value["rpa"]?.asInterval)
    }
}
