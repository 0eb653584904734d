import Foundation
import MusterCalibration
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization

/// Tests the instrument against outages and losses of known size.
final class Calibration {
    struct Settings {
        var trials = 1000
        var every = Duration.milliseconds(10)
        var seed: UInt64 = 0
        var isQuick = false
        /// For tests: moves every claimed interval.
        var distortion = Duration.zero

        var ledgerRounds: Int { isQuick ? 1 : max(2, trials / 50) }
        var nullRounds: Int { isQuick ? 1 : max(1, trials / 200) }
        var sabotageRounds: Int { isQuick ? 1 : max(1, trials / 200) }
    }

    private let settings: Settings
    private let place: CalibrationPlace
    private let isCancelled: @Sendable () -> Bool
    private let note: (String) -> Void
    private let folder: String
    private var random: SplitMix64
    private var report: CalibrationReport

    /// - Parameters:
    ///   - folder: for the ledgers of the instrument; gone afterwards.
    ///   - isCancelled: asked between batches; then it ends with what it has.
    ///   - note: told what goes on, for people.
    init(
        _ settings: Settings, at place: CalibrationPlace, folder: String,
        isCancelled: @escaping @Sendable () -> Bool, note: @escaping (String) -> Void
    ) throws {
        self.settings = settings
        self.place = place
        self.folder = folder
        self.isCancelled = isCancelled
        self.note = note
        random = SplitMix64(seed: settings.seed &+ 1)
        report = CalibrationReport(every: settings.every, place: place.words, seed: settings.seed)
    }

    /// - Throws: `CalibrationTrouble` or `SystemError` when it cannot be carried out.
    func run() throws -> CalibrationReport {
        let witness = try LoadWitness()
        do {
            try runTrials()
        } catch {
            _ = witness.stop()
            throw error
        }
        report.witness = witness.stop()
        try runLedgers()
        try runSabotages()
        report.wasCancelled = isCancelled()
        return report
    }

    /// A process of its own each time, as each drill has one: nothing of one trial can be left in the next.
    private func withInstrument<Result>(_ body: (Instrument) throws -> Result) throws -> Result {
        let instrument = try Instrument(prefix: place.prefix)
        defer { instrument.end() }
        return try body(instrument)
    }

    private func runTrials() throws {
        let server = try DarkServer(address: place.address, lanes: DarkMode.allCases.count)
        defer { server.stop() }
        var batches = TrialPlan.batches(settings.trials, every: settings.every, seed: settings.seed)
        var again = 0
        var done = 0
        while !batches.isEmpty, !isCancelled() {
            let batch = batches.removeFirst()
            let (results, lags) = try withInstrument { instrument in
                try DarkTrials(
                    server: server, instrument: instrument, every: settings.every, ledgers: folder,
                    distortion: settings.distortion
                ).run(batch)
            }
            report.lags += lags
            var disturbed: [TrialPlan] = []
            for result in results {
                if case .disturbed = result.finding {
                    disturbed.append(result.plan)
                } else {
                    done += 1
                    report.add(result.finding, of: result.plan)
                }
            }
            // A server that stood still proves nothing; the same trial again, as long as there is hope.
            if !disturbed.isEmpty {
                if again < 10 + settings.trials / 10 {
                    again += 1
                    batches.append(disturbed)
                } else {
                    report.disturbed += disturbed.count
                }
            }
            note("\(done) of \(settings.trials) outages")
        }
    }

    private func runLedgers() throws {
        for number in 0..<(settings.ledgerRounds + settings.nullRounds) where !isCancelled() {
            let isNull = number >= settings.ledgerRounds
            let found = try withInstrument { instrument in
                try LedgerRounds(
                    address: place.address, instrument: instrument, every: settings.every, ledgers: folder
                ).run(isNull ? .nothing : ForgettingPlan(), number: number, seed: random.next())
            }
            report.add(ledger: found, isNull: isNull)
            note("\(number + 1) of \(settings.ledgerRounds + settings.nullRounds) ledgers")
        }
    }

    private func runSabotages() throws {
        var number = 0
        for _ in 0..<settings.sabotageRounds {
            for sabotage in Sabotage.allCases where !isCancelled() {
                number += 1
                let result = try withInstrument { instrument in
                    try SabotageRounds(
                        address: place.address, instrument: instrument, every: settings.every,
                        ledgers: folder
                    ).run(sabotage, number: number, seed: random.next())
                }
                report.add(sabotage, said: result.said, result.finding)
                note("\(number) of \(settings.sabotageRounds * Sabotage.allCases.count) sabotages")
            }
        }
    }
}
