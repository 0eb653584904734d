import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func tool(_ name: String) -> String? {
        if name.contains("/") { return Self.isExecutable(name) ? name : nil }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        // A guard started by ssh or by an ordinary user often lacks the sbin directories.
        let directories = path.split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
        let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"]
        return (directories + usual).lazy.map { $0 + "/" + name }.first(where: Self.isExecutable)
    }

    /// The program of `argv` by its path.
    func program(of argv: [String]) throws -> String {
        guard let name = argv.first, !name.isEmpty else {
            throw HostError(.failed, "run a command", "it has no words")
        }
        guard let path = tool(name) else {
            throw HostError(
                .notFound, "run \(name)", "there is no such program in PATH or the sbin directories")
        }
        return path
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
