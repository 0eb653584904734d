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
            guard let data = service.dataDirectory, let program else { return nil }
            var argv = [parent(program) + "/pg_ctl", "-D", data, "-s", "-w", "-l", "/dev/null"]
            let options = postgresOptions(main.arguments)
            guard !looksSecret(main.arguments) else { return nil }
            if !options.isEmpty { argv += ["-o", options] }
            return StartCommand(
                asUser(argv + ["start"], of: main, host), doubts: "its environment, and where its log went")
        default: break
        }
        guard let program, isUntouched(main.arguments), !looksSecret(main.arguments),
            let directory = (try? host.resolve("/proc/\(pid)/cwd")) ?? nil
        else { return nil }
        let called = main.arguments[0]
        let found: String? =
            called.hasPrefix("/")
            ? called : called.contains("/") ? Optional("\(directory)/\(called)") : host.tool(called)
        let argv = [found ?? program] + main.arguments.dropFirst()
        let line =
            "cd \(shellQuoted(directory)) && exec setsid -f "
            + asUser(argv, of: main, host).map(shellQuoted).joined(separator: " ")
            + " </dev/null >/dev/null 2>&1"
        return StartCommand(
            ["sh", "-c", line], doubts: "its environment, its limits, and where its output went")
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
