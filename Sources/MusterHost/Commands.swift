import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func query(_ argv: [String], deadline: Duration) throws -> CommandResult {
        var spawn = try command(argv)
        spawn.environment = Self.environment(["LC_ALL=C.UTF-8"])
        let end = monotonic() + deadline
        return try capture(spawn, until: end, started: { _ in }, kill: { $0.killSession() })
    }

    public func run(_ argv: [String], as id: InjectionID, deadline: Duration) throws -> CommandResult {
        let end = monotonic() + deadline
        commandsRun += 1
        let number = commandsRun
        let group = try port { () throws(SystemError) in try marks?.make(id, command: number) }
        defer { if let group { MarkGroups.remove(group) } }
        var spawn = try command(argv)
        spawn.environment = Self.environment(["LC_ALL=C.UTF-8", "\(Mark.variable)=\(id)"])
        spawn.cgroup = group
        spawn.isGated = true
        let kill = { (child: Child) in
            // Only this command: the mark may also be that of a lasting helper.
            if let group { MarkGroups.kill(group) }
            child.killSession()
        }
        return try capture(spawn, until: end, started: { try self.release($0, as: id) }, kill: kill)
    }

    public func restart(_ argv: [String], deadline: Duration) throws -> CommandResult {
        let end = monotonic() + deadline
        var spawn = try command(argv)
        spawn.environment = Self.environment([])
        // The service may keep these open for ever: a closed pipe would kill it at its next message, a sealed
        // file does not.
        let (output, errors) = try port { () throws(SystemError) in
            (try Descriptor.inMemory("output"), try Descriptor.inMemory("errors"))
        }
        spawn.output = .descriptor(output.number)
        spawn.errors = .descriptor(errors.number)
        return try port { () throws(SystemError) in
            let child = try spawn.start()
            var ending = try child.poll()
            while ending == nil, monotonic() < end {
                ending = try child.wait(until: min(end, monotonic() + .milliseconds(50)))
                for file in [output, errors] where try file.length() > 1 << 20 { try? file.sealWrites() }
            }
            if ending == nil {
                child.killSession()
                _ = try child.wait(for: .seconds(5))
            }
            let texts = try [output, errors].map { file throws(SystemError) in
                String(decoding: try file.read(at: 0, count: Capture.limit), as: UTF8.self)
            }
            for file in [output, errors] { try? file.sealWrites() }
            return CommandResult(ending: .init(ending), output: texts[0], errors: texts[1])
        }
    }

    private func command(_ argv: [String]) throws -> Spawn {
        var spawn = Spawn(.path(try program(of: argv)), argv)
        spawn.newSession = true
        spawn.directory = "/"
        return spawn
    }

    /// Runs a command to its end and keeps what it says.
    private func capture(
        _ spawn: Spawn, until deadline: Instant, started: (Child) throws -> Void, kill: (Child) -> Void
    ) throws -> CommandResult {
        var spawn = spawn
        let (capture, child) = try port { () throws(SystemError) in
            var capture = try Capture()
            (spawn.output, spawn.errors) = capture.streams
            let child = try spawn.start()
            capture.closeWriteEnds()
            return (capture, child)
        }
        var reading = capture
        try started(child)
        return try port { () throws(SystemError) in
            let ending = try reading.read(until: deadline, from: child)
            if ending == nil {
                kill(child)
                _ = try child.wait(for: .seconds(5))
                try reading.drain()
            }
            return CommandResult(ending: .init(ending), output: reading.texts[0], errors: reading.texts[1])
        }
    }

    /// Our environment with some variables replaced and no mark of an injection.
    static func environment(_ settings: [String]) -> [String] {
        let names = settings.map { $0.prefix { $0 != "=" } } + [Mark.variable[...]]
        return Mark.ownEnvironment().filter { !names.contains($0.prefix { $0 != "=" }) } + settings
    }
}

extension CommandResult.Ending {
    init(_ status: ExitStatus?) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signalled(let signal): self = .signalled(signal)
        case nil: self = .timedOut
        }
    }
}
