import MusterCore

/// The invariant of `mode: bank`: money is moved, never made or lost, and no account goes missing
/// (Jepsen's bank test, jepsen/src/jepsen/tests/bank.clj).
public enum InvariantBank {
    /// What a look at one account found.
    public enum Balance: Hashable, Sendable {
        case amount(Int64)
        case missing
        /// Something that is no balance, or several.
        case unreadable(String)
    }

    /// - Parameter balances: of all accounts, seen at one moment.
    /// - Returns: what is wrong, in words; nil when nothing is.
    public static func violation(of setting: BankSetting, _ balances: [Balance]) -> String? {
        var wrong: [String] = []
        // Wider than what a store can say of an account: whatever stands there can be added up.
        var total: Int128 = 0
        for (number, balance) in balances.enumerated() {
            switch balance {
            case .amount(let amount):
                total += Int128(amount)
                if amount < 0, !setting.negative { wrong.append("account \(number) is at \(amount)") }
            case .missing: wrong.append("account \(number) is missing")
            case .unreadable(let text): wrong.append("account \(number) holds '\(text.prefix(40))'")
            }
        }
        let isWhole = balances.allSatisfy { if case .amount = $0 { true } else { false } }
        if isWhole, total != Int128(setting.total) {
            wrong.append("the total is \(total), not \(setting.total)")
        }
        if wrong.isEmpty { return nil }
        let rest = wrong.count > 3 ? ", and \(wrong.count - 3) more" : ""
        return wrong.prefix(3).joined(separator: ", ") + rest
    }
}
