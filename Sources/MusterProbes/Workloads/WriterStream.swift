import MusterCore
import MusterDrills

/// One stream of writes with at most one under way, so that their order is known. Belongs to its loop's
/// thread.
final class WriterStream {
    /// What all writers of a workload share.
    struct Context {
        let loop: EventLoop
        let ledger: LedgerFile
        let recorder: Recorder
        let setting: WorkloadSetting
        let counts: WorkloadCounts
        let steps: WorkloadSteps
        var period: Duration { setting.rate.period * setting.writers }
    }

    let stream: Int32
    let client: any StoreClient
    private let context: Context
    private let signal: Int
    /// How many entries it has written, which is the sequence of the newest. What became of them stands in
    /// the ledger's file alone: in memory a workload does not grow.
    private(set) var written: Int64 = 0
    private var start = Instant(nanoseconds: 0)
    private var count: Int64 = 0
    private var isWriting = false
    private var isBusy = false
    private var whenIdle: (() -> Void)?

    init(_ context: Context, stream: Int32, client: any StoreClient, signal: Int) {
        self.context = context
        self.stream = stream
        self.client = client
        self.signal = signal
    }

    func begin(at start: Instant) {
        self.start = start
        count = 0
        isWriting = true
        arm()
    }

    /// Sends nothing more, and says when what is under way is over.
    func stop(_ done: @escaping () -> Void) {
        isWriting = false
        if isBusy { whenIdle = done } else { done() }
    }

    private var due: Instant {
        Instant(nanoseconds: start.nanoseconds + count * context.period.nanoseconds)
    }

    private func arm() {
        context.loop.at(due) { [self] in
            guard isWriting else { return }
            while due <= monotonicNow() {
                let late = monotonicNow() - due
                if late > max(.milliseconds(100), context.period) {
                    miss(due, SampleCode.instrumentLate)
                } else if isBusy {
                    miss(due, SampleCode.writerBusy)
                } else if !context.ledger.hasRoom(for: 2 + context.counts.busy.now) {
                    miss(due, SampleCode.ledgerFull)
                } else {
                    write(due)
                }
                count += 1
            }
            arm()
        }
    }

    private func miss(_ due: Instant, _ code: Int32) {
        let now = monotonicNow()
        context.counts.missed.count()
        context.recorder.add(
            Sample(due: due, started: now, finished: now, outcome: .unknown, code: code), to: signal,
            isProbe: false)
    }

    private func write(_ due: Instant) {
        written += 1
        let key = EntryKey(stream: stream, sequence: written)
        let started = monotonicNow()
        context.ledger.append(.intent(key, sent: started))
        isBusy = true
        context.counts.busy.count()
        context.counts.sent.count()
        let neglected = context.loop.attention.neglected(until: started)
        context.steps.perform(key, by: client, until: started + context.setting.timeout) { [self] answer in
            let finished = monotonicNow()
            var sample = makeSample(answer.finding, due: due, started: started, finished: finished)
            // A write may have had several exchanges, and threads of ours in between: all is taken for ours.
            let blind = context.loop.attention.neglected(until: finished) - neglected
            if blind > .zero { sample.blind = blind + Attention.unnoticed }
            finish(key, answer, sample)
        }
    }

    private func finish(_ key: EntryKey, _ answer: WriteAnswer, _ sample: Sample) {
        context.ledger.append(
            .outcome(
                key, finished: sample.finished, answer.outcome, code: answer.finding.code, sight: answer.sight
            ))
        context.counts.busy.count(-1)
        switch answer.outcome {
        case .info, .pending: context.counts.inDoubt.count()
        case .fail: context.counts.refused.count()
        case .ok, .okWithWarning: context.counts.answered.count()
        }
        context.recorder.add(sample, to: signal, isProbe: false)
        isBusy = false
        whenIdle?()
        whenIdle = nil
    }
}
