import GRDB
import MusterCore
import MusterDrills

/// Where the chain of a run stands: what the next link is hashed onto.
struct ChainEnd {
    var sequence: Int
    var hash: String
}

/// `hash = H(previous hash ‖ canonical JSON of the row)`, from the header over every event to the closing.
///
/// A chain shows edits only to those who kept its root elsewhere: in a report, or in git.
enum Chain {
    static func link(_ previous: String, _ row: Value, _ hash: OutcomeStore.Hash) -> String {
        hash(Array(previous.utf8) + Array(row.canonicalJSON.utf8))
    }

    static func row(_ run: RunHeader, engine: ProcessIdentity?) -> Value {
        .map([
            "id": .text(run.id), "drill": .text(run.drill), "drillPath": .text(run.drillPath),
            "drillText": .text(run.drillText), "drillHash": .text(run.drillHash),
            "service": .optional(run.service), "owner": .optional(run.owner),
            "environment": .text(run.environment.rawValue), "failureMode": .optional(run.failureMode),
            "expect": .optional(run.expect), "variables": .map(run.variables.mapValues { .text($0) }),
            "durabilityScope": .text(run.durabilityScope), "host": .text(run.host),
            "bootId": .text(run.bootID), "kernel": .text(run.kernel), "timeZone": .text(run.timeZone),
            "actor": .text(run.actor), "toolVersion": .text(run.toolVersion),
            "protocolVersion": .int(Int64(run.protocolVersion)),
            "judgeVersion": .int(Int64(run.judgeVersion)), "binaryHash": .text(run.binaryHash),
            "configurationHash": .text(run.configurationHash), "repeatGroup": .text(run.repeatGroup),
            "startedMonotonic": .int(run.startedAt.nanoseconds), "startedUtc": .int(run.startedAtUTC),
            "enginePid": .optional(engine.map { Int64($0.pid) }),
            "engineStartTicks": .optional(engine.map { Int64(bitPattern: $0.startTicks) }),
        ])
    }

    static func row(_ closing: RunClosing, run: String, events: Int, runbooks: [RunbookRecord]) -> Value {
        let judgement = closing.judgement
        var map: [String: Value] = [
            "run": .text(run), "events": .int(Int64(events)), "ending": .text(closing.ending.rawValue),
            "verdict": .text(judgement.verdict.rawValue), "reason": .text(judgement.reason),
            "status": .text(judgement.status.rawValue), "exitCode": .int(Int64(closing.exitCode)),
            "finishedMonotonic": .int(closing.finishedAt.nanoseconds),
            "finishedUtc": .int(closing.finishedAtUTC), "residue": .texts(closing.residue),
            "warnings": .texts(judgement.warnings), "scope": .texts(judgement.scope),
            "objectives": .list(judgement.objectives.map(row)),
            "measurements": .list(judgement.measurements.map(row)),
            "ledgers": .list(judgement.ledgers.map(row)),
            "runbooks": .list(
                runbooks.map { .texts([$0.path, $0.fileHash, $0.execHash, $0.text]) }),
        ]
        // Closings from before there were any must still give their hash.
        if !judgement.predictions.isEmpty {
            map["predictions"] = .list(
                judgement.predictions.map {
                    .texts([$0.name, $0.predicted, $0.measured, $0.result.rawValue])
                })
        }
        if !judgement.datasets.isEmpty { map["datasets"] = .list(judgement.datasets.map(\.value)) }
        return .map(map)
    }

    private static func row(_ result: ObjectiveResult) -> Value {
        .list([
            .text(result.name), .text(result.objective), .text(result.measured), row(result.interval),
            .text(result.result.rawValue), .text(result.reason),
        ])
    }

    private static func row(_ measurement: Measurement) -> Value {
        .list([.text(measurement.name), .text(measurement.subject), row(measurement.interval)])
    }

    private static func row(_ findings: LedgerFindings) -> Value {
        let counts = findings.counts.map { ($0.key.rawValue, Value.int(Int64($0.value))) }
        let anomalies = findings.anomalies.map { anomaly in
            Value.list([
                .int(Int64(anomaly.key.stream)), .int(anomaly.key.sequence),
                .text(anomaly.entryClass.rawValue), .optional(anomaly.sent?.nanoseconds),
                .optional(anomaly.acknowledged?.nanoseconds),
            ])
        }
        let row: [String: Value] = [
            "workload": .text(findings.workload),
            "writes": .list(
                [findings.sent, findings.acknowledged, findings.refused, findings.inDoubt].map {
                    .int(Int64($0))
                }),
            "counts": .map(Dictionary(uniqueKeysWithValues: counts)), "anomalies": .list(anomalies),
            "rpa": row(findings.rpa), "tailRpa": row(findings.tailRPA),
            "newestSurvivor": row(findings.newestSurvivor),
            "resolution": .optional(findings.resolution?.nanoseconds),
            "holes": row(findings.holes), "tail": row(findings.tail),
            "lossSpan": .int(findings.lossSpan.nanoseconds), "lostBytes": .int(findings.lostBytes),
            "blindWindow": .int(findings.blindWindow.nanoseconds),
            "inconclusive": .optional(findings.inconclusive),
        ]
        return .map(row.merging(extent(findings)) { own, _ in own })
    }

    private static func row(_ keys: [EntryKey]) -> Value {
        .list(keys.map { .list([.int(Int64($0.stream)), .int($0.sequence)]) })
    }

    private static func row(_ interval: Interval?) -> Value {
        guard let interval else { return .null }
        return .list([.int(interval.lowerNanoseconds), .optional(interval.upperNanoseconds)])
    }
}
