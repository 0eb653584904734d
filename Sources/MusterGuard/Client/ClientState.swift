import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// What the client's threads share.
final class ClientState: Sendable {
    struct State {
        var next: Int64 = 1
        var waiters: [Int64: Waiter] = [:]
        var loss: GuardFailure?
        var saidBye = false
        /// The request whose answer is the guard's goodbye.
        var bye: Int64?
        var ended = false
        var acknowledgedAt: Instant
    }

    let state: Mutex<State>
    private let writing = Mutex(false)
    private let input: Descriptor
    private let output: Descriptor
    private let lease: Duration
    private let clock = SystemTimekeeper()
    private let onEvent: GuardClient.EventHandler
    private let onLoss: GuardClient.LossHandler

    init(
        input: Descriptor, output: Descriptor, lease: Duration, onEvent: @escaping GuardClient.EventHandler,
        onLoss: @escaping GuardClient.LossHandler
    ) {
        self.input = input
        self.output = output
        self.lease = lease
        self.onEvent = onEvent
        self.onLoss = onLoss
        state = Mutex(State(acknowledgedAt: clock.monotonic()))
    }

    func end() { state.withLock { $0.ended = true } }

    /// - Parameter grace: how much longer to wait than the guard waits for its hands, so that it is the guard who
    ///   says what happened.
    func ask<Answer: Codable & Sendable>(
        _ command: GuardCommand, _ type: Answer.Type, _ limit: Duration, grace: Duration = .seconds(4)
    ) throws -> Timed<Answer> {
        let waiter = try Waiter()
        let id = try register(waiter)
        if case .bye = command { state.withLock { $0.bye = id } }
        defer { state.withLock { _ = $0.waiters.removeValue(forKey: id) } }
        let from = clock.monotonic()
        let frame = try Frame.encode(RequestFrame(id: id, command, deadline: limit.nanoseconds))
        let deadline = from + limit + grace
        try send(frame, until: deadline)
        guard let (line, at) = try waiter.wait(until: deadline) else {
            throw GuardFailure(
                .timedOut, "the guard has not answered '\(command.name)' within \(limit.forPeople)",
                advice: "see `muster guard list`; the guard undoes everything when its lease lapses")
        }
        let header = try Frame.decode(LineHeader.self, from: line)
        if let error = header.error { throw error }
        let reply = try Frame.decode(ReplyFrame<Answer>.self, from: line)
        return Timed(
            answer: reply.result, bracket: Bracket(from, max(from, at)),
            guardBracket: Bracket(min(reply.from, reply.to), max(reply.from, reply.to)))
    }

    private func register(_ waiter: Waiter) throws -> Int64 {
        try state.withLock { state in
            if let loss = state.loss { throw loss }
            let id = state.next
            state.next += 1
            state.waiters[id] = waiter
            return id
        }
    }

    private func send(_ frame: [UInt8], until deadline: Instant) throws {
        let problem = writing.withLock { _ in write(frame, until: deadline) }
        guard let problem else { return }
        let failure = GuardFailure(
            .lost, "the guard takes no requests any more: \(problem)",
            advice: "the guard or its warden puts everything back; see `muster undo`")
        // Half a frame is on the wire, or nobody reads: nothing more can be said to it. A guard that was told
        // goodbye may be gone already, and its answer not yet read: that is for the reader to find.
        if !state.withLock({ $0.saidBye }) { lose(failure) }
        throw failure
    }

    /// - Returns: what went wrong; nil when all of it was taken.
    private func write(_ frame: [UInt8], until deadline: Instant) -> String? {
        var rest = frame[...]
        do {
            while !rest.isEmpty {
                if let taken = try output.write(some: rest) {
                    rest = rest.dropFirst(taken)
                } else if try waitFor([Interest(output.number, .writable)], until: deadline)[0].isEmpty {
                    return "its pipe is full"
                }
            }
            return nil
        } catch {
            return words(error)
        }
    }

    // MARK: Reading

    func readLoop(_ start: LineReader) {
        var reader = start
        while true {
            do {
                while let line = try reader.next() { try take(line) }
            } catch {
                lose(
                    GuardFailure(
                        .lost, "the guard said something that is not of its protocol: \(words(error))",
                        advice: "the guard puts everything back when its lease lapses; see `muster undo`"))
                return
            }
            // Input and output may be one socket, and then reading does not block either.
            _ = try? waitFor([Interest(input.number, .readable)], until: nil)
            let read = try? input.read(upTo: 65536)
            if case .wouldBlock? = read { continue }
            guard case .bytes(let bytes)? = read else {
                lose(
                    GuardFailure(
                        .lost, "the connection to the guard ended without a goodbye",
                        advice: "its warden puts everything back; see `muster undo`"))
                return
            }
            reader.append(bytes)
        }
    }

    private func take(_ line: [UInt8]) throws {
        let at = clock.monotonic()
        let header = try Frame.decode(LineHeader.self, from: line)
        if let event = header.event {
            onEvent(event)
        } else if let id = header.reply {
            let waiter = state.withLock { state -> Waiter? in
                // The guard's end may be read before whoever asked has woken up: it is no loss any more.
                if id == state.bye, header.error == nil { state.ended = true }
                return state.waiters[id]
            }
            waiter?.fulfil(line, at)
        } else {
            throw FrameProblem.unreadable("neither an answer nor an event")
        }
    }

    // MARK: Renewing

    /// A quarter of the lease between renewals, and half of it until a missing answer is a loss.
    func renewLoop(while isAlive: @Sendable () -> Bool) {
        var next = clock.monotonic()
        while !state.withLock({ $0.ended || $0.loss != nil }) {
            guard isAlive() else {
                clock.sleep(for: lease / 16)
                continue
            }
            let start = clock.monotonic()
            do {
                _ = try ask(.renew, RenewReply.self, lease / 2, grace: .zero)
                state.withLock { $0.acknowledgedAt = max($0.acknowledgedAt, start) }
            } catch {
                if state.withLock({ $0.ended || $0.saidBye || $0.loss != nil }) { return }
                lose(
                    GuardFailure(
                        .lost,
                        "renewals of the lease were not acknowledged for \((lease / 2).forPeople): \(words(error))",
                        advice: "the faults' state is unknown; the guard puts everything back by itself"))
                return
            }
            next = max(next + lease / 4, clock.monotonic())
            clock.sleep(until: next)
        }
    }

    func lose(_ failure: GuardFailure) {
        let (waiters, isNew) = state.withLock { state -> ([Waiter], Bool) in
            let isNew = state.loss == nil && !state.ended
            if state.loss == nil { state.loss = failure }
            let waiters = Array(state.waiters.values)
            return (waiters, isNew)
        }
        if let line = try? Frame.encode(
            ErrorFrame(reply: 0, error: failure, from: clock.monotonic(), to: clock.monotonic()))
        {
            for waiter in waiters { waiter.fulfil(line, clock.monotonic()) }
        }
        if isNew { onLoss(failure) }
    }
}

/// One thread waiting for one answer.
final class Waiter: Sendable {
    private let answer = Mutex<([UInt8], Instant)?>(nil)
    private let ends: (read: Descriptor, write: Descriptor)

    init() throws { ends = try Descriptor.pipe() }

    func fulfil(_ line: [UInt8], _ at: Instant) {
        let isFirst = answer.withLock { answer -> Bool in
            guard answer == nil else { return false }
            answer = (line, at)
            return true
        }
        if isFirst { _ = try? ends.write.write(some: [1][...]) }
    }

    func wait(until deadline: Instant) throws -> ([UInt8], Instant)? {
        try waitFor([Interest(ends.read.number, .readable)], until: deadline)
        return answer.withLock { $0 }
    }
}
