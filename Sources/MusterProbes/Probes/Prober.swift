import MusterCore
public import MusterDrills

/// What one look yielded.
struct Finding: Hashable {
    var outcome: Sample.Outcome
    var code: Int32
    static let ok = Finding(outcome: .ok, code: 0)
    /// A failure of what is looked at; unless the code says that the instrument had looked away, which is nobody's.
    static func error(_ code: Int32) -> Finding {
        code == SampleCode.instrumentLate ? .unknown(code) : Finding(outcome: .error, code: code)
    }
    static let timeout = Finding(outcome: .timeout, code: 0)
    /// The instrument could not look.
    static func unknown(_ code: Int32) -> Finding { Finding(outcome: .unknown, code: code) }
}

/// A probe at work on one loop. Belongs to the loop's thread.
protocol Prober: AnyObject {
    /// Looks once. `done` is called once, on the loop's thread, at the latest when `patience` ends.
    func look(_ patience: Patience, done: @escaping (Finding) -> Void)
    /// Ends what is under way, where that would go on by itself.
    func close()
}

extension Prober {
    func close() {}

    /// Looks once, with a patience that nobody asks for anything afterwards.
    func look(timeout: Duration, on loop: EventLoop, done: @escaping (Finding) -> Void) {
        look(Patience(timeout, on: loop), done: done)
    }
}

/// A probe that this engine can run.
protocol RunnableProbe: Probe {
    func prober(on loop: EventLoop) throws -> any Prober
}

extension ProbeCatalog {
    /// Every kind of probe there is.
    public static let standard = ProbeCatalog([
        HTTPProbe.self, TCPProbe.self, TLSProbe.self, UnixProbe.self, DNSProbe.self, RedisProbe.self,
        PostgresProbe.self, PrometheusProbe.self, ExecProbe.self, FileProbe.self,
    ])
}
