import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A real server of one test's own whose rows the test damages behind the workload's back.
protocol TestStore: AnyObject {
    var workload: any Workload { get }
    var probe: any Probe { get }
    func start() throws
    /// SIGKILL.
    func kill()
    /// A key like this, where `*` stands for anything; empty when there is none.
    func key(_ pattern: String) throws -> String
    func value(_ key: String) throws -> String
    /// - Parameter key: of a run that has written.
    func overwrite(_ key: String, _ value: String) throws
    func remove(_ key: String) throws
}

enum TestStoreKind: String, CaseIterable, CustomTestStringConvertible {
    case redis, postgres

    var testDescription: String { rawValue }

    func make() throws -> any TestStore {
        switch self {
        case .redis: try TestRedis()
        case .postgres: try TestPostgres()
        }
    }
}

extension TestRedis: TestStore {
    var workload: any Workload {
        var workload = RedisWorkload()
        workload.redis = url
        return workload
    }
    var probe: any Probe {
        var probe = RedisProbe()
        probe.redis = url
        return probe
    }

    func key(_ pattern: String) throws -> String {
        guard case .array(let names)? = try run("KEYS", pattern), case .bulk(let name?)? = names.first
        else { return "" }
        return name
    }
    func value(_ key: String) throws -> String {
        guard case .bulk(let value?)? = try run("GET", key) else { return "" }
        return value
    }
    func overwrite(_ key: String, _ value: String) throws {
        #expect(try run("SET", key, value) == .simple("OK"))
    }
    func remove(_ key: String) throws { #expect(try run("DEL", key) == .integer(1)) }
}

extension TestPostgres: TestStore {
    var workload: any Workload {
        var workload = PostgresWorkload()
        workload.postgres = address
        return workload
    }
    var probe: any Probe {
        var probe = PostgresProbe()
        probe.postgres = address
        return probe
    }

    /// Those of runs.
    func tables() throws -> [String] {
        try run("SELECT tablename FROM pg_tables WHERE tablename LIKE 'muster_t%'").compactMap { $0[0] }
    }

    func key(_ pattern: String) throws -> String {
        for table in try tables() {
            let like = pattern.replacing("*", with: "%")
            let rows = try run("SELECT key FROM \(table) WHERE key LIKE '\(like)' LIMIT 1")
            if let key = rows.first?[0] { return key }
        }
        return ""
    }
    func value(_ key: String) throws -> String {
        try run("SELECT value FROM \(table(key)) WHERE key = '\(key)'").first?[0] ?? ""
    }
    func overwrite(_ key: String, _ value: String) throws {
        try run(
            "INSERT INTO \(table(key)) VALUES ('\(key)', '\(value)') "
                + "ON CONFLICT (key) DO UPDATE SET value = excluded.value")
    }
    func remove(_ key: String) throws {
        #expect(try run("DELETE FROM \(table(key)) WHERE key = '\(key)' RETURNING 1") == [["1"]])
    }

    /// The run's name is what stands behind "muster-".
    private func table(_ key: String) -> String {
        let parts = key.split(separator: "-")
        let start = parts.firstIndex(of: "muster") ?? 0
        return KeyNames(run: String(parts[start + 1])).table
    }
}

/// A server that was killed under its writers, and came back.
struct KilledStore {
    let engine: MeasuringEngine
    let ledger: Ledger
    let signals: [Signal]
    /// From before it was killed until it was dead.
    let killed: Bracket

    /// The engine is still there, for whoever wants to tidy up.
    init(
        _ store: any TestStore, workload: DrillWorkload, every: Duration, timeout: Duration,
        in folder: TemporaryFolder, meanwhile: () throws -> Void = {}
    ) throws {
        let engine = try MeasuringEngine(
            [drillProbe(store.probe, every: every, timeout: timeout)], [workload], in: folder)
        self.engine = engine
        try engine.start()
        engine.startWorkloads()
        #expect(eventually { engine.snapshot().workloads[0].acknowledged >= 300 })
        engine.mark()
        let before = SystemTimekeeper().monotonic()
        store.kill()
        killed = Bracket(before, SystemTimekeeper().monotonic())
        let signals = { engine.observation().signals }
        #expect(eventually { signals().allSatisfy { $0.badSince != nil } })
        try store.start()
        #expect(eventually { signals().allSatisfy { $0.goodSince != nil } })
        try meanwhile()
        engine.stopWorkloads()
        ledger = engine.readBack(gap: .milliseconds(50), within: .seconds(120))[0]
        self.signals = engine.signals()
        // Refused connections are certainly not writes.
        #expect(ledger.entries.contains { $0.outcome == .fail })
        #expect(ledger.readBack?.isComplete == true, "\(ledger.readBack?.problems ?? [])")
    }

    var found: Set<EntryKey> { Set((ledger.readBack?.found ?? []).map(\.key)) }
}
