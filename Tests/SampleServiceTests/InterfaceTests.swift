import Foundation
import Testing

@Suite struct InterfaceTests {
    @Test func storesReadsAndDeletes() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory)
            #expect(try await service.get("a") == nil)
            #expect(try await service.put("a", "1") == 204)
            #expect(try await service.put("a", "2") == 204)
            #expect(try await service.get("a") == "2")
            #expect(try await service.request("DELETE", "/kv/a").status == 204)
            let gone = try await service.request("DELETE", "/kv/a")
            #expect(gone.status == 404)
            #expect(gone.body == #"{"error":"no such key: a"}"#)
            let health = try await service.request("GET", "/health")
            #expect(health.status == 200)
            #expect(health.body.contains(#""ok":true"#))
            let metrics = try await service.request("GET", "/metrics")
            #expect(metrics.status == 200 && metrics.body.hasSuffix("\nsample_service_up 1\n"))
        }
    }

    @Test(arguments: [[], ["--write-behind", "1000s"]])
    func listsKeysByPrefixInPages(arguments: [String]) async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory, arguments: arguments)
            for key in ["b%2F1", "b%2F2", "b%2F3", "a%25x", "B%2F1"] { _ = try await service.put(key, "v") }
            let first = try await service.request("GET", "/kv?prefix=b%2F&limit=2")
            #expect(first.body == #"{"keys":["b/1","b/2"],"next":"b/2"}"#)
            let second = try await service.request("GET", "/kv?prefix=b%2F&limit=2&after=b%2F2")
            #expect(second.body == #"{"keys":["b/3"],"next":null}"#)
            let percent = try await service.request("GET", "/kv?prefix=a%25")
            #expect(percent.body == #"{"keys":["a%x"],"next":null}"#)
            _ = try await service.request("DELETE", "/kv/b%2F1")
            let left = try await service.request("GET", "/kv")
            #expect(left.body == #"{"keys":["B/1","a%x","b/2","b/3"],"next":null}"#)
        }
    }

    @Test func answersBadRequestsWithAReason() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory)
            let table: [(method: String, path: String, body: Data?, status: Int, reason: String)] = [
                ("GET", "/nowhere", nil, 404, "no such path: /nowhere"),
                ("POST", "/kv/a", nil, 405, "POST is not possible here"),
                ("PUT", "/kv", Data("x".utf8), 405, "PUT is not possible here"),
                ("DELETE", "/health", nil, 405, "DELETE is not possible here"),
                ("PUT", "/kv/", Data("x".utf8), 400, "the key has 0 bytes"),
                ("PUT", "/kv/%FF", Data("x".utf8), 400, "not percent-encoded UTF-8"),
                ("PUT", "/kv/a%00b", Data("x".utf8), 400, "control character"),
                (
                    "PUT", "/kv/" + String(repeating: "k", count: 513), Data("x".utf8), 400,
                    "the key has 513 bytes"
                ),
                ("PUT", "/kv/big", Data(count: (1 << 20) + 1), 413, "larger than 1048576 bytes"),
                ("GET", "/kv?limit=0", nil, 400, "limit is 0"),
                ("GET", "/kv?limit=many", nil, 400, "limit is many"),
                ("GET", "/kv?prefx=a", nil, 400, "unknown parameter prefx"),
            ]
            for row in table {
                let answer = try await service.request(row.method, row.path, body: row.body)
                #expect(answer.status == row.status, "\(row.method) \(row.path)")
                #expect(answer.body.contains(row.reason), "\(row.method) \(row.path): \(answer.body)")
            }
            #expect(try await service.request("PUT", "/kv/big", body: Data(count: 1 << 20)).status == 204)
            #expect(try await service.request("GET", "/kv/big").body.utf8.count == 1 << 20)
            #expect(try await service.put(String(repeating: "k", count: 512), "x") == 204)
        }
    }

    @Test func servesManyWritersAtOnce() async throws {
        try await withDirectory { directory in
            let service = try ServiceProcess(data: directory)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<300 {
                    group.addTask { try await service.put("k\(number % 100)", "\(number)") }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [204: 300])
            for key in 0..<100 {
                let value = try #require(try await service.get("k\(key)").flatMap(Int.init))
                #expect(value % 100 == key, "a value that was written for this key")
            }
        }
    }

    /// Or every test that is cut off would leave one behind.
    @Test func endsWithTestsThatAreKilled() async throws {
        try await withDirectory { directory in
            let path = directory.path
            let ended = await #expect(
                processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
            ) { [path = path as String] in
                let service = try ServiceProcess(data: URL(fileURLWithPath: path))
                // Long enough for threads of the pool that have nothing to do to end.
                try await Task.sleep(for: .seconds(7))
                #expect(try await service.put("a", "b") == 204)
                try FileHandle.standardOutput.write(contentsOf: Data("pid \(service.identifier).\n".utf8))
                withExtendedLifetime(service) { _ = kill(getpid(), SIGKILL) }
            }
            let said = String(decoding: ended?.standardOutputContent ?? [], as: UTF8.self)
            let pid = try #require(said.firstMatch(of: /pid (\d+)\./)?.1, "\(said)")
            func runs() -> Bool {
                let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
                return line?.contains(path) ?? false
            }
            let deadline = ContinuousClock.now + .seconds(60)
            while runs(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
            #expect(!runs())
        }
    }

    @Test func refusesATakenPort() async throws {
        try await withDirectory { directory in
            let first = try ServiceProcess(data: directory.appendingPathComponent("first"))
            let port = try #require(first.base.port)
            let second = try runToEnd(["--port", "\(port)", "--data", directory.path + "/second"])
            #expect(second.status == 1)
            #expect(second.errors.contains("port \(port) on 127.0.0.1 is taken by another process"))
        }
    }

    @Test func refusesADirectoryInUse() async throws {
        try await withDirectory { directory in
            let first = try ServiceProcess(data: directory)
            let second = try runToEnd(["--port", "0", "--data", directory.path])
            #expect(second.status == 1)
            #expect(second.errors.contains("another sample-service uses it"))
            #expect(first.end(SIGKILL) == -SIGKILL)
            // A killed one leaves no lock behind.
            let third = try ServiceProcess(data: directory)
            #expect(third.end(SIGTERM) == 0)
        }
    }

    @Test(arguments: [
        ["--write-behind", "500"], ["--write-behind", "0ms"], ["--write-behind", "fast"],
        ["--host", "nowhere"],
    ])
    func refusesBadArguments(arguments: [String]) async throws {
        try await withDirectory { directory in
            let result = try runToEnd(["--port", "0", "--data", directory.path] + arguments)
            #expect(result.status != 0)
            #expect(result.errors.contains(arguments[1]))
        }
    }
}
