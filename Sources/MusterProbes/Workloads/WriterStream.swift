import MusterCore

/// One stream of writes with at most one under way, so that their order is known. Belongs to its loop's thread.
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
    private(set) var entries: [LedgerEntry] = []
    /// By index of the entry: the number of its outcome's record; 0 while there is none.
    private(set) var outcomeRecords: [Int64] = []
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
                } else if !context.ledger.hasRoom(for: 2 + context.counts.busy) {
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
        context.counts.add { $0.missed += 1 }
        context.recorder.add(
            Sample(due: due, started: now, finished: now, outcome: .unknown, code: code), to: signal,
            isProbe: false)
    }

    private func write(_ due: Instant) {
        let key = EntryKey(stream: stream, sequence: Int64(entries.count + 1))
        let started = monotonicNow()
        entries.append(LedgerEntry(key: key, sent: started, finished: nil, outcome: .pending))
        outcomeRecords.append(0)
        context.ledger.append(.intent(key, sent: started))
        isBusy = true
        context.counts.busy += 1
        context.counts.add { $0.sent += 1 }
        context.steps.perform(key, by: client, until: started + context.setting.timeout) { [self] answer in
            finish(key, answer, due: due, started: started)
        }
    }

    private func finish(_ key: EntryKey, _ answer: WriteAnswer, due: Instant, started: Instant) {
        let finished = monotonicNow()
        let index = Int(key.sequence - 1)
        entries[index].finished = finished
        entries[index].outcome = answer.outcome
        outcomeRecords[index] = context.ledger.append(
            .outcome(key, finished: finished, answer.outcome, code: answer.finding.code))
        context.counts.busy -= 1
        context.counts.add {
            switch answer.outcome {
            case .info, .pending: $0.inDoubt += 1
            case .fail: $0.refused += 1
            case .ok, .okWithWarning: $0.answered += 1
            }
        }
        context.recorder.add(
            makeSample(answer.finding, due: due, started: started, finished: finished, slow: nil),
            to: signal, isProbe: false)
        isBusy = false
        whenIdle?()
        whenIdle = nil
    }
}
