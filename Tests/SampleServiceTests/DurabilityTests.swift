import Foundation
import GRDB
import Synchronization
import Testing

@Suite struct DurabilityTests {
    @Test func everyAcknowledgedWriteSurvivesSIGKILL() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory)
            let acknowledged = Acknowledged()
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        var number = 0
                        // Until the service is gone: writes are in flight at the moment of the kill.
                        while (try? await service.put("w\(writer)-\(number)", "value \(number)")) == 204 {
                            let count = acknowledged.add("w\(writer)-\(number)", "value \(number)")
                            if count == 200 { service.end(SIGKILL) }
                            number += 1
                        }
                    }
                }
            }
            let written = acknowledged.all
            #expect(written.count >= 200)
            let again = try ServiceProcess(data: directory)
            for (key, value) in written {
                let found = try await again.get(key)
                #expect(found == value, "\(key) was acknowledged")
            }
            #expect(try stored(in: directory).count - written.count <= 4, "at most one in flight per writer")
        }
    }

    @Test func writeBehindLosesWhatWasOnlyInMemory() async throws {
        try await withDirectory { directory in
            // The interval is longer than the test, so that nothing is stored by itself.
            let service = try ServiceProcess(data: directory, arguments: ["--write-behind", "1000s"])
            #expect(try await service.put("a", "1") == 204)
            #expect(
                try await service.get("a") == "1", "an acknowledged write is readable before it is stored")
            #expect(service.end(SIGKILL) == -SIGKILL)
            let again = try ServiceProcess(data: directory)
            #expect(try await again.get("a") == nil)
        }
    }

    @Test func writeBehindStoresAfterItsInterval() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory, arguments: ["--write-behind", "20ms"])
            #expect(try await service.put("a", "1") == 204)
            try await until("the write is in the file") { try stored(in: directory) == ["a": "1"] }
            #expect(try await service.request("DELETE", "/kv/a").status == 204)
            try await until("the deletion is in the file") { try stored(in: directory).isEmpty }
            service.end(SIGKILL)
        }
    }

    @Test(arguments: [[], ["--write-behind", "1000s"]])
    func stopsGracefullyWithEverythingStored(arguments: [String]) async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory, arguments: arguments)
            #expect(try await service.put("a", "1") == 204)
            let began = ContinuousClock.now
            #expect(service.end(SIGTERM) == 0)
            print("SIGTERM: stored and stopped in \(ContinuousClock.now - began)")
            #expect(try stored(in: directory) == ["a": "1"])
        }
    }

    @Test func eachCommitReachesTheLog() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory)
            #expect(try await service.put("a", "1") == 204)
            // Counted by the kernel: the bytes that this process caused to be sent to the disk (proc(5)).
            let before = try bytesWritten(by: service.identifier)
            for number in 0..<20 { _ = try await service.put("k\(number)", "v") }
            let after = try bytesWritten(by: service.identifier)
            #expect(after - before >= 20 * 4096, "each commit appends at least one page to the log")
            #expect(FileManager.default.fileExists(atPath: directory.path + "/kv.sqlite-wal"))
        }
    }

    private func bytesWritten(by process: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process)/io", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("wchar: ") })
        return try #require(Int(line.dropFirst(7)))
    }

    private func stored(in directory: URL) throws -> [String: String] {
        let database = try DatabaseQueue(path: directory.path + "/kv.sqlite")
        return try database.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT key, value FROM kv")
            return Dictionary(
                uniqueKeysWithValues: rows.map {
                    ($0["key"], String(decoding: $0["value"] as Data, as: UTF8.self))
                })
        }
    }

    private func until(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("not within 60 s: \(what)")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// What the service said it has.
private final class Acknowledged: Sendable {
    private let writes = Mutex<[String: String]>([:])

    var all: [String: String] { writes.withLock { $0 } }

    func add(_ key: String, _ value: String) -> Int {
        writes.withLock {
            $0[key] = value
            return $0.count
        }
    }
}
