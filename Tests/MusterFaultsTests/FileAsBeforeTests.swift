import MusterCore
import MusterFaults
import MusterHost
import MusterJournal
import Testing

/// A data fault is mended where the file is still as injected or gone, and left alone anywhere else.
@Suite(.serialized) struct FileAsBeforeTests {
    private let original: [UInt8] = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 13) }

    private func corrupted(_ bench: Bench) throws -> (Injection, String) {
        let path = try bench.put("data/table.db", original)
        let injection = try bench.injector.inject(bench.request(FileCorrupt(), Target(.path(path)))) {}
        #expect(try bench.host.contents(of: path) != original)
        return (injection, path)
    }

    @Test func aFileThatIsGoneIsPutBack() throws {
        let bench = try Bench()
        defer { bench.close() }
        let (injection, path) = try corrupted(bench)
        try bench.host.remove(path)
        #expect(bench.injector.undo([injection]).first?.closed == .verified)
        #expect(try bench.host.contents(of: path) == original)
        #expect(try bench.host.list(bench.path("state/quarantine")) == [], "the copy was disposed of")
    }

    @Test func somebodyElsesWorkIsLeftAlone() throws {
        let bench = try Bench()
        defer { bench.close() }
        let (injection, path) = try corrupted(bench)
        try bench.host.overwrite(path, at: 4999, with: [original[4999] &+ 1])
        let theirs = try bench.host.contents(of: path)
        let result = bench.injector.undo([injection]).first
        #expect(result?.closed == nil)
        #expect(result?.facts.contains { $0.problem?.contains("somebody else") == true } == true)
        #expect(try bench.host.contents(of: path) == theirs)
        let kept = try #require(injection.disposals.first?.path)
        #expect(try bench.host.contents(of: kept) == original, "both copies are kept")
        // So that the bench can be cleared: what is gone is put back.
        try bench.host.remove(path)
    }

    @Test func aProvenRecoverySupersedesTheFact() throws {
        let bench = try Bench()
        defer { bench.close() }
        let (injection, path) = try corrupted(bench)
        try bench.host.replaceFile(path, contents: [1, 2, 3])
        let result = bench.injector.undo([injection], recovered: [injection.id]).first
        #expect(result?.closed == .superseded)
        bench.injector.disposeOfLeftovers()
        #expect(try bench.host.contents(of: path) == [1, 2, 3])
        let kept = try #require(injection.disposals.first?.path)
        #expect(try bench.host.contents(of: kept) == original, "the original stays in quarantine")
    }
}
