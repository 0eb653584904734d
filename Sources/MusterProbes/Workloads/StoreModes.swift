import Glibc
import MusterCore
import MusterDrills

/// What is there under a key, whatever was expected.
enum ValueAnswer: Hashable, Sendable {
    case absent
    /// Every value that stands there; more than one where a key can be there twice.
    case present([String])
    case failed(String)
}

/// One movement of money, with the accounts' keys.
struct BankTransfer: Hashable, Sendable {
    var from: String
    var to: String
    var amount: Int64
    /// Whether an account may be overdrawn.
    var negative: Bool

    /// What is moved from an account with this balance.
    func amount(from balance: Int64) -> Int64 { negative ? amount : max(0, min(amount, balance)) }
}

/// What a store does for the modes beside plain entries. Kinds of workload say which they can in `abilities`, and
/// a drill that asks for more is refused when it is read.
extension StoreClient {
    /// Writes a value over what is there.
    func set(_ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        done(.refused(EOPNOTSUPP))
    }

    /// Takes a key away. Acknowledged also where it was not there.
    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void) {
        done(.refused(EOPNOTSUPP))
    }

    /// For stores that read what stands there, whatever was expected.
    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        values(wanted.map(\.key), until: deadline) { answers in
            done(
                zip(wanted, answers).map { wanted, answer in
                    switch answer {
                    case .absent: .absent
                    case .present(let texts):
                        .present(isIntact: texts.contains(wanted.value), count: texts.count)
                    case .failed(let why): .failed(why)
                    }
                })
        }
    }

    /// - Parameter done: as many answers as keys, seen at one moment.
    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void) {
        done(keys.map { _ in .failed("this kind of workload cannot tell") })
    }

    /// Puts the same balance on all accounts, unless the first one is there: all or none.
    func openAccounts(
        _ names: [String], balance: Int64, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) { done(.refused(EOPNOTSUPP)) }

    /// Moves money and writes an entry: both or neither.
    func transfer(
        _ transfer: BankTransfer, _ key: String, _ value: String, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void
    ) { done(.refused(EOPNOTSUPP)) }

    /// Looks at the store as a whole.
    /// - Parameter done: what proves damage, in words; nil when it could not be told in time.
    func examine(until deadline: Instant, done: @escaping ([String]?) -> Void) { done([]) }
}

extension KeyNames {
    func register(_ number: Int, of stream: Int32) -> String { "\(prefix)\(stream)-r\(number)" }
    func account(_ number: Int) -> String { accountPrefix + String(number) }
    func isAccount(_ name: String) -> Bool { name.hasPrefix(accountPrefix) }
    private var accountPrefix: String { "bank-\(prefix)" }
    func accounts(_ setting: BankSetting) -> [String] { (0..<setting.accounts).map(account) }
}

extension InvariantBank.Balance {
    /// nil when nothing is known of it.
    init?(_ answer: ValueAnswer) {
        switch answer {
        case .failed: return nil
        case .absent: self = .missing
        case .present(let texts):
            guard texts.count == 1, let amount = Int64(texts[0]) else {
                self = .unreadable(texts.joined(separator: " "))
                return
            }
            self = .amount(amount)
        }
    }
}
