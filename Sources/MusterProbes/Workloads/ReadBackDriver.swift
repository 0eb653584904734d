import MusterCore
import MusterSystem

/// Reads a workload back until two passes agree. Blocks its caller; the work is done by the loop's thread.
struct ReadBackDriver {
    let run: WorkloadRun
    let gap: Duration
    let deadline: Instant

    func readBack() -> ReadBack {
        var problems: [String] = []
        if let why = fence() { problems.append("no writable store: " + why) }
        var passes = 0
        var before: ReadBackPass.Result?
        var everFound: [EntryKey: Int] = [:]
        while true {
            guard let pass = pass() else {
                return ReadBack(
                    found: sorted(before), agreed: false, passes: passes,
                    problems: problems + ["reading back did not end in time"])
            }
            passes += 1
            for key in pass.found.keys where everFound[key] == nil { everFound[key] = passes }
            let agreed =
                pass.problems.isEmpty && before?.problems.isEmpty == true && before?.found == pass.found
            if agreed || monotonicNow() + gap >= deadline {
                return ReadBack(
                    found: sorted(pass), agreed: agreed,
                    late: pass.found.keys.filter { (everFound[$0] ?? 1) > 1 }.sorted(), passes: passes,
                    problems: problems + pass.problems)
            }
            before = pass
            SystemTimekeeper().sleep(for: gap)
        }
    }

    private func sorted(_ pass: ReadBackPass.Result?) -> [ReadBack.Found] {
        (pass?.found.values.sorted { $0.key < $1.key }) ?? []
    }

    private func pass() -> ReadBackPass.Result? {
        let latch = Latch<ReadBackPass.Result>()
        run.loop.post { [run, deadline] in
            ReadBackPass(run, until: deadline) { latch.set($0) }.begin()
        }
        return latch.wait(until: deadline + .seconds(30))
    }

    /// nil when a write was acknowledged and read; else why not.
    private func fence() -> String? {
        var sequence: Int64 = 0
        while true {
            sequence += 1
            let latch = Latch<String?>()
            run.loop.post { [run, sequence] in run.fence(sequence) { latch.set($0) } }
            guard let why = latch.wait(until: deadline + .seconds(30)) ?? "no answer" else { return nil }
            if monotonicNow() + .milliseconds(200) >= deadline { return why }
            SystemTimekeeper().sleep(for: .milliseconds(200))
        }
    }
}
