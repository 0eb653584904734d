import MusterCore

/// Checks that several faults share: what must not be touched, and what must not be stored.
enum Refusals {
    /// Directories that make a machine; nothing at or below them is a drill's to break.
    private static let systemTrees = [
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run/systemd", "/sbin", "/sys",
        "/usr", "/var/lib/dpkg", "/var/lib/systemd",
    ]
    /// Directories that are too much at once, though what lies below them may be a service's own.
    private static let commonRoots: Set<String> = [
        "/", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var", "/var/lib",
        "/var/log",
    ]

    /// - Returns: the path with links resolved.
    /// - Throws: when nothing is there, or it is the system's or Muster's own.
    static func path(of target: Target, on host: any HostReader) throws -> String {
        guard case .path(let path) = target.selector, path.hasPrefix("/") else {
            throw FaultRefusal(
                .wrongTarget, "this fault needs an absolute path as its target",
                advice: "give the target `path: /srv/…`")
        }
        guard let real = try host.resolve(path) else {
            throw FaultRefusal(.noMatch, "\(path) does not exist", advice: "check the target's path")
        }
        let isSystem =
            commonRoots.contains(real) || systemTrees.contains { real == $0 || real.hasPrefix($0 + "/") }
        // The root of a file system may be filled; whether it may is for the fault to say.
        if isSystem, !target.allow.contains("system-path"), !target.allow.contains("root-filesystem") {
            throw FaultRefusal(
                .protected, "\(real) belongs to the system",
                advice: "aim at the service's own data, or allow: [system-path] on the target")
        }
        for own in [host.site.stateDirectory] + host.site.protectedPaths {
            let own = try host.resolve(own) ?? own
            if real == own || real.hasPrefix(own + "/") {
                throw FaultRefusal(
                    .protected, "\(real) is Muster's own: what undoes this drill lies there",
                    advice: "aim at the service's own data")
            }
        }
        return real
    }

    /// Facts, parameters and command lines are stored and shown: a password in a URL must not get there.
    static func secrets(in texts: [String]) throws {
        for text in texts where holdsPasswordInURL(text) {
            throw FaultRefusal(
                .unsafe,
                "an argument holds a URL with a password in it, which would be stored in the journal",
                advice: "let the command read it from a file that only it may read")
        }
        for text in texts where text.contains("${env:") {
            throw FaultRefusal(
                .unsafe,
                "an argument refers to ${env:…}, which another process could not read when it undoes this",
                advice: "let the command read a file")
        }
    }

    /// - Throws: `needsRoot`, saying why.
    static func needRoot(_ why: String, on host: any HostReader) throws {
        guard host.userID() != 0 else { return }
        throw FaultRefusal(.needsRoot, "\(why) needs root", advice: "run Muster with sudo")
    }
}
