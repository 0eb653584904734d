import Foundation

@testable import MusterProxy

/// The program itself, ended by the test.
final class NetProgram: @unchecked Sendable {
    private let process = Process()
    private let output = Pipe()
    /// Its standard error, when somebody is to read it, or nobody.
    let errors: Pipe?
    private(set) var port = 0

    /// - Parameters:
    ///   - descriptors: how many it may have open.
    ///   - through: a program, with its arguments, that becomes it.
    ///   - keepsErrors: its standard error is a pipe that nobody reads.
    static func start(
        _ arguments: [String] = ["--drain", "0s"], descriptors: Int? = nil, through: [String] = [],
        keepsErrors: Bool = false
    ) async throws -> NetProgram {
        let program = NetProgram(keepsErrors: keepsErrors)
        try await blocking { try program.run(arguments, descriptors, through) }
        return program
    }

    private init(keepsErrors: Bool) { errors = keepsErrors ? Pipe() : nil }

    /// One that did not come up, too.
    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    private func run(_ more: [String], _ descriptors: Int?, _ through: [String]) throws {
        let arguments = ["proxy", "--listen", "127.0.0.1:0", "--deadline", "10m"] + more
        if let descriptors {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments =
                ["-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\"", ProgramTests.binary.path] + arguments
        } else if !through.isEmpty {
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = through + [ProgramTests.binary.path] + arguments
        } else {
            process.executableURL = ProgramTests.binary
            process.arguments = arguments
        }
        process.standardOutput = output
        process.standardError = errors.map { $0 as Any } ?? FileHandle.nullDevice
        try process.run()
        var said = ""
        while !said.contains("\n"), let more = try output.fileHandleForReading.read(upToCount: 1),
            !more.isEmpty
        {
            said += String(decoding: more, as: UTF8.self)
        }
        guard let found = said.firstMatch(of: /listens on [0-9.]+:(\d+)/), let port = Int(found.1) else {
            throw Wire.Trouble(description: "muster-net said: \(said)")
        }
        self.port = port
    }

    func ask(_ method: String, _ path: String, _ body: String? = nil) async throws -> Reply {
        try await blocking {
            let wire = try Wire(self.port)
            try wire.send(method, path, body)
            return try wire.reply()
        }
    }

    /// Makes a proxy.
    /// - Parameter toxics: a JSON array.
    /// - Returns: where it listens.
    func proxy(to upstream: String, toxics: String = "[]") async throws -> String {
        let made = try await ask(
            "POST", "/proxies",
            #"{"name":"p","listen":"127.0.0.1:0","upstream":"\#(upstream)","toxics":\#(toxics)}"#)
        guard made.status == 201, let listen = made.body.firstMatch(of: /"listen":"([0-9.:]+)"/) else {
            throw Wire.Trouble(description: made.body)
        }
        return String(listen.1)
    }

    /// How many it has open.
    func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count
    }

    /// Ticks of the processor that it has used (proc(5)).
    func processorTicks() throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    var isRunning: Bool { process.isRunning }

    /// Waits for its end.
    /// - Returns: its exit code; nil: it was still running after that time.
    func end(within seconds: Int = 30) async throws -> Int32? {
        guard await eventually(within: seconds, { !process.isRunning }) else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }
}
