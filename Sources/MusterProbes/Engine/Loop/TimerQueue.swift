import MusterCore

/// Actions by due time: a binary heap, with cancelled entries left in it until they come up or are the greater
/// part of it.
struct TimerQueue {
    struct Ticket: Hashable {
        fileprivate let slot: Int32
        fileprivate let number: UInt64
    }
    private struct Entry {
        let due: Int64
        /// Of all that were ever added; what is due at the same time comes in this order.
        let number: UInt64
        let slot: Int32
    }
    /// Where an action lies; used again once it was taken or cancelled, under another number.
    private struct Slot {
        var number: UInt64
        var action: (() -> Void)?
    }

    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var last: UInt64 = 0
    /// Entries of the heap whose action was cancelled.
    private var cancelled = 0

    /// The earliest due time, possibly of a cancelled action.
    var next: Int64? { heap.first?.due }

    mutating func add(_ due: Instant, _ action: @escaping () -> Void) -> Ticket {
        last += 1
        let slot: Int32
        if let unused = free.popLast() {
            slot = unused
            slots[Int(slot)] = Slot(number: last, action: action)
        } else {
            slot = Int32(slots.count)
            slots.append(Slot(number: last, action: action))
        }
        heap.append(Entry(due: due.nanoseconds, number: last, slot: slot))
        moveUp(heap.count - 1)
        return Ticket(slot: slot, number: last)
    }

    mutating func cancel(_ ticket: Ticket) {
        guard take(ticket.slot, ticket.number) != nil else { return }
        cancelled += 1
        // A probe's timeout is nearly always cancelled, long before it comes up: thousands would wait here.
        if cancelled > 32, cancelled * 2 > heap.count { dropCancelled() }
    }

    /// Removes and returns the first action that is due by `now`.
    mutating func popDue(_ now: Instant) -> (() -> Void)? {
        while let first = heap.first, first.due <= now.nanoseconds {
            removeFirst()
            if let action = take(first.slot, first.number) { return action }
            cancelled -= 1
        }
        return nil
    }

    private mutating func take(_ slot: Int32, _ number: UInt64) -> (() -> Void)? {
        let index = Int(slot)
        // A ticket may be older than the queue: a loop that has ended begins a new one.
        guard slots.indices.contains(index), slots[index].number == number, let action = slots[index].action
        else { return nil }
        slots[index].action = nil
        free.append(slot)
        return action
    }

    private mutating func dropCancelled() {
        heap.removeAll { slots[Int($0.slot)].number != $0.number || slots[Int($0.slot)].action == nil }
        cancelled = 0
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { moveDown(index) }
    }

    private mutating func removeFirst() {
        let tail = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = tail
        moveDown(0)
    }

    private mutating func moveUp(_ start: Int) {
        var index = start
        while index > 0, Self.isBefore(heap[index], heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func moveDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            let left = 2 * index + 1
            if left < heap.count, Self.isBefore(heap[left], heap[least]) { least = left }
            if left + 1 < heap.count, Self.isBefore(heap[left + 1], heap[least]) { least = left + 1 }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }

    private static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
        a.due != b.due ? a.due < b.due : a.number < b.number
    }
}
