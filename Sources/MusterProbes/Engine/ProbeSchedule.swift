import MusterCore

/// Sends one probe at absolute times `start + k × every`, whether earlier ones have answered or not. Belongs
/// to its loop's thread.
final class ProbeSchedule {
    private let loop: EventLoop
    private let prober: any Prober
    private let setting: ProbeSetting
    /// The period in nanoseconds.
    private let step: Int64
    private let signal: Int
    private let recorder: Recorder
    private var start = Instant(nanoseconds: 0)
    private var count: Int64 = 0
    private var isStopped = false
    /// Attempts of this probe that are under way.
    private var inFlight = 0

    /// How late a probe may be sent. What is older was missed: sending a heap of them at once shows nothing.
    private static let longestDelay = Duration.milliseconds(100)

    init(
        loop: EventLoop, prober: any Prober, setting: ProbeSetting, signal: Int, recorder: Recorder
    ) {
        self.loop = loop
        self.prober = prober
        self.setting = setting
        step = setting.every.nanoseconds
        self.signal = signal
        self.recorder = recorder
    }

    func begin(at start: Instant) {
        self.start = start
        arm()
    }

    func stop() {
        isStopped = true
        prober.close()
    }

    var period: Duration { setting.every }

    private var due: Instant { Instant(nanoseconds: start.nanoseconds + count * step) }

    private func arm() {
        loop.at(due) { [self] in
            while !isStopped, due <= monotonicNow() {
                send(due)
                count += 1
            }
            if !isStopped { arm() }
        }
    }

    private func send(_ due: Instant) {
        let started = monotonicNow()
        if started - due > max(Self.longestDelay, setting.every) {
            return skip(due, SampleCode.instrumentLate)
        }
        if inFlight >= share { return skip(due, SampleCode.tooManyInFlight) }
        inFlight += 1
        loop.inFlight += 1
        prober.look(timeout: setting.timeout) { [self] finding in
            inFlight -= 1
            loop.inFlight -= 1
            let sample = makeSample(
                finding, due: due, started: started, finished: monotonicNow(), slow: setting.slow)
            recorder.add(sample, to: signal, isProbe: true)
        }
    }

    /// Half of what the others leave: a target that never answers must not take the other probes' places.
    private var share: Int { (loop.inFlightLimit - loop.inFlight + inFlight + 1) / 2 }

    private func skip(_ due: Instant, _ code: Int32) {
        let now = monotonicNow()
        recorder.add(
            Sample(due: due, started: now, finished: now, outcome: .unknown, code: code), to: signal,
            isProbe: true)
    }
}

/// A finding with its times. Slowness counts from when it was due (coordinated omission).
func makeSample(
    _ finding: Finding, due: Instant, started: Instant, finished: Instant, slow: Duration?
) -> Sample {
    var outcome = finding.outcome
    if let slow, outcome == .ok, finished - due > slow { outcome = .slow }
    return Sample(due: due, started: started, finished: finished, outcome: outcome, code: finding.code)
}
