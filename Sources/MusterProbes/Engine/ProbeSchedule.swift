import MusterCore
import MusterDrills

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
            guard !isStopped else { return }
            let now = monotonicNow()
            if now - due > max(Self.longestDelay, setting.every) {
                // All but the newest: one that is sent at once with many others shows no more than that one.
                while Instant(nanoseconds: due.nanoseconds + step) <= now {
                    skip(due, SampleCode.instrumentLate)
                    count += 1
                }
            }
            // Others that are due follow once the loop has looked at what came in.
            send(due)
            count += 1
            arm()
        }
    }

    private func send(_ due: Instant) {
        let started = monotonicNow()
        if inFlight >= share { return skip(due, SampleCode.tooManyInFlight) }
        inFlight += 1
        loop.inFlight += 1
        let patience = Patience(setting.timeout, on: loop)
        prober.look(patience) { [self] finding in
            inFlight -= 1
            loop.inFlight -= 1
            // What is given up because the run ends shows nothing.
            guard !isStopped else { return }
            var sample = makeSample(finding, due: due, started: started, finished: monotonicNow())
            sample.blind = patience.blind
            if let slow = setting.slow { sample.limit(slow) }
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

/// A finding with its times.
func makeSample(_ finding: Finding, due: Instant, started: Instant, finished: Instant) -> Sample {
    Sample(due: due, started: started, finished: finished, outcome: finding.outcome, code: finding.code)
}

extension Sample {
    /// Calls a success slow that came later than `slow` after it was due. When only the instrument was late, nobody
    /// knows.
    mutating func limit(_ slow: Duration) {
        guard outcome == .ok else { return }
        switch pace(within: slow) {
        case .inTime: break
        case .late: outcome = .slow
        case .unknown:
            outcome = .unknown
            code = SampleCode.instrumentLate
        }
    }
}
