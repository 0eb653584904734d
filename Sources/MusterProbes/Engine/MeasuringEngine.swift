import CCurl
import Glibc
public import MusterCore
import MusterSystem
import Synchronization

/// Probes and writes on absolute times, on threads of its own, and remembers what it saw.
///
/// One thread probes, one writes and reads back, one a workload makes the ledger durable, one hands samples
/// on. It watches itself: a canary among the probes looks at a server of its own, and one thread at the host.
/// All of its functions may be called from any thread but not at the same time, and none needs the main
/// thread or Swift's pool; those that wait say so.
public final class MeasuringEngine: @unchecked Sendable {
    public struct Configuration: Sendable {
        /// Samples that may wait to be stored, of probes and of writers each; beyond that they are dropped
        /// and the instrument is suspect.
        public var sampleCapacity = 262_144
        /// Bytes of encoded samples that may lie in memory, of all signals together; a million take some seven or
        /// eight MB. What is beyond lies in a file without a name, near the ledgers.
        public var samplesInMemory = 4 << 20
        /// Records that may wait for the ledger's disk; beyond that nothing is sent.
        public var ledgerCapacity = 65_536
        /// Runs the probing thread in SCHED_FIFO where that is permitted; its children are not.
        public var isRealtime = false
        public init() {}
    }

    /// Called on the engine's thread for samples, in batches, each of one signal.
    public typealias Sink = @Sendable (_ signal: Int, _ samples: [Sample]) -> Void

    private let probeLoop: EventLoop
    private let writeLoop: EventLoop
    private let recorder: Recorder
    private let schedules: [ProbeSchedule]
    private let canary: ProbeSchedule
    private let runs: [WorkloadRun]
    private let configuration: Configuration
    private let nullServer: NullServer
    private let watch: SelfWatch
    private var threads: [OwnThread] = []
    /// Ledgers that could not be read, and why.
    private let unreadable = Mutex<Set<String>>([])

    /// Every signal, probes first, then the writers of each workload; samples come with their index here.
    public let signalList: [Signal]

    /// - Parameters:
    ///   - runID: stands in the keys of entries, so it must be unique for ever.
    ///   - seed: of the entries' contents.
    ///   - ledgerDirectory: made if it is not there; never on a file system that the drill breaks.
    /// - Throws: `MeasuringError` when something of it cannot be run, before anything is sent.
    public init(
        probes: [DrillProbe], workloads: [DrillWorkload], runID: String, seed: UInt64,
        ledgerDirectory: String, configuration: Configuration = Configuration(),
        sink: @escaping Sink = { _, _ in }
    ) throws {
        self.configuration = configuration
        let limit = Self.raiseDescriptorLimit()
        probeLoop = try EventLoop(inFlightLimit: limit)
        writeLoop = try EventLoop(inFlightLimit: limit)
        signalList = Self.signals(probes, workloads)
        recorder = try Recorder(
            signals: signalList.map { SignalStatus(name: $0.name, writer: $0.writer, every: $0.every) },
            capacity: configuration.sampleCapacity,
            archive: SampleFile(near: ledgerDirectory, spare: configuration.samplesInMemory), sink: sink)
        nullServer = try Self.orStop([recorder.stop]) { try NullServer(isRealtime: configuration.isRealtime) }
        watch = try Self.orStop([recorder.stop, nullServer.stop]) { try SelfWatch() }
        do {
            schedules = try probes.enumerated().map { [probeLoop, recorder] index, probe in
                guard let runnable = probe.probe as? any RunnableProbe else {
                    throw MeasuringError.unknownKind(probe.kind)
                }
                return ProbeSchedule(
                    loop: probeLoop, prober: try runnable.prober(on: probeLoop), setting: probe.setting,
                    signal: index, recorder: recorder)
            }
            canary = Canary.schedule(on: probeLoop, port: nullServer.port, recorder: recorder)
            if !workloads.isEmpty { try Self.makeDirectory(ledgerDirectory) }
            var runs: [WorkloadRun] = []
            var signal = probes.count
            for (index, workload) in workloads.enumerated() {
                // Two workloads may write to one store: the keys of each begin as no other's do.
                let run = index == 0 ? runID : "\(runID).\(index)"
                runs.append(
                    try WorkloadRun(
                        workload, run: run, seed: seed, directory: ledgerDirectory,
                        ledgerCapacity: configuration.ledgerCapacity, loop: writeLoop, recorder: recorder,
                        firstSignal: signal))
                signal += workload.setting.writers
            }
            self.runs = runs
        } catch {
            recorder.stop()
            nullServer.stop()
            watch.stop()
            throw error
        }
    }

    /// Starts probing.
    public func start() throws {
        let isRealtime = configuration.isRealtime
        for (name, loop) in [("muster-probe", probeLoop), ("muster-write", writeLoop)] {
            threads.append(
                try OwnThread(name) {
                    if isRealtime { _ = ccurl_realtime_thread(10) }
                    loop.run()
                    loop.clear()
                })
        }
        let start = monotonicNow() + .milliseconds(2)
        let schedules = LoopOnly(self.schedules + [canary])
        probeLoop.post {
            // Spread over their period, so that they do not wait for each other; nobody waits long for the
            // first.
            let count = schedules.value.count
            for (index, schedule) in schedules.value.enumerated() {
                let phase = min(.milliseconds(index), schedule.period * index / count)
                schedule.begin(at: start + phase)
            }
        }
    }

    public func startWorkloads() {
        for run in runs { writeLoop.post { run.begin() } }
    }

    /// Sends no more writes, and waits until those under way are answered or given up, and the ledger is
    /// durable.
    public func stopWorkloads() {
        for run in runs {
            let latch = Latch<Bool>()
            writeLoop.post { run.stop { latch.set(true) } }
            _ = latch.wait(until: monotonicNow() + run.setting.timeout + .seconds(5))
            _ = run.ledger.flush(until: monotonicNow() + .seconds(2))
        }
    }

    /// Reads every entry back until two passes agree; waits for it. Workloads must be stopped.
    /// - Parameters:
    ///   - fault: when the fault was injected; with more entries than can be read, everything from a while before
    ///     it is.
    ///   - gap: between passes.
    ///   - replicaGap: the same for a workload with replicas; one stability window.
    ///   - limit: when to give up, for each workload.
    ///   - isCancelled: asked between reads; once it says so, what was read until then is all there is.
    ///   - note: called for a workload whose store does not answer as it should at first, or answers slowly, with
    ///     its name and why it takes longer, for people.
    public func readBack(
        fault: Instant? = nil, gap: Duration = .seconds(1), replicaGap: Duration = .seconds(30),
        within limit: Duration = .seconds(60),
        isCancelled: @escaping @Sendable () -> Bool = { false },
        note: @escaping (_ workload: String, _ text: String) -> Void = { _, _ in }
    ) -> [Ledger] {
        runs.map { run in
            let (sample, quietFrom) = prepareReadBack(of: run, fault: fault)
            let limit = run.setting.readback.isEmpty ? limit : limit + replicaGap * 3
            let driver = ReadBackDriver(
                run: run, gap: run.setting.readback.isEmpty ? gap : replicaGap,
                deadline: monotonicNow() + limit, quietFrom: quietFrom, sample: sample,
                isCancelled: isCancelled)
            let (found, file) = driver.readBack { why in
                note(
                    run.name,
                    "\(why); the read-back goes on until two passes agree, for \(limit.forPeople) at most")
            }
            if let failure = file.write(beside: run.ledger.path) { note(run.name, failure) }
            return ledger(of: run, found)
        }
    }

    /// What is read of a ledger that is too large to be read whole, and when its last write in doubt has had its
    /// time to land.
    private func prepareReadBack(of run: WorkloadRun, fault: Instant?) -> (ReadSample?, Instant?) {
        let entries = ledger(of: run, nil).entries
        let timeout = run.setting.timeout
        let quietFrom = entries.lazy.filter { $0.outcome == .info || $0.outcome == .pending }.map { entry in
            // What was sent into a connection that ended is read at once or never.
            let isSilence = entry.finished.map { $0 - entry.sent >= timeout } ?? true
            return (entry.finished ?? entry.sent) + min(timeout, isSilence ? .seconds(5) : .seconds(1))
        }.max()
        let setting = run.setting.sample
        // What deletes and registers leave, and the looks of a bank, are judged all together.
        guard entries.count > setting.above, run.setting.plan(seed: run.seed).isPlain else {
            return (nil, quietFrom)
        }
        let since = (fault ?? monotonicNow()) - setting.recent
        return (
            ReadSample.draw(setting.older, from: entries, since: since, seed: run.seed), quietFrom
        )
    }

    /// Where a workload's ledger lies; beside it, once it was read back, what was found (`ReadBackFile`).
    public func ledgerPath(of workload: String) -> String? {
        runs.first { $0.name == workload }?.ledger.path
    }

    /// The ledgers as they stand, without reading back.
    public func ledgers() -> [Ledger] { runs.map { ledger(of: $0, nil) } }

    private func ledger(of run: WorkloadRun, _ found: ReadBack?) -> Ledger {
        var found = found
        var known: (entries: [LedgerEntry], blindWindow: Duration) = ([], .zero)
        do {
            known = try run.entries(notDurable(of: run))
        } catch {
            // Nothing is known of any write, least of all that none was lost.
            let problem = "\(error)"
            _ = unreadable.withLock { $0.insert(problem) }
            found = found ?? ReadBack(found: [], agreed: false, passes: 0)
            found?.problems.append(problem)
        }
        // Nothing was looked for, so nothing is known to be missing.
        if found?.passes == 0 { found?.unread = known.entries.map(\.key) }
        var ledger = Ledger(
            workload: run.name, entries: known.entries, readBack: found,
            payloadBytes: Int(run.setting.payload.bytes), blindWindow: known.blindWindow,
            rate: run.setting.rate)
        ledger.plan = run.setting.plan(seed: run.seed)
        ledger.violations = violations(of: run)
        return ledger
    }

    /// What the looks during the run showed broken. Kept on the loop's thread; after its end nobody else asks.
    private func violations(of run: WorkloadRun) -> [String] {
        guard !threads.isEmpty else { return run.steps.violations }
        let latch = Latch<[String]>()
        writeLoop.post { latch.set(run.steps.violations) }
        return latch.wait(until: monotonicNow() + .seconds(30)) ?? []
    }

    /// Removes what a workload has left in its store besides its keys, such as a table of the run's own; waits for it.
    /// - Parameter keep: leaves it there, as evidence.
    /// - Returns: what was done, for people; nil where there is nothing of the kind.
    public func tidy(_ workload: String, keep: Bool) -> String? {
        guard let run = runs.first(where: { $0.name == workload }), let client = run.writers.first?.client,
            let what = client.leftBehind
        else { return nil }
        if keep { return "\(what) is left where it is, as evidence" }
        let latch = Latch<Bool>()
        writeLoop.post { run.discard { latch.set($0) } }
        let isGone = latch.wait(until: run.operationDeadline + .seconds(5)) ?? false
        return isGone ? "\(what) was dropped" : "\(what) could not be dropped; nobody needs it any more"
    }

    /// Asked on the loop's thread, where nothing is appended meanwhile; on this one when that has ended.
    private func notDurable(of run: WorkloadRun) throws -> (durable: Int, records: [LedgerRecord]) {
        guard !threads.isEmpty else { return run.ledger.notDurable() }
        let latch = Latch<(durable: Int, records: [LedgerRecord])>()
        writeLoop.post { latch.set(run.ledger.notDurable()) }
        guard let found = latch.wait(until: monotonicNow() + .seconds(30)) else {
            throw MeasuringError.ledger(
                path: run.ledger.path, "cannot be looked at: the writing thread does not answer for 30 s")
        }
        return found
    }

    /// Forgets which failures came first: those sent from now on count as the fault's.
    public func mark() { recorder.setMark(monotonicNow()) }

    public func snapshot() -> MeasuringSnapshot {
        var (signals, instrument) = recorder.snapshot()
        let host = watch.status
        instrument.clockSteps = host.steps
        instrument.pressure = host.pressure
        if host.suspended > .zero {
            instrument.suspicions.append(
                "the machine was suspended for \(host.suspended.forPeople): the monotonic clock stood still, and "
                    + "nothing that was going on then can be dated")
        }
        instrument.suspicions += unreadable.withLock { $0.sorted() }
        return MeasuringSnapshot(
            at: monotonicNow(), signals: signals, workloads: runs.map(\.status), instrument: instrument)
    }

    /// Everything that was recorded so far, by order of sending. Waits until it has reached the sink.
    public func signals() -> [Signal] { recorder.signals() }

    /// Ends everything, also what was never started; attempts that are under way are not recorded any more.
    public func stop() {
        let schedules = LoopOnly(self.schedules + [canary])
        let isRunning = !threads.isEmpty
        let runs = self.runs
        let endProbes = { @Sendable in for schedule in schedules.value { schedule.stop() } }
        let endWriters = { @Sendable in for run in runs { run.closeClients() } }
        if isRunning {
            let latches = [(probeLoop, endProbes), (writeLoop, endWriters)].map { loop, end in
                let latch = Latch<Bool>()
                loop.post {
                    end()
                    latch.set(true)
                }
                return latch
            }
            for latch in latches { _ = latch.wait(until: monotonicNow() + .seconds(5)) }
        }
        probeLoop.stop()
        writeLoop.stop()
        for thread in threads { thread.join() }
        threads = []
        if !isRunning {
            // Nobody runs the loops, so they are this thread's.
            endProbes()
            endWriters()
            probeLoop.clear()
            writeLoop.clear()
        }
        for run in runs { run.ledger.close() }
        recorder.stop()
        nullServer.stop()
        watch.stop()
    }

    func latency(of signals: [Int], quantile: Double, since start: Instant) -> Duration? {
        recorder.latency(of: signals, quantile: quantile, since: start)
    }

    /// For tests: our own server, which can be made mute.
    var canaryServer: NullServer { nullServer }

    /// For tests: what nobody may hold on to once the engine is gone.
    var loops: [EventLoop] { [probeLoop, writeLoop] }

    /// For tests: the files whose disk can be held up.
    var ledgerFiles: [LedgerFile] { runs.map(\.ledger) }
}

extension MeasuringEngine {
    fileprivate static func signals(_ probes: [DrillProbe], _ workloads: [DrillWorkload]) -> [Signal] {
        probes.map { Signal(name: $0.name, every: $0.setting.every) }
            + workloads.flatMap { workload in
                (0..<workload.setting.writers).map {
                    Signal(
                        name: workload.name, writer: $0,
                        every: workload.setting.rate.period * workload.setting.writers)
                }
            }
    }

    /// What `make` makes; the others end when it cannot.
    fileprivate static func orStop<Made>(_ others: [() -> Void], _ make: () throws -> Made) throws -> Made {
        do { return try make() } catch {
            for stop in others { stop() }
            throw error
        }
    }

    /// A probe that hangs holds a socket for as long as its timeout; the usual limit is 1024.
    fileprivate static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        if limit.rlim_cur < 8192, limit.rlim_max > limit.rlim_cur {
            limit.rlim_cur = min(8192, limit.rlim_max)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return max(16, min(4096, (Int(clamping: limit.rlim_cur) - 256) / 2))
    }

    fileprivate static func makeDirectory(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES {
                throw MeasuringError.ledger(path: path, "its folder cannot be made: \(errorText(errno))")
            }
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw MeasuringError.ledger(path: path, "the folder cannot be written: \(errorText(errno))")
        }
    }
}
