import MusterCore
public import MusterDrills

/// Looks once and waits for the answer, on the calling thread: for the readiness of fixtures and for `doctor`.
/// - Returns: a sample that is due when it is sent.
/// - Throws: `MeasuringError` when the probe cannot be run at all.
public func attempt(_ probe: any Probe, timeout: Duration) throws -> Sample {
    guard let probe = probe as? any RunnableProbe else {
        throw MeasuringError.unknownKind("\(type(of: probe))")
    }
    let loop = try EventLoop(inFlightLimit: 16)
    let prober = try probe.prober(on: loop)
    let started = monotonicNow()
    var finding: Finding?
    prober.look(timeout: timeout, on: loop) { finding = $0 }
    loop.run { finding != nil }
    return makeSample(
        finding ?? .timeout, due: started, started: started, finished: monotonicNow())
}

extension Fixture.Readiness {
    /// The probe that tells whether it holds.
    public var probe: any Probe {
        switch self {
        case .tcp(let endpoint): return TCPProbe(endpoint)
        case .http(let url):
            var probe = HTTPProbe()
            probe.http = url
            return probe
        case .file(let path):
            var probe = FileProbe()
            probe.file = path
            return probe
        }
    }
}
