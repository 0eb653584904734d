import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite(.serialized) struct WorkloadTests {
    @Test func refusedResetSilentAndRejectedWritesAreToldApart() throws {
        let folder = try TemporaryFolder()
        let server = try TestServer { request in
            guard request.method == "PUT" else { return .status(404, "") }
            switch Int(request.path.split(separator: "-").last ?? "").map({ $0 % 4 }) {
            case 0: return .reset
            case 1: return .status(409, "read-only")
            case 2: return .hang
            default: return .status(503, "")
            }
        }
        let engine = try MeasuringEngine(
            [], [drillWorkload(httpWorkload(server), timeout: .milliseconds(150))], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { entriesByStream(engine).min() ?? 0 >= 10 })
        // From now on nobody listens.
        server.stop()
        let before = entriesByStream(engine).max() ?? 0
        #expect(eventually { entriesByStream(engine).min() ?? 0 >= before + 5 })
        engine.stopWorkloads()
        let entries = engine.ledgers()[0].entries
        let samples = engine.signals().flatMap(\.samples)
        engine.stop()
        for sequence in 1...8 {
            for entry in entries where entry.key.sequence == sequence {
                let isInTime = server.answered(entry, within: .milliseconds(150))
                let isAsExpected = entry.outcome == (sequence % 4 == 1 ? .fail : .info)
                #expect(isAsExpected || !isInTime && entry.outcome == .info, "\(entry)")
            }
        }
        let codes = Set(samples.filter(\.isDown).map(\.code))
        #expect(codes.isSuperset(of: [ECONNREFUSED, 409, 503]), "\(codes)")
        let last = entries.filter { $0.key.stream == 0 }.suffix(3)
        #expect(last.allSatisfy { $0.outcome == .fail })
        // While a writer waited for the silent server, its other writes were due and are on record.
        #expect(samples.contains { $0.outcome == .unknown && $0.code == SampleCode.writerBusy })
    }

    @Test func theExampleProgramKeepsEveryEntry() throws {
        let folder = try TemporaryFolder()
        let data = try TemporaryFolder()
        let example = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        var workload = ExecWorkload()
        workload.exec = ["python3", "/\(example)/Fixtures/exec_workload.py", data.path]
        let engine = try MeasuringEngine(
            [], [drillWorkload(workload, writers: 2, perSecond: 40, timeout: .seconds(30))], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        engine.stopWorkloads()
        let entries = engine.ledgers()[0].entries
        // Two that are gone, one that nobody wrote.
        let name = try #require(try names(in: data.path).first).split(separator: "-")[...1].joined(
            separator: "-")
        #expect(unlink("\(data.path)/\(name)-0-3") == 0 && unlink("\(data.path)/\(name)-1-2") == 0)
        _ = try data.write("\(name)-1-9999", "never written")
        let readBack = try #require(
            engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0].readBack)
        engine.stop()
        #expect(readBack.isComplete, "\(readBack.problems)")
        let found = Set(readBack.found.map(\.key))
        #expect(
            Set(entries.filter(\.isAcknowledged).map(\.key)).subtracting(found)
                == [EntryKey(stream: 0, sequence: 3), EntryKey(stream: 1, sequence: 2)])
        #expect(found.subtracting(entries.map(\.key)) == [EntryKey(stream: 1, sequence: 9999)])
    }

    @Test func aProgramThatHangsIsEndedAndStartedAgain() throws {
        let folder = try TemporaryFolder()
        let script = try folder.write(
            "hang.py",
            """
            import json, sys, time
            for line in sys.stdin:
                request = json.loads(line)
                if request["key"].endswith("-2"):
                    time.sleep(1000)
                if request["key"].endswith("-4"):
                    print("this is not JSON", flush=True)
                print(json.dumps({"id": request["id"], "ok": True}), flush=True)
            """)
        var workload = ExecWorkload()
        workload.exec = ["python3", script]
        let engine = try MeasuringEngine(
            [], [drillWorkload(workload, writers: 1, perSecond: 10, timeout: .seconds(5))], in: folder)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 4 })
        engine.stopWorkloads()
        let outcomes = engine.ledgers()[0].entries.map(\.outcome)
        engine.stop()
        #expect(Array(outcomes.prefix(5)) == [.ok, .info, .ok, .info, .ok])
    }

    private func entriesByStream(_ engine: MeasuringEngine) -> [Int] {
        let entries = engine.ledgers()[0].entries
        return (0..<4).map { stream in entries.count { $0.key.stream == stream } }
    }

    private func names(in folder: String) throws -> [String] {
        let out = folder + "/.names"
        let probe = ["sh", "-c", "ls \(folder) > \(out)"]
        _ = try Spawn(["/bin/sh"] + probe.dropFirst()).start().wait(for: .seconds(60))
        defer { unlink(out) }
        return try #require(try readSmallFile(out)).split(separator: "\n").map(String.init)
    }
}
