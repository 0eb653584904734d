import MusterCore
import MusterDrills
import MusterSystem

/// Reads a workload back until two passes agree, and then its replicas. Blocks its caller; the work is done by the
/// loop's thread.
struct ReadBackDriver {
    let run: WorkloadRun
    let gap: Duration
    let deadline: Instant
    /// Not before this: until then a write in doubt may still land.
    var quietFrom: Instant?
    var sample: ReadSample?
    let isCancelled: @Sendable () -> Bool

    /// - Parameter note: called as soon as it is known to take longer than it should, at most once for each reason:
    ///   slow, and not as it should be.
    func readBack(note: @escaping (String) -> Void) -> (found: ReadBack, file: ReadBackFile) {
        var notes = ReadBackNotes(note: note)
        var known = ReadBackKnown()
        if let quietFrom { wait(until: min(quietFrom, deadline)) }
        if let why = fence({ notes.trouble("the store does not keep and return a write yet: \($0)") }) {
            known.problems.append("no writable store: " + why)
        }
        known.hints = hints()
        let plan = plan()
        settle(&known, plan, &notes)
        let replicas = readReplicas(plan, after: known, &notes)
        var found = known.readBack()
        found.sample = sample
        found.replicas = replicas.map { $0.known.replica($0.name) }
        let file = ReadBackFile(
            readers: [ReadBackFile.Reader("primary", known.newest)]
                + replicas.map { ReadBackFile.Reader($0.name, $0.known.newest) })
        return (found, file)
    }

    private func settle(_ known: inout ReadBackKnown, _ plan: ReadPlan, _ notes: inout ReadBackNotes) {
        var before: ReadBackPass.Result?
        while true {
            guard !isCancelled(), let pass = pass(run.writers.map(\.client), plan, { notes.slow() }) else {
                return known.problems.append(
                    isCancelled() ? Self.endedEarly : "reading back did not end in time")
            }
            known.add(pass)
            if let before, pass.agrees(with: before) {
                known.agreed = true
                return
            }
            if isCancelled() { return known.problems.append(Self.endedEarly) }
            if monotonicNow() + gap >= deadline { return }
            if let why = pass.allProblems.first ?? before.map({ Self.difference($0, pass) }) {
                notes.trouble(why)
            }
            before = pass
            wait(until: monotonicNow() + gap)
        }
    }

    private static let endedEarly = "it was ended on request before two passes agreed"

    private static func difference(_ before: ReadBackPass.Result, _ pass: ReadBackPass.Result) -> String {
        let changed = pass.differences(from: before)
        return "two passes of the read-back do not agree on \(changed) \(changed == 1 ? "key" : "keys")"
    }

    /// Waits, unless somebody ends it.
    private func wait(until end: Instant) {
        while monotonicNow() < end, !isCancelled() {
            SystemTimekeeper().sleep(for: min(.milliseconds(100), end - monotonicNow()))
        }
    }

    private func plan() -> ReadPlan {
        let latch = Latch<[Int64]>()
        run.loop.post { [run] in latch.set(run.writers.map { $0.written }) }
        return ReadPlan(written: latch.wait(until: deadline + .seconds(30)) ?? [], sample: sample)
    }

    private func pass(
        _ clients: [any StoreClient], _ plan: ReadPlan, _ noteSlow: () -> Void
    ) -> ReadBackPass.Result? {
        let latch = Latch<ReadBackPass.Result>()
        let through = LoopOnly(clients)
        run.loop.post { [run, deadline, isCancelled] in
            ReadBackPass(run, through: through.value, plan, until: deadline, isCancelled: isCancelled) {
                latch.set($0)
            }.begin()
        }
        if let result = latch.wait(until: monotonicNow() + ReadBackNotes.patience) { return result }
        noteSlow()
        return latch.wait(until: deadline + .seconds(30))
    }

    /// nil when a write was acknowledged and read; else why not.
    private func fence(_ note: (String) -> Void) -> String? {
        var sequence: Int64 = 0
        while true {
            sequence += 1
            let latch = Latch<String?>()
            run.loop.post { [run, sequence] in run.fence(sequence) { latch.set($0) } }
            guard let why = latch.wait(until: deadline + .seconds(30)) ?? "no answer" else { return nil }
            if isCancelled() || monotonicNow() + .milliseconds(200) >= deadline { return why }
            if sequence > 1 { note(why) }
            SystemTimekeeper().sleep(for: .milliseconds(200))
        }
    }

    private func hints() -> [String] {
        let latch = Latch<[String]>()
        run.loop.post { [run] in run.writers[0].client.hints(until: run.operationDeadline) { latch.set($0) } }
        return latch.wait(until: deadline + .seconds(30)) ?? []
    }
}

/// Replicas.
extension ReadBackDriver {
    private struct ReplicaState {
        var name: String
        var clients: [any StoreClient]
        var known = ReadBackKnown()
        var before: ReadBackPass.Result?
        var isSettled = false
    }

    /// At most so many ways to a replica at once.
    private static let mostClients = 8

    /// Only once the primary is settled: a replica that is a moment behind is none that lacks anything. A replica is
    /// settled when it holds what its primary holds, or when two passes of its own agree.
    private func readReplicas(
        _ plan: ReadPlan, after primary: ReadBackKnown, _ notes: inout ReadBackNotes
    ) -> [(name: String, known: ReadBackKnown)] {
        var states = run.setting.readback.map { url in
            ReplicaState(name: url, clients: clients(of: url))
        }
        defer { for state in states { close(state.clients) } }
        guard primary.agreed else {
            return states.map { state in
                var known = state.known
                known.problems.append("it was not read, because its primary did not settle")
                return (state.name, known)
            }
        }
        var plan = plan
        plan.isExamined = false
        while true {
            for index in states.indices where !states[index].isSettled {
                read(&states[index], plan, primary, &notes)
            }
            if states.allSatisfy(\.isSettled) { break }
            if isCancelled() || monotonicNow() + gap >= deadline { break }
            wait(until: monotonicNow() + gap)
        }
        for index in states.indices where isCancelled() && !states[index].isSettled {
            states[index].known.problems.append(Self.endedEarly)
        }
        return states.map { ($0.name, $0.known) }
    }

    private func read(
        _ state: inout ReplicaState, _ plan: ReadPlan, _ primary: ReadBackKnown, _ notes: inout ReadBackNotes
    ) {
        guard !isCancelled() else { return }
        guard !state.clients.isEmpty else {
            state.known.problems.append("it is no address that this workload can read from")
            state.isSettled = true
            return
        }
        guard let pass = pass(state.clients, plan, { notes.slow() }) else {
            state.known.problems.append("reading back did not end in time")
            state.isSettled = true
            return
        }
        state.known.add(pass)
        let isAlike = primary.newest.map { pass.isComplete && pass.holdsTheSame(as: $0) } ?? false
        if isAlike || state.before.map({ pass.agrees(with: $0) }) ?? false {
            state.known.agreed = true
            state.isSettled = true
        } else {
            notes.trouble(
                pass.allProblems.first.map { "the replica \(state.name): \($0)" }
                    ?? "the replica \(state.name) does not hold what its primary holds")
        }
        state.before = pass
    }

    private func clients(of url: String) -> [any StoreClient] {
        guard let workload = run.workload.reading(from: url) as? any RunnableWorkload else {
            return []
        }
        let count = min(run.writers.count, Self.mostClients)
        let latch = Latch<LoopOnly<[any StoreClient]>>()
        run.loop.post { [run] in
            let clients = (0..<count).compactMap { _ in
                try? workload.client(on: run.loop, names: run.names)
            }
            latch.set(LoopOnly(clients))
        }
        return latch.wait(until: deadline + .seconds(30))?.value ?? []
    }

    private func close(_ clients: [any StoreClient]) {
        let clients = LoopOnly(clients)
        run.loop.post { for client in clients.value { client.close() } }
    }
}
