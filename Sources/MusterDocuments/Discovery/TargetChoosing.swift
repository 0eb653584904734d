import MusterCore

extension TargetChoice {
    /// The way of finding a service's processes that will still match when the drill runs, checked against what runs now.
    ///
    /// A service of several processes is found by the one above the others, and killed with its tree. A port tells only
    /// where one process holds it: workers come and go, and the count must be exact. One that systemd holds as well tells
    /// init from the service no more.
    static func choose(
        for service: FoundService, among processes: [ProcessStatus], on host: any HostReader
    ) -> TargetChoice {
        let hasChildren = processes.contains { $0.parent == service.main }
        let tree = hasChildren && (service.kind.isOfManyProcesses || service.listeners.count > 1)
        let holdsAlone = service.listeners == [service.main] && !service.isSocketActivated
        if holdsAlone, !tree, case .tcp(_, let port) = service.addresses[0] {
            return TargetChoice(.listening(port))
        }
        let main = processes.first { $0.identity.pid == service.main }
        for path in PidFiles.places(of: service, arguments: main?.arguments ?? [], on: host)
        where names(service.main, path, host) {
            return TargetChoice(.pidFile(path), tree: tree)
        }
        if let main, let text = uniqueLine(of: main, among: processes) {
            return TargetChoice(.commandLine(text), tree: tree)
        }
        if holdsAlone, case .tcp(_, let port) = service.addresses[0] {
            return TargetChoice(.listening(port), tree: tree)
        }
        if let port = service.ports.first, !service.isSocketActivated {
            return TargetChoice(.listening(port), count: max(1, service.listeners.count))
        }
        return TargetChoice(.name(service.program), count: max(1, service.listeners.count))
    }

    private static func names(_ pid: Int32, _ path: String, _ host: any HostReader) -> Bool {
        guard let bytes = (try? host.read(path, from: 0, count: 64)) ?? nil else { return false }
        return Int32(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }.filter { !$0.isWhitespace })
            == pid
    }

    /// Its whole command line, where no other process has it as a part of its own and nothing in it is secret. Of a
    /// title of nginx what it was called with, without a directory: once it is started again by its path, the rest of
    /// the title is another.
    private static func uniqueLine(of main: ProcessStatus, among processes: [ProcessStatus]) -> String? {
        guard !StartCommand.looksSecret(main.arguments) else { return nil }
        let called = ServerArguments.nginx(main.arguments)?.joined(separator: " ")
        let lines = [called.map(withoutDirectory), main.arguments.joined(separator: " ").trimmingBlanks]
        return lines.compactMap { $0 }.first { line in
            guard line.count >= 6, line.count <= 300, printable(line) == line else { return false }
            return processes.count { $0.arguments.joined(separator: " ").contains(line) } == 1
        }
    }

    /// `nginx -c /etc/n.conf` of `/usr/sbin/nginx -c /etc/n.conf`.
    private static func withoutDirectory(_ line: String) -> String {
        let program = line.prefix { $0 != " " }
        return String(
            line[(program.lastIndex(of: "/").map { program.index(after: $0) } ?? line.startIndex)...])
    }
}
