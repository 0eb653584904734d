import MusterCore
import MusterDrills
import Synchronization

/// From the instrument to the store. The instrument is made first, so that one that cannot work leaves no outcome
/// behind; it takes no samples before it is started.
final class SampleOutlet: Sendable {
    private let names: SignalNames
    private let writer = Mutex<StoreWriter?>(nil)

    init(_ names: SignalNames) { self.names = names }

    func open(to writer: StoreWriter) { self.writer.withLock { $0 = writer } }

    /// - Parameter signal: its place among the engine's signals.
    func take(_ samples: [Sample], of signal: Int) {
        let writer = writer.withLock { $0 }
        writer?.append(samples, of: names[signal])
    }
}

/// The names under which samples are stored, in the order of the engine's signals.
struct SignalNames: Sendable {
    private let signals: [Signal]

    init(_ drill: Drill) {
        var signals = drill.probes.map { Signal(name: $0.name, every: $0.setting.every) }
        for workload in drill.workloads {
            let period = workload.setting.rate.period * workload.setting.writers
            signals += (0..<workload.setting.writers).map {
                Signal(name: workload.name, writer: $0, every: period)
            }
        }
        self.signals = signals
    }

    subscript(index: Int) -> Signal { signals[index] }
}
