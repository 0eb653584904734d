internal import NIOCore

/// Directions of one proxy that are not read because the budget of held bytes is spent, in the order in which they
/// came. Looked after every 10 ms; as many go on as there is room for, so that they do not spend it all at once again.
///
/// Confined to the event loop of its proxy.
final class WaitingRoom {
    private struct Guest {
        weak var direction: Direction?
    }

    private let budget: HeldBudget
    private let loop: any EventLoop
    private var guests = CircularBuffer<Guest>(initialCapacity: 0)
    private var isLooking = false
    /// When those that have gone are sorted out: each goes at a time of its own, with nobody looking.
    private var sorting = 1024

    init(_ budget: HeldBudget, on loop: any EventLoop) {
        self.budget = budget
        self.loop = loop
    }

    func enter(_ direction: Direction) {
        budget.noteWait()
        guests.append(Guest(direction: direction))
        if guests.count >= sorting {
            guests.removeAll { $0.direction == nil }
            sorting = max(1024, 2 * guests.count)
        }
        look()
    }

    private func look() {
        guard !isLooking, !guests.isEmpty else { return }
        isLooking = true
        loop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { [weak self] in
            guard let self else { return }
            self.isLooking = false
            self.letGo(min(self.budget.room, self.guests.count))
            self.look()
        }
    }

    private func letGo(_ count: Int) {
        for _ in 0..<count { guests.popFirst()?.direction?.leaveWaitingRoom() }
    }
}
