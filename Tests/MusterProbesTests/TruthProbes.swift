import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// Asks a test server, each time under a number of its own that comes home as the sample's code: so each sample
/// can be held against what the server really did for it, whatever was late or overtaken on the way.
struct NumberedProbe: RunnableProbe {
    var url = ""
    static let form = Form(
        "numbered", "Asks with a number.", blank: NumberedProbe(),
        fields: [Field(required: "numbered", \.url, "The URL.")])

    func prober(on loop: EventLoop) throws -> any Prober {
        NumberedProber(url: url, channel: try HTTPChannel(loop: loop))
    }
}

private final class NumberedProber: Prober {
    private let url: String
    private let channel: HTTPChannel
    private var last: Int32 = 1_000_000

    init(url: String, channel: HTTPChannel) {
        self.url = url
        self.channel = channel
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        last += 1
        let probe = httpProbe("\(url)/\(last)")
        channel.send(probe.request, patience) { [last] answer in
            done(Finding(outcome: probe.judge(answer).outcome, code: last))
        }
    }
}

/// Holds up the loop's thread, as a busy machine does.
struct StallingProbe: RunnableProbe {
    var length = ""
    var stall: Duration = .zero
    static let form = Form(
        "stalling", "Stalls.", blank: StallingProbe(),
        fields: [Field(required: "stalling", \.length, "How long.")])

    func prober(on loop: EventLoop) throws -> any Prober { StallingProber(stall: stall) }
}

private final class StallingProber: Prober {
    private let stall: Duration
    init(stall: Duration) { self.stall = stall }
    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        pass(stall)
        done(.ok)
    }
}

extension TestServer {
    /// Whether it did for an entry what it had to do, before a busy machine let the time run out.
    func answered(_ entry: LedgerEntry, within limit: Duration) -> Bool {
        let handled = handled().first { $0.key.hasSuffix("-\(entry.key.stream)-\(entry.key.sequence)") }?
            .value
        return handled?.written.map { $0 <= entry.sent + limit } ?? false
    }
}

/// One sample and what the server did for it.
struct Checked {
    var sample: Sample
    /// When the server decided on its answer, if the request reached it.
    var decided: Instant?
    /// Whether that answer was a failure, or none.
    var isDark: Bool
}

extension TestServer {
    /// Expects of every sample of a `NumberedProbe` that it says what the server did, and that its bounds hold
    /// the instant at which the server decided so.
    func check(_ samples: [Sample], timeout: Duration) -> [Checked] {
        let handled = handled()
        return samples.filter { $0.outcome != .unknown }.map { sample in
            let entry = handled["/\(sample.code)"]
            let isDark = entry?.reply.isFailure ?? false
            if sample.isUp {
                #expect(
                    entry != nil && !isDark, "\(sample) is up, server: \(String(describing: entry))")
            } else if sample.outcome == .error {
                #expect(isDark, "\(sample) is an error, server: \(String(describing: entry))")
            } else if let written = entry?.written {
                // The server's own stall is the server's failure; an answer in good time is none.
                #expect(written > sample.started + timeout, "\(sample) timed out; answered at \(written)")
            }
            if let decided = entry?.at, sample.outcome != .timeout || isDark && decided <= sample.finished {
                #expect(sample.started <= decided && decided <= sample.finished, "\(sample), \(decided)")
            }
            return Checked(sample: sample, decided: entry?.at, isDark: isDark)
        }
    }
}
