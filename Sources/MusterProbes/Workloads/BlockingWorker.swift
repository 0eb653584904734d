import MusterCore
import MusterSystem
import Synchronization

/// Carries out one blocking operation after another on a thread of its own, so that a file system or a database
/// that hangs holds up nobody else: neither the loop that writes and reads back, nor the other writers.
///
/// A thread that hangs in the kernel cannot be ended. What waits behind it is given up when its time is over, and
/// is then never begun. Made and used on the loop's thread.
final class BlockingWorker: @unchecked Sendable {
    /// One operation, which the loop may give up before its point of no return and not after it.
    final class Claim: Sendable {
        fileprivate enum State { case open, taken, givenUp }
        fileprivate let state = Mutex(State.open)

        /// Called just before the store could be changed, or before what is read is worth the wait.
        /// - Returns: false when nobody waits any more: then nothing may be changed.
        func take() -> Bool {
            state.withLock { state in
                if state == .open { state = .taken }
                return state == .taken
            }
        }

        /// - Returns: whether it had been taken.
        fileprivate func giveUp() -> Bool {
            state.withLock { state in
                defer { state = .givenUp }
                return state == .taken
            }
        }
    }

    private let loop: EventLoop
    private let condition = Condition()
    // Guarded by the condition.
    private var jobs: [@Sendable () -> Void] = []
    private var isClosed = false
    private var isIdle = true
    private var hasEnded = false
    /// On the loop's thread.
    private var isStarted = false

    init(loop: EventLoop) { self.loop = loop }

    /// Runs `work` on the thread, and hands its answer to `done` on the loop's thread, once.
    /// - Parameters:
    ///   - deadline: put off by what the loop neglects, see `Patience`.
    ///   - late: the answer when the time is over, or there is no thread: whether `work` had passed its point of no return.
    func run<Answer: Sendable>(
        until deadline: Instant, late: @escaping (_ wasTaken: Bool) -> Answer,
        _ work: @escaping @Sendable (Claim) -> Answer, done: @escaping (Answer) -> Void
    ) {
        guard start() else { return done(late(false)) }
        let claim = Claim()
        var isOver = false
        let patience = Patience(deadline - monotonicNow(), on: loop) { _ in
            isOver = true
            done(late(claim.giveUp()))
        }
        let finish = LoopOnly { (answer: Answer) in
            if isOver { return }
            isOver = true
            patience.cancel()
            done(answer)
        }
        post { [loop] in
            let answer = work(claim)
            loop.post { finish.value(answer) }
        }
    }

    private func start() -> Bool {
        if isStarted { return true }
        guard let thread = try? OwnThread("muster-store", { [self] in serve() }) else { return false }
        thread.detach()
        isStarted = true
        return true
    }

    private func post(_ job: @escaping @Sendable () -> Void) {
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    private func serve() {
        while true {
            let job: (@Sendable () -> Void)? = condition.withLock {
                isIdle = true
                while jobs.isEmpty {
                    if isClosed { return nil }
                    _ = condition.wait()
                }
                isIdle = false
                return jobs.removeFirst()
            }
            guard let job else { break }
            job()
        }
        condition.withLock {
            hasEnded = true
            condition.signal()
        }
    }

    /// Ends the thread after `last`; waits for that, but not for a thread that hangs.
    func close(within limit: Duration = .seconds(3), last: @escaping @Sendable () -> Void = {}) {
        condition.withLock {
            guard isStarted, !isClosed else { return }
            jobs.append(last)
            isClosed = true
            condition.signal()
            let deadline = monotonicNow() + (isIdle ? limit : .milliseconds(100))
            while !hasEnded { if !condition.wait(until: deadline) { return } }
        }
    }
}
