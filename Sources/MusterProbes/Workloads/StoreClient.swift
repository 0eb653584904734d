import MusterCore
public import MusterDrills

/// What came of a write.
struct WriteAnswer: Hashable {
    var outcome: LedgerEntry.Outcome
    /// How it counts as a look at the system.
    var finding: Finding
    /// What a look at a register found.
    var sight: RegisterSight?

    static func acknowledged(_ code: Int32 = 0) -> Self {
        Self(outcome: .ok, finding: Finding(outcome: .ok, code: code))
    }
    /// Certainly not applied.
    static func refused(_ code: Int32) -> Self { Self(outcome: .fail, finding: .error(code)) }
    /// Certainly not applied: there was no connection in time.
    static let neverSent = Self(outcome: .fail, finding: .timeout)
    static func inDoubt(_ code: Int32) -> Self { Self(outcome: .info, finding: .error(code)) }
    static let noAnswer = Self(outcome: .info, finding: .timeout)
}

/// What is wanted back: a key, and what was written under it.
struct Wanted: Hashable, Sendable {
    var entry: EntryKey
    var key: String
    var value: String
}

/// What reading one key found.
enum ReadAnswer: Hashable, Sendable {
    case absent
    case present(isIntact: Bool, count: Int)
    /// Intact, but after an entry that its stream wrote later.
    case misplaced(count: Int)
    /// Nothing is known of this key.
    case failed(String)
}

/// One writer's way to its store; one operation at a time. Belongs to its loop's thread. Each operation calls
/// `done` once, at the latest shortly after the deadline, put off by what the loop neglects (see `Patience`).
protocol StoreClient: AnyObject {
    func put(_ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void)
    /// How many keys one read takes.
    var readBatch: Int { get }
    /// - Parameter done: as many answers as keys.
    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void)
    /// Every key that starts with `prefix`, in one answer or in several (`ListAnswer.some`).
    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void)
    /// What a reader should know about the store, such as that it may drop entries by itself; for people.
    func hints(until deadline: Instant, done: @escaping ([String]) -> Void)
    func set(_ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void)
    func delete(_ key: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void)
    func values(_ keys: [String], until deadline: Instant, done: @escaping ([ValueAnswer]) -> Void)
    func openAccounts(
        _ names: [String], balance: Int64, until deadline: Instant, done: @escaping (WriteAnswer) -> Void)
    func transfer(
        _ transfer: BankTransfer, _ key: String, _ value: String, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void)
    func examine(until deadline: Instant, done: @escaping ([String]?) -> Void)
    func close()

    /// What of a run stays in the store when it is over, such as a table of its own; nil where that is just its keys.
    var leftBehind: String? { get }
    /// Removes what `leftBehind` names.
    /// - Parameter done: whether it is gone.
    func discard(until deadline: Instant, done: @escaping (Bool) -> Void)
}

extension StoreClient {
    var leftBehind: String? { nil }
    func discard(until deadline: Instant, done: @escaping (Bool) -> Void) { done(false) }
}

extension StoreClient {
    func hints(until deadline: Instant, done: @escaping ([String]) -> Void) { done([]) }
}

enum ListAnswer: Hashable, Sendable {
    case unsupported
    /// Some of them; another answer follows. So that nobody has to hold all names of a large store at once.
    case some([String])
    /// All of them, or the last.
    case keys([String])
    case failed(String)
}

/// A workload that this engine can run.
protocol RunnableWorkload: Workload {
    /// - Parameter names: how the run's entries are named, for stores that keep them apart from others.
    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient
}

extension WorkloadCatalog {
    /// Every kind of workload there is.
    public static let standard = WorkloadCatalog([
        HTTPWorkload.self, RedisWorkload.self, PostgresWorkload.self, SQLiteWorkload.self, FilesWorkload.self,
        AppendWorkload.self, ExecWorkload.self,
    ])
}

/// The names of entries in the store: `muster-<run>-<stream>-<sequence>`, unique for ever.
struct KeyNames: Sendable {
    let prefix: String
    init(run: String) { prefix = "muster-\(run)-" }

    func name(_ key: EntryKey) -> String { "\(prefix)\(key.stream)-\(key.sequence)" }

    func key(_ name: some StringProtocol) -> EntryKey? {
        guard name.hasPrefix(prefix) else { return nil }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let stream = Int32(parts[0]), let sequence = Int64(parts[1]) else {
            return nil
        }
        return EntryKey(stream: stream, sequence: sequence)
    }
}
