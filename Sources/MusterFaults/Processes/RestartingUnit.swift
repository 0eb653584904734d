import MusterCore

/// The systemd unit that starts a process again by its own `Restart=` (systemd.service(5)).
enum RestartingUnit {
    /// - Returns: nil when the processes are not one unit's, or it would not restart them after that signal.
    static func name(
        of processes: [ProcessStatus], endedBy signal: SignalName, on host: any HostReader
    ) throws -> String? {
        guard let cgroup = processes.first?.cgroup, processes.allSatisfy({ $0.cgroup == cgroup }),
            let unit = cgroup.split(separator: "/").last.map(String.init), unit.hasSuffix(".service"),
            !cgroup.contains("/user.slice/"), let systemctl = host.tool("systemctl")
        else { return nil }
        let answer = try host.query(
            [systemctl, "show", "--property=Restart", "--value", unit], deadline: .seconds(5))
        guard answer.succeeded else { return nil }
        switch answer.output.filter({ !$0.isWhitespace }) {
        case "always": return unit
        // Ended by one of these, a service counts as stopped cleanly.
        case "on-failure", "on-abnormal", "on-abort":
            return [.hup, .int, .term].contains(signal) ? nil : unit
        case "on-success": return [.hup, .int, .term].contains(signal) ? unit : nil
        default: return nil
        }
    }
}

/// The guard's own executable, from which lasting helpers are started.
enum GuardExecutable {
    static func check(on host: any HostReader) throws {
        guard try host.status(of: host.site.executable) == nil else { return }
        throw FaultRefusal(
            .noMechanism, "the guard's executable \(host.site.executable) is missing, which is the helper",
            advice: "install it again, or build with ./muster")
    }

    static func readiness(_ mechanism: String, on host: any HostReader) -> Readiness {
        let found = try? host.status(of: host.site.executable)
        return found == nil
            ? .missing("the guard's executable \(host.site.executable)", enable: "./muster builds it")
            : .ready(mechanism)
    }
}
