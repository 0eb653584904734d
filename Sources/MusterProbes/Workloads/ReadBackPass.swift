import MusterCore
import MusterDrills

/// One time of asking for every entry. Belongs to its loop's thread.
final class ReadBackPass {
    private let run: WorkloadRun
    private let clients: [any StoreClient]
    private let plan: ReadPlan
    private let deadline: Instant
    private let isCancelled: @Sendable () -> Bool
    private let done: (Result) -> Void
    private let began = monotonicNow()
    private var result = Result()
    /// The next stream that no client reads yet.
    private var nextStream = 0
    private var left: Int

    private static let tries = 3

    /// - Parameter clients: ways to the store, at least one; each reads one stream after the other.
    init(
        _ run: WorkloadRun, through clients: [any StoreClient], _ plan: ReadPlan, until deadline: Instant,
        isCancelled: @escaping @Sendable () -> Bool, done: @escaping (Result) -> Void
    ) {
        self.run = run
        self.clients = clients
        self.plan = plan
        self.deadline = deadline
        self.isCancelled = isCancelled
        self.done = done
        left = clients.count
        result.states = plan.streams.map { runs in
            var states = [ReadState](repeating: .notAsked, count: Int(runs.last?.upperBound ?? 0))
            for run in runs { for number in run { states[Int(number - 1)] = .unread } }
            result.unread += runs.reduce(0) { $0 + $1.count }
            return states
        }
    }

    func begin() { for client in clients { readNextStream(through: client) } }

    private func readNextStream(through client: any StoreClient) {
        guard nextStream < plan.streams.count else { return clientDone() }
        let stream = Int32(nextStream)
        nextStream += 1
        if run.steps.plan.mode == .register { return readRegisters(of: stream, through: client) }
        var numbers = AskedNumbers(plan.streams[Int(stream)])
        read(stream, numbers.take(client.readBatch), then: numbers, through: client, tries: Self.tries)
    }

    private func readRegisters(of stream: Int32, through client: any StoreClient) {
        let count = Int64(result.states[Int(stream)].count)
        RegisterReading(run, stream: stream, client, last: count - 1) { [self] found, unread, failure in
            for key in (0..<count).map({ EntryKey(stream: stream, sequence: $0 + 1) })
            where !unread.contains(key) {
                if let found = found[key] { note(found) } else { note(key, .absent) }
            }
            result.strangers.formUnion(found.keys.filter { !isAsked($0) })
            if let failure, result.firstFailure.isEmpty { result.firstFailure = failure }
            readNextStream(through: client)
        }.begin()
    }

    private func read(
        _ stream: Int32, _ batch: [Int64], then rest: AskedNumbers, through client: any StoreClient,
        tries: Int
    ) {
        guard !batch.isEmpty else { return readNextStream(through: client) }
        if isCancelled() {
            result.isCutShort = true
            return readNextStream(through: client)
        }
        let wanted = batch.map { run.wanted(EntryKey(stream: stream, sequence: $0)) }
        client.get(wanted, until: run.operationDeadline) { [self] answers in
            let failure = answers.compactMap { if case .failed(let why) = $0 { why } else { nil } }.first
            if failure != nil, tries > 1, monotonicNow() < deadline {
                run.loop.at(monotonicNow() + .milliseconds(50)) { [self] in
                    read(stream, batch, then: rest, through: client, tries: tries - 1)
                }
                return
            }
            for (wanted, answer) in zip(wanted, answers) { take(wanted, answer) }
            // What is known by now counts; a store that is slow, or does not answer any more, would take for ever.
            if !rest.isEmpty, monotonicNow() >= deadline {
                result.isCutShort = true
                return readNextStream(through: client)
            }
            var rest = rest
            let next = rest.take(client.readBatch)
            read(stream, next, then: rest, through: client, tries: Self.tries)
        }
    }

    private func take(_ wanted: Wanted, _ answer: ReadAnswer) {
        let key = wanted.entry
        switch answer {
        case .absent: note(key, .absent)
        case .present(let isIntact, let count):
            note(ReadBack.Found(key: key, isIntact: isIntact, count: count))
        case .misplaced(let count):
            note(ReadBack.Found(key: key, isIntact: true, count: count, isMisplaced: true))
        case .failed(let why):
            if result.firstFailure.isEmpty { result.firstFailure = "\(wanted.key): \(why)" }
        }
    }

    private func note(_ found: ReadBack.Found) {
        note(found.key, found.isMisplaced ? .misplaced : found.isIntact ? .intact : .damaged)
        if found.count > 1 { result.copies[found.key] = found.count }
    }

    private func note(_ key: EntryKey, _ state: ReadState) {
        result.states[Int(key.stream)][Int(key.sequence - 1)] = state
        result.unread -= 1
    }

    private func clientDone() {
        left -= 1
        guard left == 0 else { return }
        if isCancelled() { return finish() }
        guard plan.isExamined else { return list() }
        run.steps.examine(clients[0], until: run.operationDeadline + .seconds(10)) { [self] found in
            if let found {
                result.violations = found
            } else {
                result.problems.append("the store as a whole could not be examined in time")
            }
            list()
        }
    }

    private func list() {
        // The registers are all that there can be.
        guard plan.isListed, run.steps.plan.mode != .register else { return finish() }
        clients[0].list(run.names.prefix, until: run.operationDeadline + .seconds(10)) { [self] answer in
            switch answer {
            case .unsupported: result.cannotList = true
            case .some(let keys):
                for key in keys { takeListed(key) }
                return
            case .failed(let why): result.problems.append("the keys could not be listed: \(why)")
            case .keys(let keys): for key in keys { takeListed(key) }
            }
            finish()
        }
    }

    private func finish() {
        result.time = Bracket(began, monotonicNow())
        done(result)
    }

    /// What is there and was never asked for is a phantom.
    private func takeListed(_ name: String) {
        guard let key = run.names.key(name) else {
            result.problems.append("the key \(name) has the run's prefix and is none of its entries")
            return
        }
        if key.stream == run.fenceStream { return }
        if !isAsked(key) { result.strangers.insert(key) }
    }

    private func isAsked(_ key: EntryKey) -> Bool {
        result.states.indices.contains(Int(key.stream)) && key.sequence > 0
            && key.sequence <= Int64(result.states[Int(key.stream)].count)
    }
}

/// The numbers of one stream that are still to be asked for.
private struct AskedNumbers {
    private var runs: ArraySlice<ClosedRange<Int64>>
    init(_ runs: [ClosedRange<Int64>]) { self.runs = runs[...] }

    var isEmpty: Bool { runs.isEmpty }

    mutating func take(_ count: Int) -> [Int64] {
        var numbers: [Int64] = []
        while numbers.count < count, let run = runs.first {
            let last = min(run.upperBound, run.lowerBound + Int64(count - numbers.count) - 1)
            numbers += run.lowerBound...last
            if last < run.upperBound {
                runs[runs.startIndex] = last + 1...run.upperBound
            } else {
                runs.removeFirst()
            }
        }
        return numbers
    }
}

extension WorkloadRun {
    /// The stream of fences: one after the last writer's.
    var fenceStream: Int32 { Int32(writers.count) }

    var operationDeadline: Instant { monotonicNow() + max(setting.timeout, .seconds(1)) }

    func wanted(_ key: EntryKey) -> Wanted {
        Wanted(
            entry: key, key: names.name(key),
            value: EntryPayload.make(key, seed: seed, bytes: Int(setting.payload.bytes)))
    }

    /// Writes and reads one entry through the normal client's path. On the loop's thread.
    func fence(_ sequence: Int64, done: @escaping (String?) -> Void) {
        let wanted = self.wanted(EntryKey(stream: fenceStream, sequence: sequence))
        let client = writers[0].client
        client.put(wanted.key, wanted.value, until: operationDeadline) { [self] answer in
            guard answer.outcome == .ok || answer.outcome == .okWithWarning else {
                return done("a write is not acknowledged (\(SampleCode.inWords(answer.finding.code)))")
            }
            client.get([wanted], until: operationDeadline) { answers in
                switch answers.first {
                case .present(isIntact: true, count: 1): done(nil)
                case .failed(let why): done("a write cannot be read (\(why))")
                default: done("a write that was acknowledged is not there when it is read")
                }
            }
        }
    }
}
