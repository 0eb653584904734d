import Foundation
import MusterCalibration
import MusterCore
import MusterDrills
import MusterProbes
import MusterSystem

/// The instrument under test, in a process of its own so that it can be stopped, starved and put into another network:
/// does what the lines on its standard input say, and answers each with one line of JSON.
final class InstrumentWorker {
    private var engine: MeasuringEngine?
    private var slow: [String: Duration] = [:]
    private let time = SystemTimekeeper()

    /// Returns when the input ends.
    func serve() {
        // A disk that is full is an error of write(2), not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        while let line = readLine() {
            let answer: Value
            do {
                let order = try JSONDecoder().decode(Value.self, from: Data(line.utf8))
                answer = try carryOut(order)
            } catch {
                answer = ["error": .text("\(error)")]
            }
            Terminal.line(answer.canonicalJSON)
        }
        engine?.stop()
    }

    private func carryOut(_ order: Value) throws -> Value {
        if order["do"]?.asText == "open" { return try open(order) }
        guard let engine else { throw CalibrationTrouble("the instrument is not open") }
        switch order["do"]?.asText {
        case "start": try engine.start()
        case "write": engine.startWorkloads()
        case "stepClock": SystemTimekeeper.pretendStep(by: try order.duration("by"))
        case "stopWriting": engine.stopWorkloads()
        case "status": return status(of: engine)
        case "judge":
            try settle(engine, order)
            return try judge(engine.signals(), order)
        case "readBack": return try readBack(engine, order)
        case "close":
            engine.stop()
            self.engine = nil
            return ["troubles": Self.troubles(engine.snapshot())]
        default: throw CalibrationTrouble("an order that is not known: \(order.canonicalJSON)")
        }
        return [:]
    }

    private func open(_ order: Value) throws -> Value {
        let every = try order.duration("every")
        slow = [:]
        let probes = try (order["probes"]?.asList ?? []).map { item -> DrillProbe in
            let name = try item.text("name")
            let address = try item.text("address")
            slow[name] = item["slow"]?.asInt.map { .nanoseconds($0) }
            let setting = ProbeSetting(
                every: every, timeout: try item.duration("timeout"), slow: slow[name])
            if item["kind"]?.asText == "tcp" {
                return DrillProbe(name: name, kind: "tcp", probe: TCPProbe(address), setting: setting)
            }
            var probe = HTTPProbe()
            probe.http = "http://\(address)/"
            return DrillProbe(name: name, kind: "http", probe: probe, setting: setting)
        }
        var workloads: [DrillWorkload] = []
        if let store = order["store"]?.asText {
            var workload = HTTPWorkload()
            workload.http = store + "/kv/{key}"
            workload.get.find = .contains
            let setting = WorkloadSetting(
                writers: Int(try order.int("writers")), rate: Rate(perSecondThousandths: 400_000),
                timeout: .seconds(20))
            workloads.append(DrillWorkload(name: "store", kind: "http", workload: workload, setting: setting))
        }
        engine = try MeasuringEngine(
            probes: probes, workloads: workloads, runID: try order.text("run"),
            seed: UInt64(bitPattern: try order.int("seed")), ledgerDirectory: try order.text("ledgers"))
        return [:]
    }

    private func status(of engine: MeasuringEngine) -> Value {
        let snapshot = engine.snapshot()
        let workload = snapshot.workloads.first
        let known = workload.map { $0.acknowledged + $0.awaitingDisk + $0.inDoubt + $0.refused } ?? 0
        return [
            "sent": .int(Int64(workload?.sent ?? 0)), "answered": .int(Int64(known)),
            "troubles": Self.troubles(snapshot),
            "good": .int(Int64(snapshot.signals.filter { $0.writer == nil }.map(\.goodInARow).min() ?? 0)),
        ]
    }

    /// Everything that the instrument says against itself, as a run puts it on record (`InstrumentEvents`).
    private static func troubles(_ snapshot: MeasuringSnapshot) -> Value {
        let instrument = snapshot.instrument
        var troubles = instrument.suspicions.map { Complaint(.suspicion, $0) }
        for window in instrument.windows {
            troubles.append(
                Complaint(
                    window.trouble == .late ? .late : .window, window.text, window.bracket,
                    size: window.lateness))
        }
        for step in instrument.clockSteps {
            troubles.append(Complaint(.clockStep, step.text, step.between, size: step.by))
        }
        if let trouble = instrument.samplesTrouble { troubles.append(Complaint(.suspicion, trouble)) }
        for why in snapshot.workloads.compactMap(\.ledgerFailure) {
            troubles.append(Complaint(.ledger, "the ledger cannot be written (\(why))"))
        }
        return .list(troubles.map(\.value))
    }

    /// Waits until what was sent before the end of the outage is over: on a busy machine that takes longer than the
    /// probes' timeout, of which only the time counts in which the instrument could look.
    private func settle(_ engine: MeasuringEngine, _ order: Value) throws {
        let stable = try order.duration("stable")
        let end = try order.instant("until") - stable
        let deadline = time.monotonic() + .seconds(20)
        while time.monotonic() < deadline {
            let isSettled = engine.signals().allSatisfy { signal in
                let dues = signal.samples.map(\.due).filter { $0 <= end }
                guard signal.writer == nil, let first = dues.min() else { return true }
                return Int64(dues.count) >= (end - first).nanoseconds / signal.every.nanoseconds + 1
            }
            if isSettled { return }
            time.sleep(for: .milliseconds(50))
        }
    }

    /// Judges each probe alone, as the drill judge does, against the fault that the order names.
    private func judge(_ signals: [Signal], _ order: Value) throws -> Value {
        let until = try order.instant("until")
        let stable = try order.duration("stable")
        var answers: [Value] = []
        for signal in signals where signal.writer == nil {
            let began = try (order["faults"] ?? .null).instant(signal.name)
            var claim = SignalJudge(
                signal: signal, slow: slow[signal.name], fault: Bracket(began, began), until: until,
                stable: stable
            ).claim
            claim["name"] = .text(signal.name)
            answers.append(.map(claim))
        }
        return ["signals": .list(answers)]
    }

    private func readBack(_ engine: MeasuringEngine, _ order: Value) throws -> Value {
        let fault = Bracket(try order.instant("from"), try order.instant("to"))
        let ledgers = engine.readBack(gap: .milliseconds(100), within: .seconds(60))
        guard let ledger = ledgers.first else { throw CalibrationTrouble("there is no ledger") }
        let findings = LedgerJudge.classify(ledger, fault: fault)
        return [
            "acknowledged": .int(Int64(findings.acknowledged)),
            "counts": .map(
                Dictionary(
                    uniqueKeysWithValues: findings.counts.map { ($0.key.rawValue, .int(Int64($0.value))) })),
            "anomalies": .list(
                findings.anomalies.map { anomaly in
                    [
                        .text(anomaly.entryClass.rawValue), .int(Int64(anomaly.key.stream)),
                        .int(anomaly.key.sequence),
                    ]
                }),
            "rpa": findings.rpa.map { .of($0) } ?? .null,
            "inconclusive": findings.inconclusive.map { .text($0) } ?? .null,
        ]
    }
}
