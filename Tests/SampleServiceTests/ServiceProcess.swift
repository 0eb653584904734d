import Foundation
import FoundationNetworking
import Synchronization
import Testing

/// A real sample-service with a data directory and a port of its own; ends with the test, also when that is killed.
final class ServiceProcess: Sendable {
    let base: URL
    private let process: Process
    private let isOver = DispatchSemaphore(value: 0)
    /// One session a service: connections to a killed one are never reused for the next.
    private let session = URLSession(configuration: .ephemeral)

    init(data: URL, arguments: [String] = []) throws {
        let output = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments =
            ["--pdeathsig", "KILL", try Self.binary().path, "--port", "0", "--data", data.path] + arguments
        process.standardOutput = output
        try Self.start(process, until: isOver)
        // The first line is printed once it listens; the end of the pipe means that it does not.
        var line = Data()
        while line.last != UInt8(ascii: "\n"), let byte = try output.fileHandleForReading.read(upToCount: 1) {
            line += byte
        }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        guard let found = words.dropFirst(2).first.flatMap({ URL(string: String($0)) }) else {
            kill(process.processIdentifier, SIGKILL)
            isOver.signal()
            throw NotStarted(said: String(decoding: line, as: UTF8.self))
        }
        base = found
    }

    private struct NotStarted: Error { var said: String }

    /// The signal comes when the thread that started it ends (prctl(2)), and those of Swift's pool come and go: it has
    /// one of its own, which waits for `isOver`.
    private static func start(_ process: Process, until isOver: DispatchSemaphore) throws {
        let hasTried = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var trouble: (any Error)?
        Thread.detachNewThread {
            do {
                try process.run()
                hasTried.signal()
                isOver.wait()
            } catch {
                trouble = error
                hasTried.signal()
            }
        }
        hasTried.wait()
        if let trouble { throw trouble }
    }

    var identifier: Int32 { process.processIdentifier }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        isOver.signal()
    }

    /// - Returns: the exit code, or minus the signal that ended it.
    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    func request(
        _ method: String, _ path: String, body: Data? = nil
    ) async throws -> (status: Int, body: String, headers: [AnyHashable: Any]) {
        var request = URLRequest(url: try #require(URL(string: base.absoluteString + path)))
        request.httpMethod = method
        request.httpBody = body
        request.timeoutInterval = 60
        let (data, response) = try await session.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        return (answer.statusCode, String(decoding: data, as: UTF8.self), answer.allHeaderFields)
    }

    func put(_ key: String, _ value: String) async throws -> Int {
        try await request("PUT", "/kv/\(key)", body: Data(value.utf8)).status
    }

    func get(_ key: String) async throws -> String? {
        let answer = try await request("GET", "/kv/\(key)")
        return answer.status == 200 ? answer.body : nil
    }

    /// The binary that this build made stands beside the test bundle, however that was started.
    static func binary() throws -> URL {
        let places = [CommandLine.arguments[0], "/proc/self/exe"] + CommandLine.arguments
        let found = places.lazy
            .map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent() }
            .map { $0.appendingPathComponent("sample-service") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        return try #require(found, "sample-service is not beside the test bundle; run: swift build")
    }
}

/// A fresh directory, removed afterwards.
func withDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("sample service \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}

/// Runs sample-service to its end.
func runToEnd(_ arguments: [String]) throws -> (status: Int32, errors: String) {
    let process = Process()
    let errors = Pipe()
    process.executableURL = try ServiceProcess.binary()
    process.arguments = arguments
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}
