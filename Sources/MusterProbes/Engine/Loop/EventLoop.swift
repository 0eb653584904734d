import CCurl
import Glibc
import MusterCore
import Synchronization

/// One thread's world: descriptors, timers and posted jobs on one epoll set, woken by one absolute timerfd.
///
/// Everything but `post` and `stop` belongs to the thread that runs it; that confinement, not a lock, is what
/// makes it safe, and why it says `@unchecked Sendable`.
final class EventLoop: @unchecked Sendable {
    typealias Readiness = DescriptorSet.Readiness

    private let descriptors: DescriptorSet
    private let timer: Int32
    private let wake: Int32
    private var timers = TimerQueue()
    /// nil once nobody will do them any more.
    private let jobs = Mutex<[@Sendable () -> Void]?>([])
    private let stopping = Atomic<Bool>(false)
    private var transfers: Transfers?
    /// When this thread looked at its descriptors.
    private(set) var attention = Attention(from: monotonicNow())
    /// For when the timer is set.
    private var armed: Int64 = 0
    private var patiences: [Patience] = []
    private var isTicking = false
    /// Actions between two looks at the descriptors: were all that are overdue done at once, what they send would
    /// pile up while its answers wait.
    private static let mostActions = 64
    /// Attempts that are under way, counted by those who start them.
    var inFlight = 0
    let inFlightLimit: Int

    /// - Throws: `MeasuringError` when the kernel gives no descriptors.
    init(inFlightLimit: Int = 4096) throws {
        self.inFlightLimit = inFlightLimit
        descriptors = try DescriptorSet()
        timer = ccurl_timer_new()
        wake = ccurl_eventfd_new(0)
        guard timer >= 0, wake >= 0 else {
            let code = errno
            for descriptor in [timer, wake] where descriptor >= 0 { close(descriptor) }
            throw MeasuringError.system("cannot make the timer of an epoll set", code)
        }
        // Nobody reads it: setting it again makes it unready.
        watch(timer, [.read, .once]) { _ in }
        watch(wake, .read) { [wake] _ in Self.drain(wake) }
    }

    deinit {
        transfers?.close()
        for descriptor in [timer, wake] { close(descriptor) }
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
        descriptors.watch(descriptor, wanted, handler)
    }

    /// Like `unwatch`, of a descriptor that will probably be watched again for the same soon: it stays in the epoll
    /// set until something happens on it. `unwatch` must be called before it is closed.
    func rest(_ descriptor: Int32) { descriptors.rest(descriptor) }

    /// Must be called before the descriptor is closed.
    func unwatch(_ descriptor: Int32) { descriptors.unwatch(descriptor) }

    /// Runs until `stop`, or until `isDone` says so; it is asked after each round.
    func run(until isDone: () -> Bool = { false }) {
        while !stopping.load(ordering: .acquiring), !isDone() {
            runJobs()
            // Not the clock again after each action: what they put off comes after a look at the descriptors.
            let now = monotonicNow()
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
            descriptors.look(
                wait: mayWait, handled: { transfers?.collect() }, whole: { attention.looked(at: $0) })
        }
    }

    /// The earliest that timers and curl wait for; `.max` without.
    private var nextDue: Int64 { min(timers.next ?? .max, transfers?.due ?? .max) }

    /// Gives up what is under way, and forgets timers, jobs and watches, which hold on to those who made them. After
    /// `run`, for good.
    func clear() {
        jobs.withLock { $0 = nil }
        transfers?.isEnding = true
        // What is given up may try something else, but not for ever.
        for _ in 0..<8 where !patiences.isEmpty {
            for patience in patiences { patience.giveUp() }
        }
        transfers?.close()
        timers = TimerQueue()
        patiences = []
        isTicking = false
        descriptors.unwatchAll(but: [timer, wake])
    }

    /// Knows those who wait for an answer: while there are any, the descriptors are looked at every tick.
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
        if isTicking { at(monotonicNow() + Attention.tick) { [unowned self] in beat() } }
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
