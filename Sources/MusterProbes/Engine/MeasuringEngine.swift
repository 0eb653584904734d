import CCurl
import Glibc
import MusterCore
public import MusterDrills
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
        /// Bytes of encoded samples that may wait to be written to that file.
        public var samplesToWrite = 4 << 20
        /// Bytes of encoded samples that may wait in memory beside them, because that file's disk takes nothing: what
        /// 1,000 samples a second are in two hours. Beyond that they wait where there is room for `sampleCapacity`.
        public var samplesOwed = 64 << 20
        /// Over which time `observation` looks at latency. Samples of so long ago stay in memory.
        public var window = Duration.seconds(1)
        /// Records that may wait for the ledger's disk; beyond that nothing is sent.
        public var ledgerCapacity = 65_536
        /// Runs the probing thread in SCHED_FIFO where that is permitted; its children are not.
        public var isRealtime = false
        public init() {}
    }

    /// Called on the engine's thread for samples, in batches, each of one signal.
    public typealias Sink = @Sendable (_ signal: Int, _ samples: [Sample]) -> Void

    private let probeLoop: EventLoop
    let writeLoop: EventLoop
    private let recorder: Recorder
    private let schedules: [ProbeSchedule]
    private let canary: ProbeSchedule
    let runs: [WorkloadRun]
    let configuration: Configuration
    private let sampleFile: SampleFile
    private let nullServer: NullServer
    private let watch: SelfWatch
    private(set) var threads: [OwnThread] = []
    /// Ledgers that could not be read, and why.
    let unreadable = Mutex<Set<String>>([])

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
        let limit = EngineHost.raiseDescriptorLimit()
        probeLoop = try EventLoop(inFlightLimit: limit)
        writeLoop = try EventLoop(inFlightLimit: limit)
        signalList = Self.signals(probes, workloads)
        sampleFile = SampleFile(
            near: ledgerDirectory, spare: configuration.samplesInMemory, limit: configuration.samplesToWrite)
        recorder = try Recorder(
            signals: signalList.map { SignalStatus(name: $0.name, writer: $0.writer, every: $0.every) },
            capacity: configuration.sampleCapacity,
            history: Self.history(of: probes, workloads, in: sampleFile, window: configuration.window),
            owedLimit: configuration.samplesOwed, sink: sink)
        nullServer = try Self.orStop([recorder.stop]) { try NullServer(isRealtime: configuration.isRealtime) }
        watch = try Self.orStop([recorder.stop, nullServer.stop]) { try SelfWatch() }
        // With its type: the runtime cannot make an array of these functions from one of `@Sendable` ones.
        let others: [() -> Void] = [recorder.stop, nullServer.stop, watch.stop]
        schedules = try Self.orStop(others) { [probeLoop, recorder] in
            try Self.schedules(of: probes, on: probeLoop, recorder)
        }
        canary = Canary.schedule(on: probeLoop, nullServer, recorder: recorder)
        runs = try Self.orStop(others) { [writeLoop, recorder] in
            if !workloads.isEmpty { try EngineHost.makeDirectory(ledgerDirectory) }
            return try Self.runs(of: workloads, behind: probes.count) { workload, index, signal in
                // Two workloads may write to one store: the keys of each begin as no other's do.
                try WorkloadRun(
                    workload, run: index == 0 ? runID : "\(runID).\(index)", seed: seed,
                    directory: ledgerDirectory, ledgerCapacity: configuration.ledgerCapacity, loop: writeLoop,
                    recorder: recorder, firstSignal: signal)
            }
        }
    }

    /// Starts probing.
    /// - Throws: `MeasuringError` when the system gives no threads; then none is left, and `stop` is all that can follow.
    public func start() throws { try start { try OwnThread($0, $1) } }

    /// - Parameter makeThread: for tests.
    func start(_ makeThread: (String, @escaping @Sendable () -> Void) throws -> OwnThread) throws {
        let isRealtime = configuration.isRealtime
        do {
            for (name, loop) in [("muster-probe", probeLoop), ("muster-write", writeLoop)] {
                threads.append(
                    try makeThread(name) {
                        if isRealtime { _ = ccurl_realtime_thread(10) }
                        loop.run()
                        loop.clear()
                    })
            }
        } catch {
            endThreads()
            throw error
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

    /// Forgets which failures came first: those sent from now on count as the fault's.
    public func mark() { recorder.setMark(monotonicNow()) }

    public func snapshot() -> MeasuringSnapshot {
        var (signals, instrument) = recorder.snapshot()
        let host = watch.status
        instrument.clockSteps = host.steps
        instrument.shortcomings = [nullServer.shortcoming].compactMap(\.self)
        instrument.pressure = host.pressure
        if host.suspended > .zero {
            instrument.suspicions.append(
                "the machine was suspended for \(host.suspended.forPeople): the monotonic clock stood still, and "
                    + "nothing that was going on then can be dated")
        }
        if instrument.isHeldUp {
            instrument.samplesTrouble =
                "more than \(ByteCount(Int64(configuration.samplesOwed)).unitsText) of them wait in memory for their file"
                + (sampleFile.trouble.map { " (\($0))" } ?? "")
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
        endThreads()
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
        // Each arena keeps what thousands of transfers took at the worst moment, and the next engine's threads may
        // get other arenas.
        ccurl_trim_memory()
    }

    private func endThreads() {
        probeLoop.stop()
        writeLoop.stop()
        for thread in threads { thread.join() }
        threads = []
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
