import MusterCore

/// Actions by due time: a binary heap, with cancelled entries left in it until they come up.
struct TimerQueue {
    struct Ticket: Hashable {
        fileprivate let number: UInt64
    }
    private struct Entry {
        let due: Int64
        let number: UInt64
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: () -> Void] = [:]
    private var last: UInt64 = 0

    /// The earliest due time, possibly of a cancelled action.
    var next: Int64? { heap.first?.due }

    mutating func add(_ due: Instant, _ action: @escaping () -> Void) -> Ticket {
        last += 1
        actions[last] = action
        heap.append(Entry(due: due.nanoseconds, number: last))
        var index = heap.count - 1
        while index > 0, Self.isBefore(heap[index], heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
        return Ticket(number: last)
    }

    mutating func cancel(_ ticket: Ticket) { actions[ticket.number] = nil }

    /// Removes and returns the first action that is due by `now`.
    mutating func popDue(_ now: Instant) -> (() -> Void)? {
        while let first = heap.first, first.due <= now.nanoseconds {
            removeFirst()
            if let action = actions.removeValue(forKey: first.number) { return action }
        }
        return nil
    }

    private mutating func removeFirst() {
        let tail = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = tail
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && Self.isBefore(heap[child], heap[least]) {
                least = child
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }

    private static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
        (a.due, a.number) < (b.due, b.number)
    }
}
