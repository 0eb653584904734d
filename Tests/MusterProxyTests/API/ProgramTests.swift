import Foundation
import Testing

/// `muster-net proxy` as a process, and clients that other people wrote.
struct ProgramTests {
    static let binary: URL = {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<5 {
            let candidate = folder.appending(path: "muster-net")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder.deleteLastPathComponent()
        }
        return URL(filePath: ".build/debug/muster-net")
    }()

    struct Ended: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs a program to its end.
    static func run(_ program: URL, _ arguments: [String], _ environment: [String: String] = [:]) async throws
        -> Ended
    {
        try await offThePool {
            let process = Process()
            process.executableURL = program
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            let output = Pipe()
            let errors = Pipe()
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            let said = output.fileHandleForReading.readDataToEndOfFile()
            let complained = errors.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return Ended(
                status: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
                errors: String(decoding: complained, as: UTF8.self))
        }
    }

    @Test(.timeLimit(.minutes(2))) func endsByItselfAtItsDeadline() async throws {
        let end = try await Self.run(
            Self.binary,
            ["proxy", "-port", "0", "-seed", "5", "-runtime-metrics=true", "--deadline", "300ms"])
        #expect(end.status == 0)
        #expect(end.output.contains("the API listens on 127.0.0.1:"))
        #expect(end.output.contains("(seed 5)"))
        #expect(end.errors.contains("deadline: toxics are removed"))
    }

    @Test(.timeLimit(.minutes(2))) func saysWhatIsWrongAndStartsNothing() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "muster-net-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "c.json")
        func config(_ text: String) async throws -> Ended {
            try Data(text.utf8).write(to: file)
            return try await Self.run(Self.binary, ["proxy", "-port", "0", "-config", file.path])
        }
        let malformed = try await config("[\n{\"name\": \"a\",\n \"upstream\": }]")
        #expect(malformed.status == 2)
        #expect(malformed.errors.contains("c.json:3: invalid character '}' looking for beginning of value"))
        for (text, words) in [
            ("null", "expected an array, not null"), ("[]\nx", "c.json:2: more stands behind the array"),
            (#"[{"name":"a","upstream":"u:1"},{"name":"a","upstream":"u:2"}]"#, "two proxies are called 'a'"),
            (
                #"[{"name":"a","listen":"h:99999","upstream":"u:1"}]"#,
                "proxy 'a': listen tcp: address 99999: invalid port"
            ),
            (#"[{"name":"a","upstream":"u"}]"#, "proxy 'a': upstream: address u: missing port in address"),
        ] {
            let refused = try await config(text)
            #expect(refused.status == 2, "\(text): \(refused.errors)")
            #expect(refused.errors.contains(words), "\(text): \(refused.errors)")
        }
        let port = try FreePort.next()
        let taken = try await config(
            #"[{"name":"a","listen":"127.0.0.1:\#(port)","upstream":"u:1"},{"name":"b","listen":"127.0.0.1:\#(port)","upstream":"u:1"}]"#
        )
        #expect(taken.status == 7)
        #expect(
            taken.errors.contains("proxy 'b': listen tcp 127.0.0.1:\(port): bind: address already in use"))
        #expect(try await Self.run(Self.binary, ["proxy", "-config", "/nowhere.json"]).status == 2)
        #expect(try await Self.run(Self.binary, ["proxy", "--deadline", "soon"]).status == 2)
        let api = try await APIUnderTest()
        let busy = try await Self.run(Self.binary, ["proxy", "-port", "\(api.port)"])
        #expect(busy.status == 7)
        #expect(busy.errors.contains("another program has that port"))
        await api.stop()
    }

    /// Where scripts/setup puts Python packages for tests.
    static let python = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/python/bin/python3")

    @Test(
        .timeLimit(.minutes(3)),
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: ProgramTests.python.path),
            "needs the Python packages that `scripts/setup python` installs"))
    func worksWithThePythonClients() async throws {
        let api = try await APIUnderTest()
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/clients.py")
        let end = try await Self.run(Self.python, [script.path, "\(api.port)"])
        #expect(end.status == 0, "\(end.errors)")
        #expect(
            end.output.contains("toxiproxy-python: well")
                && end.output.contains("chaostoolkit-toxiproxy: well"))
        await api.stop()
    }
}
