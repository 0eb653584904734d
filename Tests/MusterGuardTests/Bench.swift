import Glibc
import MusterCore
import MusterSystem
import Synchronization
import Testing

@testable import MusterGuard

/// A state directory, a lock and things to break, of one test's own; everything is gone afterwards.
final class Bench {
    let directory: String
    let clock = SystemTimekeeper()
    private var processes: [Child] = []
    private var number = 0
    /// Runs the guard as somebody else.
    var user: UInt32?

    var state: String { directory + "/state" }
    var runtime: String { directory + "/run" }

    init() throws {
        var template = Array("/tmp/muster-guard-XXXXXX".utf8CString)
        directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        mkdir(runtime, 0o777)
        chmod(runtime, 0o777)
        try Signals.ignore(SIGPIPE)
    }

    deinit {
        for process in processes {
            _ = try? process.kill()
            _ = try? process.wait(for: .seconds(60))
        }
        // Whatever a failed test has left alive.
        for pid in leftovers() { kill(pid, SIGKILL) }
        system("umount \(directory)/mount 2>/dev/null; rm -rf \(directory)")
    }

    /// The binary under test, built next to the test bundle.
    static let executable: String = {
        let own = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""
        return own.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/muster-guard"
    }()

    func spawn(_ arguments: [String]) -> Spawn {
        var argv = [Self.executable] + arguments
        if let user {
            // Who becomes somebody else loses the signal (prctl(2)).
            argv =
                [
                    "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups",
                    "--pdeathsig", "KILL",
                ] + argv
        }
        var spawn = Spawn(argv)
        // When the tests are killed; a test stays on the thread on which this is called.
        spawn.deathSignal = SIGKILL
        spawn.environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(directory)", "MUSTER_STATE=\(state)",
            "MUSTER_RUNTIME=\(runtime)",
        ]
        spawn.newSession = true
        return spawn
    }

    /// A guard with a connection that can be cut: both directions at once, as when an engine is killed.
    func start(
        lease: Duration = .seconds(120), renewing: Bool = true,
        onEvent: @escaping GuardClient.EventHandler = { _ in },
        onLoss: @escaping GuardClient.LossHandler = { _ in }
    ) throws -> Session {
        let (child, socket) = try startRaw(lease: lease)
        let client = try GuardClient(
            reading: socket.number, writing: socket.number, nonce: "test", renewing: renewing,
            onEvent: onEvent, onLoss: onLoss)
        return Session(process: child, client: client, socket: socket)
    }

    func startRaw(lease: Duration) throws -> (Child, Descriptor) {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let ours = Descriptor(adopting: ends[0])
        let theirs = Descriptor(adopting: ends[1])
        var spawn = spawn(["guard", "--nonce", "test", "--lease", lease.unitsText, "--run", "run-1"])
        spawn.input = .descriptor(theirs.number)
        spawn.output = .descriptor(theirs.number)
        let child = try spawn.start()
        processes.append(child)
        return (child, ours)
    }

    /// Runs a command of the guard's to its end.
    func run(_ arguments: [String]) throws -> (code: Int32, output: String) {
        let path = directory + "/output"
        let file = try Descriptor(opening: path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o666)
        var spawn = spawn(arguments)
        spawn.output = .descriptor(file.number)
        spawn.errors = .descriptor(file.number)
        let child = try spawn.start()
        processes.append(child)
        let ending = try child.wait(for: .seconds(90))
        let text = try readSmallFile(path) ?? ""
        guard case .exited(let code) = ending else { return (-1, text + " \(String(describing: ending))") }
        return (code, text)
    }

    // MARK: Things to break

    /// A process of ours that can be paused.
    func sleeper() throws -> Child {
        var spawn = Spawn(["/bin/sleep", "1000"])
        spawn.deathSignal = SIGKILL
        let child = try spawn.start()
        processes.append(child)
        return child
    }

    func pause(_ process: Child, tag: String) throws -> InjectionWish {
        let file = directory + "/\(process.pid).pid"
        try Descriptor(opening: file, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).write(
            Array("\(process.pid)".utf8))
        return wish(
            "process-pause", tag: tag, parameters: [:], target: Target(.process(.pidFile(file))))
    }

    func wish(_ fault: String, tag: String, parameters: Value, target: Target) -> InjectionWish {
        number += 1
        let digits = String(number)
        let ulid = String(repeating: "0", count: 26 - digits.count) + digits
        let id = InjectionID("\(tag)-\(ulid)")!
        return InjectionWish(
            id: id, run: "run-1", name: "\(fault)-\(number)", fault: fault, parameters: parameters,
            target: target.value)
    }

    // MARK: Looking

    /// Processes of this test's guards: they all name its directory or run in its environment.
    func leftovers() -> [Int32] {
        guard let stream = opendir("/proc") else { return [] }
        defer { closedir(stream) }
        var found: [Int32] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int32(name), pid != getpid(), let stat = try? ProcessStat.read(pid),
                !stat.isZombie,
                let environment = (try? readSmallFile("/proc/\(pid)/environ")) ?? nil,
                environment.contains("MUSTER_STATE=\(state)\0")
            else { continue }
            found.append(pid)
        }
        return found
    }

    func leftoversInWords() -> String {
        leftovers().map { pid in
            let line = (try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil
            return "\(pid) \(line ?? "")".replacing("\0", with: " ")
        }.joined(separator: "; ")
    }

    /// Waits until something is so.
    /// - Returns: how long it took; nil when it did not come true in time.
    @discardableResult
    func eventually(within limit: Duration = .seconds(60), _ condition: () throws -> Bool) rethrows
        -> Duration?
    {
        let start = clock.monotonic()
        while true {
            if try condition() { return clock.monotonic() - start }
            if clock.monotonic() - start > limit { return nil }
            clock.sleep(for: .milliseconds(2))
        }
    }

    /// What must be true after every test: nothing runs, nothing is open.
    func expectNothingLeft(_ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let gone = eventually { leftovers().isEmpty }
        #expect(gone != nil, "left: \(leftoversInWords())", sourceLocation: sourceLocation)
        let list = try run(["list", "--json"])
        #expect(list.output == "[]\n", comment, sourceLocation: sourceLocation)
    }
}

/// One guard and the engine's end of it.
struct Session {
    let process: Child
    let client: GuardClient
    let socket: Descriptor

    /// As when the engine is killed: the guard's input ends and its output is broken.
    func cut() {
        client.shared.end()
        shutdown(socket.number, Int32(SHUT_RDWR))
    }

    /// As when the engine is stopped: nothing is renewed, nothing ends.
    func stopRenewing() { client.shared.end() }

    func child(_ role: String) -> Int32? {
        let text = (try? readSmallFile("/proc/\(process.pid)/task/\(process.pid)/children")) ?? nil
        return (text ?? "").split(separator: " ").compactMap { Int32($0) }.first { pid in
            let line = (try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil
            return (line ?? "").split(separator: "\0").dropFirst().first.map { $0 == role } ?? false
        }
    }
}

func isStopped(_ process: Child) -> Bool { isProcessStopped(process.pid) }

/// Collects what a handler is told on another thread.
final class Box<Element: Sendable>: Sendable {
    private let content = Mutex<[Element]>([])
    func add(_ element: Element) { content.withLock { $0.append(element) } }
    var all: [Element] { content.withLock { $0 } }
}
