/// Something of a database that is no row, and that is lost as well when a restore stops half-way: an index, a constraint, a
/// trigger, a view, a sequence.
public struct DatasetObject: Hashable, Sendable {
    /// The kind of a table's own definition.
    public static let table = "table"

    /// What it is called, such as `index`.
    public var kind: String
    public var name: String
    /// What two readings are compared by; empty where only that it is there counts.
    public var definition: String
    /// nil for what does not count, and where it cannot be told.
    public var counter: DatasetCounter?

    public init(_ kind: String, _ name: String, definition: String = "", counter: DatasetCounter? = nil) {
        self.kind = kind
        self.name = name
        self.definition = definition
        self.counter = counter
    }

    /// What became of some objects, each in a sentence without a stop.
    /// - Parameter table: to which they belong; empty: to the whole database.
    public static func differences(
        _ before: [DatasetObject], _ after: [DatasetObject], of table: String
    ) -> [String] {
        let of = { (one: DatasetObject) in table.isEmpty || one.kind == Self.table ? "" : " of \(table)" }
        let known = Dictionary(after.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [String] = []
        for old in before {
            let name = "the \(old.kind) \(old.name)\(of(old))"
            guard let new = known[old.identity] else {
                found.append("\(name) is gone")
                continue
            }
            if new.definition != old.definition {
                found.append("\(name) is defined otherwise")
            } else if let was = old.counter, let words = new.counter.flatMap({ was.difference(to: $0) }) {
                found.append("\(name) \(words)")
            }
        }
        let identities = Set(before.map(\.identity))
        for new in after where !identities.contains(new.identity) {
            found.append("the \(new.kind) \(new.name)\(of(new)) is new")
        }
        return found
    }

    private var identity: [String] { [kind, name] }
}

/// Where a sequence stands.
public struct DatasetCounter: Hashable, Sendable {
    /// What it gave last, or the one before its first.
    public var value: Int64
    /// From one number to the next; negative when it counts down.
    public var step: Int64
    /// By how many numbers it may be ahead without having given them.
    public var slack: Int64

    public init(value: Int64, step: Int64, slack: Int64) {
        self.value = value
        self.step = step
        self.slack = slack
    }

    /// - Returns: nil when the later one is where it should be.
    func difference(to later: DatasetCounter) -> String? {
        let ahead = (Int128(later.value) - Int128(value)) * Int128(step.signum())
        if ahead < 0 {
            return
                "is behind: it stood at \(value) and stands at \(later.value), and gives numbers a second time"
        }
        if ahead > Int128(slack) * Int128(step.magnitude) {
            return "is ahead: it stood at \(value) and stands at \(later.value)"
        }
        return nil
    }
}
