import MusterCore

/// Where nft works: in a named namespace, or in the host's own for a cgroup.
struct NetworkPlace {
    /// A named namespace (ip-netns(8)); nil: the host's own.
    var namespace: String?
    /// Limits rules to the sockets of a cgroup (nft(8), socket expression).
    var match: String

    /// - Throws: `FaultRefusal` when the scope does not exist or cannot be told apart.
    static func resolve(_ target: Target, on host: any HostReader) throws -> NetworkPlace {
        guard case .network(let scope) = target.selector else {
            throw FaultRefusal(
                .wrongTarget, "this fault is aimed at a network",
                advice: "give the target `network: { namespace: NAME }`, a cgroup or a fixture")
        }
        switch scope {
        case .namespace(let name):
            guard isName(name), try host.status(of: path(ofNamespace: name)) != nil else {
                throw FaultRefusal(
                    .noMatch, "there is no network namespace '\(name)'", advice: "ip netns add \(name)")
            }
            return NetworkPlace(namespace: name, match: "")
        case .cgroup(let path):
            return NetworkPlace(namespace: nil, match: try match(cgroup: path, on: host))
        case .fixture(let name, let id):
            guard let identity = try host.supervisor(of: id)?.process,
                let process = try host.process(identity)
            else {
                throw FaultRefusal(.noMatch, "fixture '\(name)' does not run", advice: "start it first")
            }
            return NetworkPlace(namespace: nil, match: try match(cgroup: process.cgroup, on: host))
        }
    }

    /// Where named network namespaces are (ip-netns(8)).
    static let namespaces = "/run/netns"
    static func path(ofNamespace name: String) -> String { "\(namespaces)/\(name)" }

    /// `ip netns exec` would hide the cgroup mounts, so the namespace is entered by its file.
    static func command(_ namespace: String?, on host: any HostReader) -> [String]? {
        guard let nft = host.tool("nft") else { return nil }
        guard let namespace else { return [nft] }
        return host.tool("nsenter").map { [$0, "--net=\(path(ofNamespace: namespace))", nft] }
    }

    /// - Throws: `HostError` when a program is missing by now that was there when the injection was planned.
    static func needCommand(_ namespace: String?, on host: any HostReader) throws -> [String] {
        guard let command = command(namespace, on: host) else {
            throw HostError(.failed, "nft", "nft or nsenter is missing: apt-get install nftables util-linux")
        }
        return command
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix(".") && !name.hasPrefix("-")
            && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 47 }
    }

    /// nft takes the path from /sys/fs/cgroup, where a hybrid hierarchy has the unified one in a directory.
    private static func match(cgroup path: String, on host: any HostReader) throws -> String {
        let parts = path.split(separator: "/")
        let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        let mount = try mounts.first {
            guard let real = try host.resolve($0) else { return false }
            let system = try host.fileSystem(holding: real)
            return system.type == "cgroup2" && system.mountPoint == $0
        }
        guard let mount else {
            throw FaultRefusal(
                .noMechanism, "cgroup v2 is not mounted, by which nft would know the target",
                advice: "aim at a network namespace")
        }
        let directory = "\(mount)/\(parts.joined(separator: "/"))"
        guard !parts.isEmpty, !directory.contains("\""), try host.status(of: directory)?.kind == .directory
        else {
            throw FaultRefusal(
                .noMatch, "the target has no cgroup of its own ('\(path)')",
                advice: "start it in a cgroup, or aim at a network namespace")
        }
        let name = directory.dropFirst("/sys/fs/cgroup/".count)
        return "socket cgroupv2 level \(parts.count) \"\(name)\" "
    }
}
