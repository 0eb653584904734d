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
        var generation: UInt32 = 0
        /// What the epoll set knows of it; 0 when it is not in there.
        var registered: UInt32 = 0
        var handler: ((Readiness) -> Void)?
    }

    private let epoll: Int32
    private let timer: Int32
    private let wake: Int32
    private var watches: [Watch] = []
    private var timers = TimerQueue()
    /// nil once nobody will do them any more.
    private let jobs = Mutex<[@Sendable () -> Void]?>([])
    private let stopping = Atomic<Bool>(false)
    private var events = [ccurl_event](repeating: ccurl_event(), count: 64)
    private var transfers: Transfers?
    /// For how long altogether this thread has not looked although something was due: others had the
    /// processor, or an action took long.
    private(set) var neglected: Duration = .zero
    private var lastLook = Instant(nanoseconds: 0)
    /// For when the timer is set.
    private var armed: Int64 = 0
    private var patiences: [Patience] = []
    private var isTicking = false
    private static let tick = Duration.milliseconds(5)
    /// Less is what waking up takes.
    private static let leastNeglect = Duration.milliseconds(1)
    /// A neglect may be longer by this than what was noticed of it, while somebody counts on it.
    static let unnoticed = tick + leastNeglect
    /// Actions between two looks at the descriptors: were all that are overdue done at once, what they send would
    /// pile up while its answers wait.
    private static let mostActions = 64
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
        // Nobody reads it: setting it again makes it unready.
        watch(timer, Readiness(rawValue: Readiness.read.rawValue | CCURL_EDGE)) { _ in }
        watch(wake, .read) { [wake] _ in Self.drain(wake) }
    }

    deinit {
        transfers?.close()
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
        jobs.withLock { $0?.append(job) }
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
        while watches.count <= index { watches.append(Watch()) }
        watches[index].handler = handler
        let before = watches[index].registered
        guard before != wanted.rawValue else { return }
        if before == 0 { watches[index].generation &+= 1 }
        watches[index].registered = wanted.rawValue
        let key = UInt64(watches[index].generation) << 32 | UInt64(UInt32(descriptor))
        _ = ccurl_epoll_set(epoll, descriptor, wanted.rawValue, key, before == 0 ? 1 : 0)
    }

    /// Like `unwatch`, of a descriptor that will probably be watched again for the same soon: it stays in the epoll
    /// set until something happens on it. `unwatch` must be called before it is closed.
    func rest(_ descriptor: Int32) {
        if watches.indices.contains(Int(descriptor)) { watches[Int(descriptor)].handler = nil }
    }

    /// Must be called before the descriptor is closed.
    func unwatch(_ descriptor: Int32) {
        guard watches.indices.contains(Int(descriptor)), watches[Int(descriptor)].registered != 0 else {
            return
        }
        watches[Int(descriptor)].handler = nil
        watches[Int(descriptor)].registered = 0
        _ = ccurl_epoll_remove(epoll, descriptor)
    }

    /// Runs until `stop`, or until `isDone` says so; it is asked after each round.
    func run(until isDone: () -> Bool = { false }) {
        while !stopping.load(ordering: .acquiring), !isDone() {
            runJobs()
            // Not the clock again after each action: what they put off comes after a look at the descriptors.
            let now = look()
            for _ in 0..<Self.mostActions {
                guard let action = timers.popDue(now) else { break }
                action()
            }
            transfers?.proceed()
            transfers?.collect()
            if stopping.load(ordering: .acquiring) || isDone() { return }
            let next = nextDue
            let mayWait = next > monotonicNow().nanoseconds
            if mayWait, next != .max, next != armed {
                armed = next
                _ = ccurl_timer_set(timer, next)
            }
            dispatch(wait: mayWait)
        }
    }

    /// The earliest that timers and curl wait for; `.max` without.
    private var nextDue: Int64 { min(timers.next ?? .max, transfers?.due ?? .max) }

    /// Gives up what is under way, and forgets timers, jobs and watches, which hold on to those who made them. After
    /// `run`, for good.
    func clear() {
        jobs.withLock { $0 = nil }
        // What is given up may try something else, but not for ever.
        for _ in 0..<8 where !patiences.isEmpty {
            for patience in patiences { patience.giveUp() }
        }
        transfers?.close()
        timers = TimerQueue()
        patiences = []
        isTicking = false
        for descriptor in watches.indices where descriptor != Int(timer) && descriptor != Int(wake) {
            unwatch(Int32(descriptor))
        }
    }

    /// Adds to what was neglected, as far as the earliest timer tells.
    private func look() -> Instant {
        let now = monotonicNow()
        neglected = neglected(until: now)
        lastLook = now
        return now
    }

    /// What was neglected up to `now`, which is this moment: also what has gone on since the last look.
    func neglected(until now: Instant) -> Duration {
        let due = nextDue
        guard due != .max else { return neglected }
        let late = now - max(lastLook, Instant(nanoseconds: due))
        return late > Self.leastNeglect ? neglected + late : neglected
    }

    /// Knows those who need to know what is neglected: while there are any, a timer is never far.
    /// - Returns: their place.
    func add(_ patience: Patience) -> Int {
        patiences.append(patience)
        if !isTicking { beat() }
        return patiences.count - 1
    }

    func remove(patience place: Int) {
        guard patiences.indices.contains(place) else { return }
        let last = patiences.removeLast()
        guard place < patiences.count else { return }
        patiences[place] = last
        last.place = place
    }

    private func beat() {
        isTicking = !patiences.isEmpty
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
                guard let handler = watches[descriptor].handler else {
                    // It rests, and would be reported for as long as it is ready.
                    unwatch(Int32(descriptor))
                    continue
                }
                handler(Readiness(rawValue: events[index].events))
            }
            transfers?.collect()
            if count < events.count { return }
            mayWait = false
        }
    }

    private func runJobs() {
        let waiting = jobs.withLock { jobs in
            guard let taken = jobs, !taken.isEmpty else { return [@Sendable () -> Void]() }
            jobs = []
            return taken
        }
        for job in waiting { job() }
    }

    private static func drain(_ descriptor: Int32) {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
