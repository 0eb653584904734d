import MusterCore
import MusterSystem

/// Reads a workload back until two passes agree. Blocks its caller; the work is done by the loop's thread.
struct ReadBackDriver {
    let run: WorkloadRun
    let gap: Duration
    let deadline: Instant
    let isCancelled: @Sendable () -> Bool

    /// - Parameter note: called as soon as it is known to take longer than it should, at most once for each reason:
    ///   slow, and not as it should be.
    func readBack(note: (String) -> Void) -> ReadBack {
        var isNoted = false
        func tell(_ why: String) {
            if !isNoted { note(why) }
            isNoted = true
        }
        var isSlow = false
        func tellSlow() {
            if !isSlow { note("one pass over all entries takes more than \(Self.patience.forPeople)") }
            isSlow = true
        }
        var known = Known()
        if let why = fence({ tell("the store does not keep and return a write yet: \($0)") }) {
            known.problems.append("no writable store: " + why)
        }
        var before: ReadBackPass.Result?
        while true {
            guard !isCancelled(), let pass = pass(tellSlow) else {
                return known.readBack(
                    agreed: false,
                    isCancelled() ? Self.endedEarly : "reading back did not end in time")
            }
            known.add(pass)
            if pass.isComplete, let before, before.isComplete, before.found == pass.found {
                return known.readBack(agreed: true)
            }
            if isCancelled() { return known.readBack(agreed: false, Self.endedEarly) }
            if monotonicNow() + gap >= deadline { return known.readBack(agreed: false) }
            if let why = pass.allProblems.first ?? before.map({ Self.difference($0, pass) }) { tell(why) }
            before = pass
            SystemTimekeeper().sleep(for: gap)
        }
    }

    /// After this a person wants to know what goes on.
    private static let patience = Duration.seconds(5)
    private static let endedEarly = "it was ended on request before two passes agreed"

    private static func difference(_ before: ReadBackPass.Result, _ pass: ReadBackPass.Result) -> String {
        let keys = Set(before.found.keys).union(pass.found.keys)
        let changed = keys.count { before.found[$0] != pass.found[$0] }
        return "two passes of the read-back do not agree on \(changed) \(changed == 1 ? "key" : "keys")"
    }

    private func pass(_ noteSlow: () -> Void) -> ReadBackPass.Result? {
        let latch = Latch<ReadBackPass.Result>()
        run.loop.post { [run, deadline, isCancelled] in
            ReadBackPass(run, until: deadline, isCancelled: isCancelled) { latch.set($0) }.begin()
        }
        if let result = latch.wait(until: monotonicNow() + Self.patience) { return result }
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
}

/// What all passes together have found.
private struct Known {
    var problems: [String] = []
    private var newest: ReadBackPass.Result?
    private var passes = 0
    private var violations: [String] = []
    private var firstSeen: [EntryKey: Int] = [:]
    /// Passes before the first that saw it in which its read was not answered: it was not absent in those.
    private var hidden: [EntryKey: Int] = [:]

    mutating func add(_ pass: ReadBackPass.Result) {
        passes += 1
        violations += pass.violations.filter { !violations.contains($0) }
        for key in pass.unread where firstSeen[key] == nil { hidden[key, default: 0] += 1 }
        for key in pass.found.keys where firstSeen[key] == nil { firstSeen[key] = passes }
        newest = pass.filled(from: newest)
    }

    func readBack(agreed: Bool, _ problem: String? = nil) -> ReadBack {
        let found = newest?.found ?? [:]
        var readBack = ReadBack(
            found: found.values.sorted { $0.key < $1.key }, agreed: agreed,
            late: found.keys.filter { (firstSeen[$0] ?? 1) - 1 > (hidden[$0] ?? 0) }.sorted(), passes: passes,
            problems: problems + (problem.map { [$0] } ?? []) + (newest?.allProblems ?? []),
            unread: newest?.unread.sorted() ?? [], cannotList: newest?.cannotList ?? false)
        readBack.violations = violations
        return readBack
    }
}
