import Glibc
import MusterCore
import MusterSystem

/// What a fixture's supervisor was asked to do.
public struct SupervisorOptions: Sendable {
    public var id = ""
    public var name = ""
    public var socket = ""
    /// nil: an ended fixture stays down until somebody starts it.
    public var restart: Duration?
    public var stopWithin = Duration.seconds(3)
    public var log = "/dev/null"
    /// Its working directory; nil: ours.
    public var directory: String?
    public var environment: [String] = []
    public var argv: [String] = []
    public init() {}
}

/// Runs one fixture and nothing else: starts it, starts it again after the declared delay, answers on a socket,
/// and takes everything below it down when it goes.
public final class Supervisor {
    private let options: SupervisorOptions
    private let clock = SystemTimekeeper()
    private var child: Child?
    private var identity: ProcessIdentity?
    private var starts = 0
    private var restartAt: Instant?
    private var lastProblem: String?
    /// Whether somebody asked for it to be down.
    private var isHeldDown = false

    public init(_ options: SupervisorOptions) { self.options = options }

    /// Serves until SIGTERM.
    /// - Returns: an exit code.
    public func run() -> Int32 {
        do {
            try Signals.ignore(SIGPIPE, SIGHUP, SIGINT)
            try Signals.block([SIGTERM, SIGCHLD])
            let signals = try SignalDescriptor([SIGTERM, SIGCHLD])
            // What the fixture leaves behind becomes ours, and goes with us.
            try ThisProcess.becomeSubreaper()
            let listener = try UnixSocket.listen(at: options.socket)
            try listener.setNonblocking()
            start()
            while true {
                try waitFor(
                    [Interest(signals.descriptor.number, .readable), Interest(listener.number, .readable)],
                    until: restartAt)
                while let signal = try signals.next() {
                    guard signal == SIGTERM else { continue }
                    takeDown()
                    unlink(options.socket)
                    return 0
                }
                notice()
                while let connection = try UnixSocket.accept(from: listener) { serve(connection) }
                if let at = restartAt, clock.monotonic() >= at { start() }
            }
        } catch {
            Log.note("supervise \(options.name): \(words(error))")
            takeDown()
            unlink(options.socket)
            return 70
        }
    }

    private func start() {
        restartAt = nil
        guard child == nil else { return }
        // As systemd does: whatever the last one left behind would hold its ports, files and memory against the new one.
        endOrphans(within: .seconds(2))
        do {
            let log = try Descriptor(
                opening: options.log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
            guard let program = Self.find(options.argv[0]) else {
                throw SystemError("find \(options.argv[0])", code: ENOENT)
            }
            var spawn = Spawn(.path(program), options.argv)
            spawn.environment = Self.inherited(besides: options.environment)
            spawn.directory = options.directory
            spawn.output = .descriptor(log.number)
            spawn.errors = .descriptor(log.number)
            spawn.deathSignal = SIGKILL
            spawn.isGated = true
            let made = try spawn.start()
            // A group of its own inside our session, by which the guard knows it.
            setpgid(made.pid, made.pid)
            try made.release()
            child = made
            identity = try processIdentity(of: made.pid)
            starts += 1
            lastProblem = nil
        } catch {
            lastProblem = words(error)
            Log.note("fixture \(options.name): \(words(error))")
            scheduleRestart()
        }
    }

    /// Sees whether the fixture has ended, and waits for orphans that came to us.
    private func notice() {
        if let running = child, ((try? running.poll()) ?? nil) != nil {
            child = nil
            identity = nil
            if !isHeldDown { scheduleRestart() }
        }
        for pid in Self.children() where pid != child?.pid { waitpid(pid, nil, WNOHANG) }
    }

    private func scheduleRestart() {
        if let delay = options.restart { restartAt = clock.monotonic() + delay }
    }

    private func serve(_ connection: Descriptor) {
        let deadline = clock.monotonic() + .milliseconds(500)
        var request: [UInt8] = []
        while !request.contains(0x0A), request.count < 64 {
            guard let ready = try? waitFor([Interest(connection.number, .readable)], until: deadline),
                !ready[0].isEmpty, case .bytes(let bytes)? = try? connection.read(upTo: 64)
            else { return }
            request += bytes
        }
        let word = String(decoding: request.prefix { $0 != 0x0A }, as: UTF8.self)
        let answer: Value
        switch SupervisorRequest(rawValue: word) {
        case .start:
            isHeldDown = false
            start()
            answer = lastProblem.map { ["error": .text($0)] } ?? status
        case .stop:
            isHeldDown = true
            restartAt = nil
            stopFixture()
            answer = status
        case .status: answer = status
        case nil: answer = ["error": .text("unknown request '\(word)'; known are start, stop, status")]
        }
        _ = try? connection.write(some: Array((answer.canonicalJSON + "\n").utf8)[...])
    }

    private var status: Value {
        var map: [String: Value] = ["starts": .int(Int64(starts))]
        if let identity {
            map["pid"] = .int(Int64(identity.pid))
            map["startTicks"] = .int(Int64(identity.startTicks))
            map["bootID"] = .text(identity.bootID)
        }
        return .map(map)
    }

    private func stopFixture() {
        guard let running = child else { return }
        _ = kill(-running.pid, SIGTERM)
        _ = kill(-running.pid, SIGCONT)
        if ((try? running.wait(for: options.stopWithin)) ?? nil) == nil {
            _ = kill(-running.pid, SIGKILL)
            _ = try? running.wait(for: .seconds(5))
        }
        child = nil
        identity = nil
    }

    private func takeDown() {
        isHeldDown = true
        restartAt = nil
        stopFixture()
        endOrphans(within: .seconds(5))
    }

    /// Everything that descends from us besides the fixture, until nothing does.
    private func endOrphans(within limit: Duration) {
        let deadline = clock.monotonic() + limit
        while clock.monotonic() < deadline {
            let left = Self.children()
            if left.isEmpty { return }
            for pid in left {
                kill(pid, SIGKILL)
                waitpid(pid, nil, WNOHANG)
            }
            clock.sleep(for: .milliseconds(2))
        }
    }

    /// Our children, orphans that came to us included (proc(5), task/TID/children).
    private static func children() -> [Int32] {
        let text = (try? readSmallFile("/proc/self/task/\(getpid())/children")) ?? nil
        if let text { return text.split(separator: " ").compactMap { Int32($0) } }
        return []
    }

    private static func find(_ program: String) -> String? {
        if program.contains("/") { return program }
        let path = (environment("PATH") ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
        return path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func inherited(besides settings: [String]) -> [String] {
        var result: [String] = []
        var entry = Glibc.environ
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        let names = settings.map { $0.prefix { $0 != "=" } }
        return result.filter { !names.contains($0.prefix { $0 != "=" }) } + settings
    }
}
