import CCurl
import Glibc
import MusterCore
import Synchronization

/// One thread's world: descriptors, timers and posted jobs on one epoll set, woken by one absolute timerfd.
///
/// Everything but `post` and `stop` belongs to the thread that runs it; that confinement, not a lock, is what
/// makes it safe, and why it says `@unchecked Sendable`.
final class EventLoop: @unchecked Sendable {
    /// What became ready on a descriptor.
    struct Readiness: OptionSet {
        let rawValue: UInt32
        static let read = Readiness(rawValue: UInt32(CCURL_READ))
        static let write = Readiness(rawValue: UInt32(CCURL_WRITE))
        static let broken = Readiness(rawValue: UInt32(CCURL_BROKEN))
    }

    private struct Watch {
        var generation: UInt32
        var handler: ((Readiness) -> Void)?
    }

    private let epoll: Int32
    private let timer: Int32
    private let wake: Int32
    private var watches: [Watch] = []
    private var timers = TimerQueue()
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let stopping = Atomic<Bool>(false)
    private var events = [ccurl_event](repeating: ccurl_event(), count: 64)
    private var transfers: Transfers?
    /// For how long altogether this thread has not looked although something was due: others had the
    /// processor, or an action took long.
    private(set) var neglected: Duration = .zero
    private var lastLook = Instant(nanoseconds: 0)
    private var patiences = 0
    private var isTicking = false
    /// How short a neglect is noticed while somebody counts on it.
    private static let tick = Duration.milliseconds(5)
    /// Attempts that are under way, counted by those who start them.
    var inFlight = 0
    let inFlightLimit: Int

    /// - Throws: `MeasuringError` when the kernel gives no descriptors.
    init(inFlightLimit: Int = 4096) throws {
        self.inFlightLimit = inFlightLimit
        epoll = ccurl_epoll_new()
        timer = ccurl_timer_new()
        wake = ccurl_eventfd_new(0)
        guard epoll >= 0, timer >= 0, wake >= 0 else {
            let code = errno
            for descriptor in [epoll, timer, wake] where descriptor >= 0 { close(descriptor) }
            throw MeasuringError.system("cannot make an epoll set with its timer", code)
        }
        watch(timer, .read) { [timer] _ in Self.drain(timer) }
        watch(wake, .read) { [wake] _ in Self.drain(wake) }
    }

    deinit {
        transfers = nil
        for descriptor in [timer, wake, epoll] { close(descriptor) }
    }

    /// HTTP transfers on this loop; libcurl is loaded when it is first asked for.
    /// - Throws: `MeasuringError` when libcurl is missing.
    func httpTransfers() throws -> Transfers {
        if let transfers { return transfers }
        let made = try Transfers(loop: self)
        transfers = made
        return made
    }

    // MARK: From any thread

    func post(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        ring()
    }

    func stop() {
        stopping.store(true, ordering: .releasing)
        ring()
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    // MARK: On the loop's thread

    @discardableResult
    func at(_ due: Instant, _ action: @escaping () -> Void) -> TimerQueue.Ticket { timers.add(due, action) }

    func cancel(_ ticket: TimerQueue.Ticket) { timers.cancel(ticket) }

    func watch(_ descriptor: Int32, _ wanted: Readiness, _ handler: @escaping (Readiness) -> Void) {
        let index = Int(descriptor)
        while watches.count <= index { watches.append(Watch(generation: 0, handler: nil)) }
        if watches[index].handler == nil { watches[index].generation &+= 1 }
        watches[index].handler = handler
        let key = UInt64(watches[index].generation) << 32 | UInt64(UInt32(descriptor))
        _ = ccurl_epoll_set(epoll, descriptor, wanted.rawValue, key)
    }

    /// Must be called before the descriptor is closed.
    func unwatch(_ descriptor: Int32) {
        guard watches.indices.contains(Int(descriptor)), watches[Int(descriptor)].handler != nil else {
            return
        }
        watches[Int(descriptor)].handler = nil
        _ = ccurl_epoll_remove(epoll, descriptor)
    }

    /// Runs until `stop`, or until `isDone` says so; it is asked after each round.
    func run(until isDone: () -> Bool = { false }) {
        while !stopping.load(ordering: .acquiring), !isDone() {
            runJobs()
            // Not the clock again after each action: what they put off comes after a look at the descriptors.
            let now = look()
            while let action = timers.popDue(now) { action() }
            transfers?.collect()
            if stopping.load(ordering: .acquiring) || isDone() { return }
            let next = timers.next
            let mayWait = next.map { $0 > monotonicNow().nanoseconds } ?? true
            if let next, mayWait { _ = ccurl_timer_set(timer, next) }
            dispatch(wait: mayWait)
        }
    }

    /// Forgets timers, jobs and watches, which hold on to those who made them. After `run`.
    func clear() {
        timers = TimerQueue()
        isTicking = false
        jobs.withLock { $0 = [] }
        for descriptor in watches.indices where descriptor != Int(timer) && descriptor != Int(wake) {
            unwatch(Int32(descriptor))
        }
    }

    /// Adds to what was neglected, as far as the earliest timer tells.
    private func look() -> Instant {
        let now = monotonicNow()
        if let next = timers.next {
            let late = now - max(lastLook, Instant(nanoseconds: next))
            // Less is what waking up takes.
            if late > .milliseconds(1) { neglected += late }
        }
        lastLook = now
        return now
    }

    /// Counts those who need to know what is neglected: while there are any, a timer is never far.
    func countPatience(_ change: Int) {
        patiences += change
        if patiences > 0, !isTicking { beat() }
    }

    private func beat() {
        isTicking = patiences > 0
        if isTicking { at(monotonicNow() + Self.tick) { [unowned self] in beat() } }
    }

    private func dispatch(wait: Bool) {
        var mayWait = wait
        // What is ready beyond one batch must not wait for timers, which may be its timeouts.
        for _ in 0..<32 {
            let count = Int(ccurl_epoll_wait(epoll, &events, Int32(events.count), mayWait ? 1 : 0))
            guard count > 0 else { return }
            for index in 0..<count {
                let descriptor = Int(UInt32(truncatingIfNeeded: events[index].key))
                // A descriptor closed and reused within this batch has another generation.
                guard watches[descriptor].generation == UInt32(events[index].key >> 32) else { continue }
                watches[descriptor].handler?(Readiness(rawValue: events[index].events))
            }
            transfers?.collect()
            if count < events.count { return }
            mayWait = false
        }
    }

    private func runJobs() {
        let waiting = jobs.withLock { jobs in
            let taken = jobs
            jobs.removeAll(keepingCapacity: true)
            return taken
        }
        for job in waiting { job() }
    }

    private static func drain(_ descriptor: Int32) {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
