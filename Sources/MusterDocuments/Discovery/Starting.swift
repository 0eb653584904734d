import MusterCore

extension StartCommand {
    /// Rebuilds how a service was started. A program that has rewritten its title, or whose arguments look as if they
    /// held a secret, tells nothing.
    static func rebuilt(
        for service: FoundService, _ main: ProcessStatus, on host: any HostReader
    ) -> StartCommand? {
        let place = (try? host.resolve("/proc/\(main.identity.pid)/cwd")) ?? nil
        guard let main = main.calledWithin(place, service.kind, on: host) else { return nil }
        let pid = main.identity.pid
        let program = (try? host.resolve("/proc/\(pid)/exe")) ?? nil
        switch service.kind {
        case .redis, .sentinel:
            guard case .redis(let info)? = service.answer, let file = info["config_file"],
                file.hasPrefix("/"), let place,
                let own = redisProgram(info, main, host)
            else { return nil }
            // It goes to its data, which `dir ./` of its configuration does not lead to from elsewhere.
            let argv =
                [own, file, "--daemonize", "yes"]
                + (service.kind == .sentinel ? ["--sentinel"] : ["--dir", place])
            return StartCommand(
                asUser(argv, of: main, host), doubts: "settings that were given beside its configuration file"
            )
        case .postgresql:
            if let cluster = service.cluster {
                let parts = cluster.split(separator: "/").map(String.init)
                return StartCommand(
                    ["pg_ctlcluster"] + parts + ["start"], doubts: "nothing that its files do not say")
            }
            return program.flatMap { postgresql(service, main, program: $0, on: host) }
        default: break
        }
        let arguments = arguments(of: main, service.kind)
        // Erlang's runtime does not start without what a script puts into its environment.
        guard let program, !program.hasSuffix("/beam.smp"), isUntouched(arguments), !looksSecret(arguments),
            let directory = (try? host.resolve("/proc/\(pid)/cwd")) ?? nil
        else { return nil }
        let called = arguments[0]
        let found: String? =
            called.hasPrefix("/")
            ? called : called.contains("/") ? Optional("\(directory)/\(called)") : host.tool(called)
        let whole = [script(service.kind, arguments, host) ?? found ?? program] + arguments.dropFirst()
        let argv = becomesUserItself(service.kind, arguments) ? whole : asUser(whole, of: main, host)
        let stale = service.kind == .apache ? pidFile(of: service) : nil
        let parts = [
            "cd \(shellQuoted(directory)) &&",
            stale.map { "{ ! \(isZombie($0)) || rm -f \(shellQuoted($0)); } &&" },
            "exec setsid -f \(argv.map(shellQuoted).joined(separator: " ")) </dev/null >/dev/null 2>&1",
        ]
        return StartCommand(
            ["sh", "-c", parts.compactMap { $0 }.joined(separator: " ")],
            doubts: "its environment, its limits, and where its output went",
            besides: stale.map {
                "It removes \($0) while the process that it names is a dead one which its parent has not collected yet: "
                    + "Apache takes that for a server that runs, and does not start."
            })
    }

    /// What it was called with, as far as that can be told; what it runs with, where it cannot.
    private static func arguments(of main: ProcessStatus, _ kind: ServiceKind) -> [String] {
        switch kind {
        case .nginx: ServerArguments.nginx(main.arguments) ?? main.arguments
        case .haproxy: ServerArguments.haproxy(main.arguments)
        default: main.arguments
        }
    }

    /// By pg_ctl. The server refuses to start while its pid file names a process, be it one that is dead and that nobody
    /// has collected (CreateLockFile asks with kill(2)). That file is not removed: it also tells about shared memory.
    private static func postgresql(
        _ service: FoundService, _ main: ProcessStatus, program: String, on host: any HostReader
    ) -> StartCommand? {
        guard let data = service.dataDirectory, !looksSecret(main.arguments) else { return nil }
        var argv = [parent(program) + "/pg_ctl", "-D", data, "-s", "-w", "-l", "/dev/null"]
        let options = postgresOptions(main.arguments)
        if !options.isEmpty { argv += ["-o", options] }
        argv = asUser(argv + ["start"], of: main, host)
        let doubts = "its environment, and where its log went"
        guard let path = pidFile(of: service) else { return StartCommand(argv, doubts: doubts) }
        let line =
            "for n in 1 2 3 4 5 6 7 8 9 10; do \(isZombie(path)) || break; sleep 1; done; exec "
            + argv.map(shellQuoted).joined(separator: " ")
        return StartCommand(
            ["sh", "-c", line], doubts: doubts,
            besides: "It waits while \(path) names a dead process that its parent has not collected yet: "
                + "PostgreSQL takes that for a server that runs, and does not start.")
    }

    private static func pidFile(of service: FoundService) -> String? {
        if case .pidFile(let path) = service.choice.selector { path } else { nil }
    }

    /// For sh: whether a pid file names a process that has ended and is still in the table (proc(5), state Z).
    private static func isZombie(_ path: String) -> String {
        #"grep -qs '^State:.Z' "/proc/$(head -n 1 \#(shellQuoted(path)) 2>/dev/null)/status""#
    }

    /// What Redis says of itself is its name behind its directory, whether that is there or not. The executable's own name
    /// does not serve: Debian's is redis-check-rdb, which does what it is called by.
    private static func redisProgram(
        _ info: [String: String], _ main: ProcessStatus, _ host: any HostReader
    ) -> String? {
        if let own = info["executable"], own.hasPrefix("/"), ((try? host.status(of: own)) ?? nil) != nil {
            return own
        }
        return host.tool(main.name)
    }

    /// As the user and group that it runs as, where that is somebody else.
    private static func asUser(_ argv: [String], of main: ProcessStatus, _ host: any HostReader) -> [String] {
        guard host.userID() == 0, main.userID != 0 else { return argv }
        let group = ((try? host.status(of: "/proc/\(main.identity.pid)")) ?? nil)?.groupID ?? main.userID
        return ["setpriv", "--reuid=\(main.userID)", "--regid=\(group)", "--init-groups", "--"] + argv
    }

    /// Debian's Apache wants an environment for its own configuration, which apache2ctl gives it (apache2ctl(8)).
    private static func script(_ kind: ServiceKind, _ arguments: [String], _ host: any HostReader) -> String?
    {
        kind == .apache && !arguments.contains("-f") ? host.tool("apache2ctl") : nil
    }

    /// Whether it was started by root and told whom to become: it may need root for its pid file, before it does.
    private static func becomesUserItself(_ kind: ServiceKind, _ arguments: [String]) -> Bool {
        switch kind {
        case .memcached: arguments.contains { $0 == "-u" || $0 == "--user" || $0.hasPrefix("--user=") }
        case .mysql: arguments.contains { $0.hasPrefix("--user=") }
        default: false
        }
    }

    private static func isUntouched(_ arguments: [String]) -> Bool {
        guard let first = arguments.first, !first.isEmpty else { return false }
        return !first.contains(" ") && !first.hasSuffix(":") && !first.hasPrefix("-") && !first.contains("[")
            && arguments.allSatisfy { printable($0) == $0 } && arguments.joined().utf8.count <= 2000
    }

    /// What stands behind the data directory, as `pg_ctl -o` takes it.
    private static func postgresOptions(_ arguments: [String]) -> String {
        var rest = arguments.dropFirst()
        var options: [String] = []
        while let argument = rest.popFirst() {
            if argument == "-D" {
                _ = rest.popFirst()
            } else if !argument.hasPrefix("-D"), !argument.hasPrefix("--pgdata=") {
                options.append(shellQuoted(argument))
            }
        }
        return options.joined(separator: " ")
    }

    /// Whether command lines look as if they held a password: those are neither written down nor shown.
    static func looksSecret(_ arguments: [String]) -> Bool {
        let words = [
            "pass", "secret", "token", "credential", "apikey", "api-key", "api_key", "requirepass",
            "masterauth",
        ]
        return arguments.contains { argument in
            let low = argument.lowercased()
            return holdsPasswordInURL(argument) || words.contains { low.contains($0) }
        }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

extension FoundService.Starter {
    /// By the parent of a service that belongs to no unit.
    static func of(_ main: ProcessStatus, _ processes: [ProcessStatus], on host: any HostReader) -> Self {
        guard main.parent > 1, let parent = processes.first(where: { $0.identity.pid == main.parent }) else {
            return .nobody
        }
        let words = parent.arguments
        let directory = (try? host.resolve("/proc/\(parent.identity.pid)/cwd")) ?? nil
        switch parent.name {
        case "runsv": return .supervisor(name: "runit", command: directory.map { ["sv", "start", $0] } ?? [])
        case "supervise":
            return .supervisor(name: "daemontools", command: directory.map { ["svc", "-u", $0] } ?? [])
        case "s6-supervise":
            return .supervisor(name: "s6", command: directory.map { ["s6-svc", "-u", $0] } ?? [])
        case "supervise-daemo", "supervise-daemon":
            let name = words.count > 1 && !words[1].hasPrefix("-") ? ["rc-service", words[1], "start"] : []
            return .supervisor(name: "OpenRC", command: name)
        // A script: it starts the server again unless that has removed its pid file (mariadbd-safe(1)).
        case "mysqld_safe", "mariadbd-safe": return .supervisor(name: parent.name, command: [])
        case "supervisord": return .supervisor(name: "supervisord", command: [])
        case "circusd", "monit", "god", "dinit": return .supervisor(name: parent.name, command: [])
        case _ where parent.name.hasPrefix("PM2"): return .supervisor(name: "PM2", command: [])
        default: break
        }
        let shells: Set<String> = [
            "bash", "sh", "dash", "zsh", "fish", "ksh", "tmux: server", "screen", "sshd", "login", "su",
            "sudo",
        ]
        // A shell without a script is a person's.
        let isPersons = shells.contains(parent.name) && words.dropFirst().allSatisfy { $0.hasPrefix("-") }
        if isPersons || parent.name.hasPrefix("systemd") { return .nobody }
        let shown =
            words.isEmpty || StartCommand.looksSecret(words) ? parent.name : words.joined(separator: " ")
        return .perhaps(parent: printable(String(shown.prefix(80))))
    }
}

/// A word as a shell takes it.
func shellQuoted(_ text: String) -> String {
    let isPlain =
        !text.isEmpty
        && text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                    || "-_./:=,@%+".unicodeScalars.contains($0))
        }
    return isPlain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
}
