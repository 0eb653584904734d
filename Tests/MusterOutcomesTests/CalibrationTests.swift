import GRDB
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

struct CalibrationTests {
    private func calibration(_ host: String, trials: Int, covered: Int? = nil) -> CalibrationRecord {
        CalibrationRecord(
            host: host, kernel: "Linux 6.1 x86_64", toolVersion: "0.1.0", binaryHash: "abc",
            finishedAtUTC: 1_800_000_000_000_000_000, place: "loopback", seed: .max - 3,
            every: .milliseconds(10), trials: trials, covered: covered ?? trials,
            medianWidth: .microseconds(10_700), widest: nil, lagP50: .microseconds(80),
            lagP99: .microseconds(400), lagMax: .milliseconds(3), ledgers: 20, ledgersExact: 20,
            sabotages: 15, sabotagesFlagged: 15, result: .pass, reason: "all true")
    }

    private func header(_ id: String, host: String) -> RunHeader {
        var header = makeHeader(id)
        header.host = host
        return header
    }

    @Test func theNewestOfTheHostIsReadBackWhole() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        #expect(try store.newestCalibration(of: "a") == nil)
        try store.record(calibration("a", trials: 10))
        try store.record(calibration("a", trials: 1000))
        try store.record(calibration("b", trials: 20))
        #expect(try store.newestCalibration(of: "a") == calibration("a", trials: 1000))
        #expect(try store.newestCalibration(of: "c") == nil)
    }

    @Test func aRunKeepsTheCalibrationThatItBeganWith() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let before = try store.begin(header("R1", host: "a"))
        try store.record(calibration("a", trials: 10))
        let number = try store.begin(header("R2", host: "a"))
        let elsewhere = try store.begin(header("R3", host: "b"))
        try store.record(calibration("a", trials: 1000))
        #expect(try store.outcome(before)?.calibration == nil)
        #expect(try store.outcome(number)?.calibration?.trials == 10)
        #expect(try store.outcome(elsewhere)?.calibration == nil)
        #expect(try store.outcome(before)?.calibrationText == CalibrationRecord.never)
    }

    @Test func aStoreOfTheFirstVersionIsReadAndMigrated() throws {
        let scratch = Scratch()
        // As version 1 left it.
        let queue = try DatabaseQueue(path: scratch.store)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: Schema.migrations[0])
            try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
            try database.execute(sql: "PRAGMA user_version = 1")
        }
        try queue.close()
        let reading = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        #expect(try reading.newestCalibration(of: "a") == nil)
        try reading.close()
        let store = try makeStore(scratch)
        try store.record(calibration("a", trials: 10))
        #expect(try store.newestCalibration(of: "a")?.trials == 10)
    }

    @Test func isOneLineForPeople() {
        var record = calibration("box", trials: 1000)
        #expect(
            record.sentence
                == "instrument calibrated 2027-01-15 on box: 1000 trials, coverage 100 %, median width 10.7 ms at "
                + "10 ms between probes")
        record.covered = 999
        record.result = .fail
        record.reason = "one was missed"
        #expect(record.coverageText == "99.9 %")
        #expect(record.sentence.hasSuffix("; it FAILED: one was missed"))
        record.covered = 995
        #expect(record.coverageText == "99.5 %")
        record.covered = 0
        #expect(record.coverageText == "0 %")
        // As few digits as are true, and never rounded up.
        record.trials = 3
        record.covered = 2
        #expect(record.coverageText == "66.6666 %")
        record.trials = 10_000_000
        record.covered = 9_999_999
        #expect(record.coverageText == "99.9999 %")
    }

    @Test func saysWhatHasChangedSince() {
        let record = calibration("a", trials: 10)
        var run = header("R", host: "a")
        (run.binaryHash, run.kernel) = ("abc", "Linux 6.1 x86_64")
        #expect(record.staleness(for: run) == nil)
        run.kernel = "Linux 6.2 x86_64"
        #expect(record.staleness(for: run) == "calibrated with another kernel")
        run.binaryHash = "def"
        #expect(record.staleness(for: run) == "calibrated with another build of muster and another kernel")
    }
}
