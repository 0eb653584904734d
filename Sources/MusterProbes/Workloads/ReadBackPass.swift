import MusterCore

/// One time of asking for every entry. Belongs to its loop's thread.
final class ReadBackPass {
    struct Result: Sendable {
        var found: [EntryKey: ReadBack.Found] = [:]
        var problems: [String] = []
        /// Proof of damage beside the entries.
        var violations: [String] = []
        /// Not answered, or not asked for.
        var unread: Set<EntryKey> = []
        var firstFailure = ""
        /// It was ended before everything was asked for.
        var isCutShort = false
        var cannotList = false

        var isComplete: Bool { unread.isEmpty && problems.isEmpty }

        /// Everything that is not as it should be, in words.
        var allProblems: [String] {
            let first = firstFailure.isEmpty ? "" : ", such as \(firstFailure)"
            let keys = unread.count == 1 ? "key" : "keys"
            return (unread.isEmpty ? [] : ["\(unread.count) \(keys) could not be read\(first)"]) + problems
        }

        /// What this pass could not read is as it was found before. What was absent before counts as looked for
        /// only where this pass did not come to it: an answer that fails may hide what came meanwhile.
        func filled(from before: Result?) -> Result {
            guard let before else { return self }
            var filled = self
            filled.cannotList = cannotList || before.cannotList
            for key in unread {
                if let found = before.found[key] {
                    filled.found[key] = found
                    filled.unread.remove(key)
                } else if isCutShort, !before.unread.contains(key) {
                    filled.unread.remove(key)
                }
            }
            return filled
        }
    }

    private let run: WorkloadRun
    private let deadline: Instant
    private let isCancelled: @Sendable () -> Bool
    private let done: (Result) -> Void
    private var result = Result()
    private var left: Int

    private static let tries = 3

    init(
        _ run: WorkloadRun, until deadline: Instant, isCancelled: @escaping @Sendable () -> Bool,
        done: @escaping (Result) -> Void
    ) {
        self.run = run
        self.deadline = deadline
        self.isCancelled = isCancelled
        self.done = done
        left = run.writers.count
    }

    func begin() {
        for writer in run.writers {
            if run.steps.plan.mode == .register {
                readRegisters(writer)
            } else {
                read(writer, from: 1, tries: Self.tries)
            }
        }
    }

    private func readRegisters(_ writer: WriterStream) {
        RegisterReading(run, stream: writer.stream, writer.client, last: writer.written) {
            [self] found, unread, failure in
            result.found.merge(found) { $1 }
            result.unread.formUnion(unread)
            if let failure, result.firstFailure.isEmpty { result.firstFailure = failure }
            writerDone()
        }.begin()
    }

    /// Reads a writer's entries, and the one after its last, which nobody ever wrote.
    private func read(_ writer: WriterStream, from first: Int64, tries: Int) {
        let last = writer.written + 1
        guard first <= last else { return writerDone() }
        if isCancelled() { return skip(writer, first...last) }
        let end = min(last, first + Int64(writer.client.readBatch) - 1)
        let wanted = (first...end).map { run.wanted(EntryKey(stream: writer.stream, sequence: $0)) }
        writer.client.get(wanted, until: run.operationDeadline) { [self] answers in
            let failure = answers.compactMap { if case .failed(let why) = $0 { why } else { nil } }.first
            if failure != nil, tries > 1, monotonicNow() < deadline {
                run.loop.at(monotonicNow() + .milliseconds(50)) { [self] in
                    read(writer, from: first, tries: tries - 1)
                }
                return
            }
            for (wanted, answer) in zip(wanted, answers) { take(wanted, answer) }
            // A store that does not answer any more would cost every key its timeout.
            if failure != nil, end < last, monotonicNow() >= deadline {
                return skip(writer, end + 1...last)
            }
            read(writer, from: end + 1, tries: Self.tries)
        }
    }

    private func skip(_ writer: WriterStream, _ numbers: ClosedRange<Int64>) {
        result.unread.formUnion(numbers.map { EntryKey(stream: writer.stream, sequence: $0) })
        result.isCutShort = true
        writerDone()
    }

    private func take(_ wanted: Wanted, _ answer: ReadAnswer) {
        switch answer {
        case .absent: break
        case .present(let isIntact, let count):
            result.found[wanted.entry] = ReadBack.Found(
                key: wanted.entry, isIntact: isIntact, count: count)
        case .misplaced(let count):
            result.found[wanted.entry] = ReadBack.Found(
                key: wanted.entry, isIntact: true, count: count, isMisplaced: true)
        case .failed(let why):
            result.unread.insert(wanted.entry)
            if result.firstFailure.isEmpty { result.firstFailure = "\(wanted.key): \(why)" }
        }
    }

    private func writerDone() {
        left -= 1
        guard left == 0 else { return }
        if isCancelled() { return done(result) }
        run.steps.examine(run.writers[0].client, until: run.operationDeadline + .seconds(10)) {
            [self] found in
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
        if run.steps.plan.mode == .register { return done(result) }
        run.writers[0].client.list(run.names.prefix, until: run.operationDeadline + .seconds(10)) {
            [self] answer in
            switch answer {
            case .unsupported: result.cannotList = true
            case .failed(let why): result.problems.append("the keys could not be listed: \(why)")
            case .keys(let keys): for key in keys { takeListed(key) }
            }
            done(result)
        }
    }

    /// What is there and was never asked for is a phantom.
    private func takeListed(_ name: String) {
        guard let key = run.names.key(name) else {
            result.problems.append("the key \(name) has the run's prefix and is none of its entries")
            return
        }
        if key.stream == run.fenceStream { return }
        let isKnown =
            run.writers.indices.contains(Int(key.stream))
            && (1...run.writers[Int(key.stream)].written + 1).contains(key.sequence)
        if !isKnown { result.found[key] = ReadBack.Found(key: key, isIntact: true) }
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
