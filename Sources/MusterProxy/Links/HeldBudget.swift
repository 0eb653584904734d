internal import Synchronization

/// What all connections of a process keep in memory together: bytes that toxics hold back, and bytes that a peer does
/// not take. Each connection has a bound of its own (`ToxicStage.capacity`); a thousand of them would still fill the
/// machine, so that beyond this sum they are read no further than they must be.
///
/// An estimate of memory, not a count of payload: a chunk of one byte costs some hundred. From any thread.
public final class HeldBudget: Sendable {
    /// In bytes, when nothing else is said.
    public static let usual = 256 << 20
    /// What a direction may keep, in bytes, when the budget is spent: none starves because others hold a lot.
    static let small = 16_384
    /// Room that one direction more must have before it is read again, in bytes: what one reading may bring.
    static let step = 65_536

    /// In bytes.
    public let most: Int
    private let bytes = Atomic<Int>(0)
    private let highest = Atomic<Int>(0)
    private let waits = Atomic<Int>(0)

    /// - Parameter most: in bytes, above 0.
    public init(_ most: Int = usual) { self.most = most }

    /// Bytes that are kept now.
    public var held: Int { bytes.load(ordering: .relaxed) }
    /// How often a direction was not read on because the budget was spent.
    public var waited: Int { waits.load(ordering: .relaxed) }
    /// The most that was kept since `forgetHighest`, in bytes.
    var peak: Int { highest.load(ordering: .relaxed) }

    var isSpent: Bool { held >= most }
    /// How many directions may be read on by what room there is.
    var room: Int { max(0, (most - held) / Self.step) }

    func change(by difference: Int) {
        let now = bytes.wrappingAdd(difference, ordering: .relaxed).newValue
        if difference > 0 { highest.max(now, ordering: .relaxed) }
    }

    func noteWait() { waits.wrappingAdd(1, ordering: .relaxed) }

    func forgetHighest() { highest.store(held, ordering: .relaxed) }
}
