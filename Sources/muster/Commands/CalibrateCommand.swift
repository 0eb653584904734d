import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem
import Synchronization

struct CalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Tests the instrument: outages and losses of known size must be measured truly.",
        discussion: """
            Servers that lie in known ways are measured as a drill would measure them: dark for exactly 1,234 ms in
            several ways, losing exactly 37 acknowledged writes, or doing nothing at all; and the instrument itself is
            damaged, which it must notice. The result is kept with the outcomes of this host. docs/CALIBRATION.md

            Example: muster calibrate --quick

            Exit codes: 0 pass, 1 a claim was false or bounds are too wide, 3 the machine was too busy to tell widths,
            4 ended before it was done.
            """)

    @Option(help: "Outages to measure; 1000 take about seven minutes.") var trials: Int?
    @Flag(help: "A short form, of some seconds.") var quick = false
    @Flag(help: "Through a network namespace (root), else by a local address that is not loopback.")
    var network = false
    @Option(help: "The interval between probes, such as 10ms.") var every = "10ms"
    @Option(help: "Repeats the plan of an earlier calibration.") var seed: UInt64?
    /// Calibration must be able to fail, and tests make it.
    @Option(help: .hidden) var distortBounds: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut(printed: false) {
            let settings = try settings()
            let cancelled = Cancelled()
            let signals = SignalWatch { _ in cancelled.set() }
            defer { withExtendedLifetime(signals) {} }
            let binary = BinaryHash()
            let report = try calibrate(settings, cancelled)
            let system = HostNames.read()
            let record = report.record(
                host: system.host, kernel: system.kernel, binaryHash: binary.text,
                utc: SystemTimekeeper().utcNanoseconds())
            let text = CalibrationText(report, record)
            if output.json { Terminal.line(text.value.prettyJSON) } else { text.show() }
            // Half a calibration is none; a false claim counts at any time. What tests distort says nothing.
            if settings.distortion == .zero, !report.wasCancelled || record.result == .fail {
                try store.open(access: .readWrite).record(record)
            }
            if report.wasCancelled, record.result != .fail { return .aborted }
            switch record.result {
            case .pass: return .pass
            case .fail: return .objectiveMissed
            case .inconclusive: return .inconclusive
            }
        }
    }

    private func settings() throws -> Calibration.Settings {
        var settings = Calibration.Settings()
        guard let every = Duration(units: every), every >= .milliseconds(1), every <= .seconds(1) else {
            throw Refusal(
                .usage, "--every \(self.every): not an interval between probes",
                advice: "a duration from 1ms to 1s, such as --every 10ms")
        }
        let trials = trials ?? (quick ? 20 : 1000)
        guard (1...1_000_000).contains(trials) else {
            throw Refusal(.usage, "--trials \(trials): not a number of trials", advice: "from 1 to 1000000")
        }
        if let distortBounds {
            guard let distortion = Duration(units: distortBounds) else {
                throw Refusal(
                    .usage, "--distort-bounds \(distortBounds): not a duration", advice: "such as 20ms")
            }
            settings.distortion = distortion
        }
        settings.every = every
        settings.trials = trials
        settings.isQuick = quick
        settings.seed = seed ?? UInt64.random(in: 0 ... .max)
        return settings
    }

    private func calibrate(_ settings: Calibration.Settings, _ cancelled: Cancelled) throws
        -> CalibrationReport
    {
        CalibrationPlace.removeAbandoned()
        let place = network ? try CalibrationPlace.network() : .loopback()
        defer { place.close() }
        let folder = CalibrationPlace.folder
        guard mkdir(folder, 0o700) == 0 else {
            throw Refusal(
                .usage, "\(folder) cannot be made: \(String(cString: strerror(errno)))",
                advice: "set TMPDIR to a folder that can be written")
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if !output.json {
            Terminal.line(
                "calibrating over \(place.words): \(settings.trials) outages, one probe every "
                    + "\(settings.every.forPeople), seed \(settings.seed)")
        }
        let isShown = !output.json && Terminal.isInteractive
        let calibration = try Calibration(
            settings, at: place, folder: folder, isCancelled: { cancelled.isSet },
            note: { if isShown { Terminal.write("\r\u{1B}[K\($0)") } })
        defer { if isShown { Terminal.write("\r\u{1B}[K") } }
        do {
            return try calibration.run()
        } catch let trouble as CalibrationTrouble {
            throw Refusal(
                .inconclusive, "the calibration could not be carried out: \(trouble)",
                advice: "run it again; on a machine that is very busy, with --quick")
        }
    }
}

/// The far end of `muster calibrate`.
struct CalibrateInstrumentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate-instrument", abstract: "The instrument that `muster calibrate` tests.",
        shouldDisplay: false)

    func run() { InstrumentWorker().serve() }
}

private final class Cancelled: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .releasing) }
    var isSet: Bool { flag.load(ordering: .acquiring) }
}
