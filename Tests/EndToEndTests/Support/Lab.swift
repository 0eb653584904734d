import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A project, a state directory, a lock and a store of outcomes of one test's own, around the real binaries.
/// Everything is gone afterwards; what runs ends also when the tests are killed.
final class Lab {
    let directory: String
    let clock = SystemTimekeeper()
    /// Runs everything as somebody else, from copies that this user may read.
    let user: UInt32?
    private var processes: [Child] = []
    private var number = 0

    var project: String { directory + "/project" }
    var state: String { directory + "/state" }
    /// Where the host's lock lies; two labs that are to meet share it.
    let runtime: String
    var outcomes: String { project + "/runbooks/outcomes.sqlite" }

    init(user: UInt32? = nil, meeting other: Lab? = nil) throws {
        var template = Array("/tmp/muster-e2e-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer {
            mkdtemp($0.baseAddress!).map { String(cString: $0) }
        }
        directory = try #require(made)
        self.user = user
        runtime = other?.runtime ?? directory + "/run"
        chmod(directory, 0o755)
        if other == nil {
            mkdir(runtime, 0o777)
            chmod(runtime, 0o777)
        }
        mkdir(state, 0o700)
        for folder in ["drills", "runbooks"] {
            try FileManager.default.createDirectory(
                atPath: "\(project)/\(folder)", withIntermediateDirectories: true)
            try Self.copy(Self.root + "/" + folder, to: "\(project)/\(folder)")
        }
        if let user {
            try FileManager.default.createDirectory(
                atPath: directory + "/bin", withIntermediateDirectories: true)
            for program in ["muster", "muster-guard", "muster-net", "sample-service"] {
                try FileManager.default.copyItem(
                    atPath: "\(Self.built)/\(program)", toPath: "\(directory)/bin/\(program)")
            }
            try Self.give(directory, to: user)
        }
        try Signals.ignore(SIGPIPE)
    }

    deinit {
        for process in processes {
            _ = try? process.kill(SIGCONT)
            _ = try? process.kill()
            _ = try? process.wait(for: .seconds(5))
        }
        // Whatever a failed test has left alive, some of which is starting something, and what it would leave on the
        // disk.
        for _ in 0..<100 {
            let left = leftovers()
            if left.isEmpty { break }
            for pid in left { kill(pid, SIGKILL) }
            clock.sleep(for: .milliseconds(20))
        }
        for run in runs() { try? FileManager.default.removeItem(atPath: scratch(of: run)) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The checkout that these tests belong to.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Where the programs under test were built: beside the test bundle.
    static let built: String = {
        let own = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""
        return (own as NSString).deletingLastPathComponent
    }()

    var binaries: String { user == nil ? Self.built : directory + "/bin" }

    // MARK: Files

    /// Without what runs have left there.
    private static func copy(_ from: String, to: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: from)
        where !name.hasPrefix("outcomes.sqlite") && name != "reports" {
            try FileManager.default.copyItem(atPath: "\(from)/\(name)", toPath: "\(to)/\(name)")
        }
    }

    private static func give(_ path: String, to user: UInt32) throws {
        chown(path, user, user)
        for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }) ?? [] {
            lchown("\(path)/\(name)", user, user)
        }
    }

    @discardableResult
    func write(_ text: String, to path: String) throws -> String {
        let full = path.hasPrefix("/") ? path : "\(project)/\(path)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: full))
        if let user { chown(full, user, user) }
        return path
    }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path.hasPrefix("/") ? path : "\(project)/\(path)")
    }

    func read(_ path: String) throws -> String {
        try String(contentsOfFile: path.hasPrefix("/") ? path : "\(project)/\(path)", encoding: .utf8)
    }

    // MARK: Programs

    struct Answer {
        var code: Int32?
        var output: String
        var errors: String

        /// Both, for a failed expectation.
        var all: String { "exit \(code.map(String.init) ?? "by signal")\n\(output)\n\(errors)" }

        /// - Throws: when standard output is not JSON.
        func json() throws -> Value { try JSONDecoder().decode(Value.self, from: Data(output.utf8)) }
    }

    /// Starts `muster`.
    /// - Parameters:
    ///   - environment: beside the lab's own; an empty value unsets.
    ///   - end: takes its output and its errors, instead of the lab.
    func start(
        _ arguments: [String], environment: [String: String] = [:], into end: Descriptor? = nil
    ) throws -> Running {
        try start(program: "\(binaries)/muster", arguments, environment: environment, into: end)
    }

    func start(
        program: String, _ arguments: [String], environment: [String: String] = [:],
        into end: Descriptor? = nil
    ) throws -> Running {
        number += 1
        let output = "\(directory)/out.\(number)"
        let errors = "\(directory)/err.\(number)"
        let flags = O_RDWR | O_CREAT | O_TRUNC
        let outputFile = try Descriptor(opening: output, flags, mode: 0o666)
        let errorsFile = try Descriptor(opening: errors, flags, mode: 0o666)
        var argv = [program] + arguments
        if let user {
            // Who becomes somebody else loses the signal (prctl(2)).
            argv =
                [
                    "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups",
                    "--pdeathsig", "KILL",
                ] + argv
        }
        var spawn = Spawn(argv)
        // Tests that are killed take it along, and it, as it should, all that it started. A test stays on the thread on
        // which this is called, and is over when that ends.
        spawn.deathSignal = SIGKILL
        var variables = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory,
            "MUSTER_STATE": state, "MUSTER_RUNTIME": runtime, "LANG": "C.UTF-8",
        ]
        variables.merge(environment) { _, new in new }
        spawn.environment = variables.filter { !$0.value.isEmpty }.map { "\($0.key)=\($0.value)" }
        spawn.directory = project
        spawn.output = .descriptor((end ?? outputFile).number)
        spawn.errors = .descriptor((end ?? errorsFile).number)
        spawn.newSession = true
        let child = try spawn.start()
        processes.append(child)
        return Running(lab: self, child: child, output: output, errors: errors)
    }

    /// Runs `muster` to its end.
    func muster(
        _ arguments: String..., environment: [String: String] = [:], within limit: Duration = .seconds(60)
    ) throws -> Answer {
        try start(arguments, environment: environment).end(within: limit)
    }

    /// A run that counts: a machine that stood still for a moment makes a run inconclusive, and it says so. Then
    /// once more.
    func judged(_ arguments: String...) throws -> Answer {
        let first = try start(arguments).end(within: .seconds(90))
        guard first.code == 3, first.output.contains("the instrument is suspect") else { return first }
        try shell("rm -rf runbooks/outcomes.sqlite* runbooks/reports")
        return try start(arguments).end(within: .seconds(90))
    }

    /// `muster` with `--json`, and what it printed.
    func json(_ arguments: String...) throws -> Value {
        let answer = try start(arguments + ["--json"]).end(within: .seconds(30))
        return try answer.json()
    }

    /// A shell command; its output without the last line's end.
    @discardableResult
    func shell(_ command: String) throws -> String {
        let answer = try start(program: "/bin/bash", ["-c", command]).end(within: .seconds(30))
        #expect(answer.code == 0, "\(command): \(answer.all)")
        return answer.output.trimmingCharacters(in: .newlines)
    }
}

/// A program that runs.
struct Running {
    unowned let lab: Lab
    let child: Child
    let output: String
    let errors: String

    var pid: Int32 { child.pid }
    var said: String { (try? lab.read(output)) ?? "" }

    /// Waits for its end; one that does not come fails the test, and is killed.
    func end(within limit: Duration = .seconds(60)) throws -> Lab.Answer {
        let ending = try child.wait(for: limit)
        if ending == nil {
            Issue.record("it still runs after \(limit.forPeople): \(said)")
            try child.kill()
        }
        var code: Int32?
        if case .exited(let number)? = ending { code = number }
        return Lab.Answer(code: code, output: said, errors: (try? lab.read(errors)) ?? "")
    }

    /// Waits until it has printed something; live events come one to a line.
    func waits(for text: String, within limit: Duration = .seconds(20)) throws {
        let seen = lab.eventually(within: limit) { said.contains(text) }
        let errors = (try? lab.read(errors)) ?? ""
        try #require(seen != nil, "it never said '\(text)': \(said)\(errors)")
    }

    /// Its guard, found by its parent.
    func guardProcess() throws -> Int32 {
        try #require(lab.child(of: pid, named: "guard"), "no guard below \(pid)")
    }
}
