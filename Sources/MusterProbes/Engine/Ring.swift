import Synchronization

/// A bounded queue from one thread to another, made once: putting in and taking out neither lock nor
/// allocate, so a thread that measures is never held up by one that stores.
///
/// One thread puts in, one takes out. What was put in stays readable until it is released, so that the taker
/// can hold on to what is not safe yet (a ledger's records until they are durable). `Element` must be plain
/// bytes: nothing is ever deinitialized.
final class Ring<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let capacity: Int
    private let pages: Pages
    private let slots: UnsafeMutablePointer<Element>
    private let mask: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)

    /// - Parameter capacity: elements that may wait; memory is taken for the next power of two, and touched
    ///   only as far as elements come.
    /// - Throws: `MeasuringError` when there is no memory for it.
    init(capacity: Int) throws {
        precondition(capacity > 0, "a ring holds at least one element")
        self.capacity = capacity
        var size = 1
        while size < capacity { size *= 2 }
        mask = size - 1
        pages = try Pages(byteCount: size * MemoryLayout<Element>.stride)
        slots = pages.bytes.bindMemory(to: Element.self).baseAddress!
    }

    /// How many were put in so far, and how many of them were released; positions of elements lie in between.
    var pushed: Int { head.load(ordering: .acquiring) }
    var released: Int { tail.load(ordering: .acquiring) }
    var count: Int { pushed - released }

    /// Only for the thread that puts in.
    /// - Returns: false when there is no room; then nothing happened.
    func push(_ element: Element) -> Bool {
        let place = head.load(ordering: .relaxed)
        guard place - tail.load(ordering: .acquiring) < capacity else { return false }
        (slots + (place & mask)).initialize(to: element)
        head.store(place + 1, ordering: .releasing)
        return true
    }

    /// What was put in as number `position`, from `released` up to `pushed`. For the thread that takes out,
    /// and for the one that puts in, which may not overwrite anything meanwhile.
    subscript(position: Int) -> Element { slots[position & mask] }

    /// Only for the thread that takes out: everything below `position` may be overwritten.
    func release(to position: Int) { tail.store(position, ordering: .releasing) }
}
