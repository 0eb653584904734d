import Glibc
import MusterCore
import MusterDrills
import MusterProbes
import MusterSystem

/// Writes COUNT entries to a PostgreSQL server, and then reads all of them back, as a drill does: until two passes agree.
/// Prints how long reading back and classifying took, each time, and the most memory that the process ever had.
@MainActor
func readBack(_ address: String, _ streams: Int, _ count: Int, _ times: Int, _ folder: String) throws {
    var workload = PostgresWorkload()
    workload.postgres = address
    // About as fast as one server on two cores takes them: how fast is not measured here.
    var setting = WorkloadSetting(
        writers: streams, rate: Rate(perSecondThousandths: 20_000_000), timeout: .seconds(10))
    setting.sample.above = count * 2
    let engine = try MeasuringEngine(
        probes: [],
        workloads: [DrillWorkload(name: "w", kind: "postgres", workload: workload, setting: setting)],
        runID: "bench\(getpid())", seed: 1, ledgerDirectory: folder)
    try engine.start()
    engine.startWorkloads()
    let deadline = clock.monotonic() + .seconds(600)
    while engine.snapshot().workloads[0].acknowledged < count {
        guard clock.monotonic() < deadline else { fail("only some of \(count) writes within 10 min") }
        clock.sleep(for: .milliseconds(50))
    }
    engine.stopWorkloads()
    let (rows, written) = (engine.snapshot().workloads[0].acknowledged, residentBytes())
    var reading: [Value] = []
    var classifying: [Value] = []
    for _ in 0..<times {
        let began = clock.monotonic()
        guard let ledger = engine.readBack(within: .seconds(300)).first else { fail("there is no ledger") }
        let read = clock.monotonic()
        let findings = LedgerJudge.classify(ledger, fault: Bracket(began, began + .milliseconds(1)))
        classifying.append(.int((clock.monotonic() - read).nanoseconds))
        reading.append(.int((read - began).nanoseconds))
        // A quick answer must be a right one.
        guard ledger.readBack?.agreed == true, findings.acknowledged >= count, findings.lost == 0,
            findings.corrupt == 0, findings.duplicated == 0
        else { fail("wrong: \(findings.counts), \(ledger.readBack?.problems ?? [])") }
    }
    engine.stop()
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    show(
        [
            "rows": .int(Int64(rows)), "reading": .list(reading), "classifying": .list(classifying),
            "residentAfterWriting": .int(written), "peak": .int(Int64(usage.ru_maxrss * 1024)),
        ], [:])
}
