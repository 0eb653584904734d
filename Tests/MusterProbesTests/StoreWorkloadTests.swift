import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// An engine with one workload that has written and stopped.
struct Written {
    let engine: MeasuringEngine
    let entries: [LedgerEntry]

    /// - Parameter count: acknowledgements to wait for.
    init(
        _ count: Int, to workload: any Workload, in folder: TemporaryFolder, writers: Int = 4,
        _ change: (inout WorkloadSetting) -> Void = { _ in }
    ) throws {
        var drill = drillWorkload(workload, writers: writers)
        change(&drill.setting)
        engine = try MeasuringEngine([], [drill], in: folder)
        try engine.start()
        engine.startWorkloads()
        let engine = self.engine
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= count })
        engine.stopWorkloads()
        entries = engine.ledgers()[0].entries
    }

    /// Reads back, ends the engine, and judges as if the fault had struck now.
    func findings() throws -> (LedgerFindings, ReadBack) {
        let ledger = engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0]
        engine.stop()
        let now = SystemTimekeeper().monotonic()
        return (LedgerJudge.classify(ledger, fault: Bracket(now, now)), try #require(ledger.readBack))
    }
}

/// The prefix of the keys of the one run that left files in `folder`.
func runPrefix(in folder: String, suffix: String = "") throws -> String {
    let names = try #require(FileSteps.names(in: folder))
    let name = try #require(names.first { $0.hasPrefix("muster-") && $0.hasSuffix(suffix) })
    return String(name.dropLast(suffix.count)) + "-"
}

func keys(_ findings: LedgerFindings, _ kind: EntryClass) -> Set<EntryKey> {
    Set(findings.anomalies.filter { $0.entryClass == kind }.map(\.key))
}

@Suite(.serialized) struct FilesWorkloadTests {
    private func workload(_ folder: TemporaryFolder) -> FilesWorkload {
        var workload = FilesWorkload()
        workload.files = folder.path
        return workload
    }

    @Test func whatIsRemovedSpoiltAndAddedIsFoundExactly() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let written = try Written(60, to: workload(data), in: ledger)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        let prefix = try runPrefix(in: data.path)
        let place = "\(data.path)/\(prefix.dropLast())"
        #expect(unlink("\(place)/\(prefix)1-3") == 0)
        #expect(truncate("\(place)/\(prefix)2-2", 10) == 0)
        _ = try data.write("\(prefix.dropLast())/\(prefix)0-9999", "never written")
        _ = try data.write("\(prefix.dropLast())/.writing-\(prefix)0-9998", "left by a crash")
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(
            keys(findings, .lostHole).union(keys(findings, .lostTail)) == [EntryKey(stream: 1, sequence: 3)])
        #expect(keys(findings, .corrupt) == [EntryKey(stream: 2, sequence: 2)])
        #expect(keys(findings, .phantom) == [EntryKey(stream: 0, sequence: 9999)])
        #expect(findings.anomalies.count == 3)
        // Kept, because nobody asked to remove it.
        #expect(access(place, F_OK) == 0)
    }

    @Test func aDirectoryThatIsSomebodyElsesIsLeftAlone() throws {
        let data = try TemporaryFolder()
        let folder = RunFolder(in: data.path, named: "muster-x")
        #expect(mkdir(folder.path, 0o755) == 0)
        #expect(folder.make() == EEXIST)
        folder.remove()
        #expect(access(folder.path, F_OK) == 0)
        let other = RunFolder(in: data.path + "/missing", named: "muster-x")
        #expect(other.make() == ENOENT)
    }

    @Test func whatItMadeIsRemovedWhereThatIsAskedFor() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        var workload = workload(data)
        workload.remove = true
        let written = try Written(20, to: workload, in: ledger)
        let (findings, _) = try written.findings()
        #expect(findings.anomalies.isEmpty)
        #expect(try #require(FileSteps.names(in: data.path)) == [])
    }

    @Test func deletedEntriesThatComeBackAreResurrected() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let written = try Written(120, to: workload(data), in: ledger) {
            $0.deletes = Percentage(millionths: 250_000)
        }
        let plan = written.engine.ledgers()[0].plan
        let deleted = written.entries.compactMap { entry -> EntryKey? in
            if case .delete(let key) = plan.operation(entry.key) { key } else { nil }
        }
        let back = try #require(deleted.first)
        let prefix = try runPrefix(in: data.path)
        _ = try data.write(
            "\(prefix.dropLast())/\(KeyNames(run: String(prefix.dropFirst(7).dropLast())).name(back))", "back"
        )
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .resurrected) == [back] && findings.anomalies.count == 1)
        #expect(findings.counts[.deleted] == deleted.count - 1)
        #expect(findings.acknowledged == written.entries.count)
    }

    @Test func aRegisterThatWentBackIsStale() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let written = try Written(60, to: workload(data), in: ledger, writers: 2) {
            $0.mode = .register
            $0.keys = 3
        }
        let plan = written.engine.ledgers()[0].plan
        let versions = written.entries.map(\.key).filter {
            $0.stream == 1 && plan.operation($0) == .set(register: 2)
        }
        let prefix = try runPrefix(in: data.path)
        let older = versions[versions.count - 3]
        _ = try data.write(
            "\(prefix.dropLast())/\(prefix)1-r2", EntryPayload.make(older, seed: plan.seed, bytes: 64))
        let (findings, readBack) = try written.findings()
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .stale) == [versions[versions.count - 1]])
        #expect(findings.lost == 2 && findings.counts[.survived] == 6)
    }
}

@Suite(.serialized) struct AppendWorkloadTests {
    private func workload(_ folder: TemporaryFolder) -> AppendWorkload {
        var workload = AppendWorkload()
        workload.append = folder.path
        return workload
    }

    /// - Parameter change: of the file's lines, without the empty ones.
    private func judged(
        _ change: (inout [Substring], _ prefix: String) -> Void, end: String = ""
    ) throws -> (LedgerFindings, ReadBack) {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let written = try Written(60, to: workload(data), in: ledger)
        #expect(written.entries.allSatisfy { $0.outcome == .ok })
        let prefix = try runPrefix(in: data.path, suffix: ".log")
        let name = "\(prefix.dropLast()).log"
        let text = String(
            decoding: try Descriptor(opening: "\(data.path)/\(name)", O_RDONLY).readAll(), as: UTF8.self)
        var lines = text.split(separator: "\n")
        #expect(lines.count == written.entries.count + 1)
        change(&lines, prefix)
        _ = try data.write(name, lines.joined(separator: "\n") + "\n" + end)
        return try written.findings()
    }

    @Test func linesThatAreGoneDoubledOrMovedAreFoundExactly() throws {
        let (findings, readBack) = try judged { lines, prefix in
            func place(_ key: String) -> Int { lines.firstIndex { $0.hasPrefix("\(prefix)\(key) ") } ?? 0 }
            lines.remove(at: place("1-3"))
            lines.append(lines[place("2-2")])
            // The second of stream 0 after its fifth.
            let line = lines.remove(at: place("0-2"))
            lines.insert(line, at: place("0-5") + 1)
            lines.append("\(prefix)3-777 \(String(repeating: "x", count: 60))")
        }
        #expect(readBack.isComplete, "\(readBack.problems)")
        #expect(keys(findings, .lostHole) == [EntryKey(stream: 1, sequence: 3)])
        #expect(keys(findings, .duplicate) == [EntryKey(stream: 2, sequence: 2)])
        #expect(keys(findings, .reordered) == [EntryKey(stream: 0, sequence: 2)])
        #expect(keys(findings, .phantom) == [EntryKey(stream: 3, sequence: 777)])
        #expect(findings.anomalies.count == 4 && findings.violations.isEmpty)
    }

    @Test func aTornTailAndForeignLinesAreTold() throws {
        var torn: [String] = []
        let (findings, readBack) = try judged { lines, _ in
            let last = lines.removeLast()
            let name = last.split(separator: " ")[0]
            torn = name.split(separator: "-").suffix(2).map(String.init)
            lines.append("Jan  1 00:00:00 host app: hello")
            lines.append(last.dropLast(20))
        }
        let parts = torn.compactMap { Int64($0) }
        let key = EntryKey(stream: Int32(parts[0]), sequence: parts[1])
        #expect(keys(findings, .corrupt) == [key] && findings.anomalies.count == 1)
        #expect(readBack.violations == findings.violations && findings.violations.count == 1)
        #expect(findings.violations.first?.hasPrefix("1 line belongs to no entry of this run") == true)
    }

    @Test func piecesOfWritesThatWereNotKeptAreNoDamage() throws {
        let names = KeyNames(run: "x")
        let wanted = Wanted(entry: EntryKey(stream: 1, sequence: 2), key: "muster-x-1-2", value: "whole")
        let text = "header\n\nmuster-x-1-1 one\n\nmuster-x-1-2 who\n\nmuster-x-1-3 three\n\nmuster-x-1-"
        let contents = AppendContents(Array(text.utf8), names, header: "header")
        #expect(contents.answer(wanted, tornIsAbsent: true) == .absent)
        #expect(contents.answer(wanted, tornIsAbsent: false) == .present(isIntact: false, count: 1))
        #expect(contents.problems.isEmpty && contents.torn == 1 && contents.foreign == 0)
        // Written again by whoever repaired the file.
        let again = AppendContents(Array((text + "\nmuster-x-1-2 whole").utf8), names, header: "header")
        #expect(again.answer(wanted, tornIsAbsent: false) == .present(isIntact: true, count: 2))
        let other = AppendContents(Array("something else\n".utf8), names, header: "header")
        #expect(other.problems.count == 2)
    }

    @Test func aFileThatVanishedIsNotMadeAnew() throws {
        let (ledger, data) = (try TemporaryFolder(), try TemporaryFolder())
        let engine = try MeasuringEngine([], [drillWorkload(workload(data))], in: ledger)
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 20 })
        let prefix = try runPrefix(in: data.path, suffix: ".log")
        let path = "\(data.path)/\(prefix.dropLast()).log"
        #expect(rename(path, path + ".away") == 0)
        #expect(eventually { engine.snapshot().workloads[0].refused >= 5 })
        #expect(access(path, F_OK) != 0)
        // A restore brings it back, as another file.
        let copy = try Descriptor(opening: path + ".away", O_RDONLY).readAll()
        _ = try data.write("restored", String(decoding: copy, as: UTF8.self))
        #expect(rename("\(data.path)/restored", path) == 0)
        let before = engine.snapshot().workloads[0].acknowledged
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= before + 10 })
        engine.stopWorkloads()
        let ledgers = engine.readBack(gap: .milliseconds(50), within: .seconds(120))
        engine.stop()
        let now = SystemTimekeeper().monotonic()
        let findings = LedgerJudge.classify(ledgers[0], fault: Bracket(now, now))
        #expect(findings.anomalies.isEmpty && findings.refused >= 5, "\(findings.counts)")
    }
}
