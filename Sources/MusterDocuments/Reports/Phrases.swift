import MusterCore
import MusterDrills

extension Story {
    /// What a fault of this kind can say about stored data.
    var durability: String {
        switch header.durabilityScope {
        case "process": "process: data survive the death of a process; nothing is shown for the host or disk"
        case "host": "host: data survive the loss of a host; nothing is shown for its disks"
        case "disk": "disk: data survive the loss of a disk"
        case "site": "site: data survive the loss of a site"
        default: header.durabilityScope
        }
    }

    /// `lost 28 of 5923 acknowledged writes, the oldest 1.05 s to 1.06 s before the fault`.
    func lossText(_ ledger: LedgerFindings) -> String {
        let name = "\(ledger.workload): "
        if let why = ledger.inconclusive, ledger.lost + ledger.corrupt + ledger.duplicated == 0 {
            return name + "the ledger proves nothing (\(why.trimmedStop))"
        }
        var text = name + "lost \(ledger.lost) of \(ledger.acknowledged) acknowledged writes"
        let after = ledger.count(.lostAfterFault)
        if ledger.lost > after, let rpa = ledger.rpa {
            text += ", the oldest acknowledged \(intervalText(rpa)) before the fault"
        }
        if after > 0 {
            text +=
                after == ledger.lost ? ", all acknowledged after the fault" : ", \(after) of them after it"
            if let latest = ledger.lostAfterFault { text += ", the last \(intervalText(latest)) after it" }
        }
        if ledger.corrupt > 0 { text += ", \(ledger.corrupt) corrupt" }
        if ledger.duplicated > 0 { text += ", \(ledger.duplicated) duplicated" }
        if let why = ledger.inconclusive { text += ", and perhaps more (\(why.trimmedStop))" }
        return text
    }
}

/// `1.23 s to 1.241 s`, or `more than 60 s` where the end was not seen.
func intervalText(_ interval: Interval) -> String {
    guard let upper = interval.upper else { return "more than \(interval.lower.forPeople)" }
    let (low, high) = (interval.lower.forPeople, upper.forPeople)
    return low == high ? low : "\(low) to \(high)"
}

/// A capital letter in front and a full stop behind.
func sentence(_ text: String) -> String {
    let text = text.trimmedStop
    return text.prefix(1).uppercased() + text.dropFirst() + "."
}

extension String {
    var trimmedStop: String {
        var text = self
        while let last = text.last, last == "." || last.isWhitespace { text.removeLast() }
        return text
    }
}
