import MusterCore

extension World {
    func bootID() throws -> String {
        try alive()
        return "boot"
    }
    func monotonic() -> Instant { Instant(nanoseconds: clock) }
    func utcNanoseconds() -> Int64 { WorldCertificates.now * 1_000_000_000 + moment }
    func userID() -> UInt32 { 0 }
    func pause(_ duration: Duration) { passTime(duration.nanoseconds) }

    func status(of path: String) throws -> FileStatus? {
        try alive()
        if path.hasPrefix("/run/netns/") {
            guard let inode = namespaces[String(path.dropFirst(11))] else { return nil }
            return status(Node(), inode: inode, device: 4)
        }
        let groups = "/sys/fs/cgroup"
        if path.hasPrefix(groups), running.values.contains(where: { groups + $0.status.cgroup == path }) {
            return status(Node(kind: .directory), inode: 1, device: 8)
        }
        return nodes[path].map { status($0, inode: 1, device: mount(holding: path).1.device) }
    }

    private func status(_ node: Node, inode: UInt64, device: UInt64) -> FileStatus {
        FileStatus(
            kind: node.kind, size: Int64(node.bytes.count), allocated: Int64(node.bytes.count) + node.filled,
            device: device, inode: inode, mode: 0o644, userID: 0, groupID: 0)
    }

    func read(_ path: String, from offset: Int64, count: Int) throws -> [UInt8]? {
        try alive()
        guard let node = nodes[path], node.kind == .file else { return nil }
        return Array(node.bytes.dropFirst(Int(offset)).prefix(count))
    }

    func digest(of path: String, masking ranges: [Range<Int64>]) throws -> String? {
        try alive()
        guard var bytes = nodes[path]?.bytes else { return nil }
        for range in ranges {
            for index in range where index < bytes.count { bytes[Int(index)] = 0 }
        }
        return bytes.map { String($0, radix: 16) }.joined(separator: ".")
    }

    func list(_ directory: String) throws -> [String]? {
        try alive()
        if directory == "/run/netns" { return namespaces.keys.sorted() }
        guard nodes[directory]?.kind == .directory else { return nil }
        return below(directory).map { String($0.dropFirst(directory.count + 1)) }.filter { !$0.contains("/") }
    }

    func below(_ directory: String) -> [String] {
        nodes.keys.filter { $0.hasPrefix(directory + "/") }.sorted()
    }

    func resolve(_ path: String) throws -> String? {
        try alive()
        return path == "/" || nodes[path] != nil ? path : nil
    }

    func fileSystem(holding path: String) throws -> FileSystem {
        try alive()
        let (point, mount) = mount(holding: path)
        let used = nodes.filter { self.mount(holding: $0.key).0 == point }
            .reduce(Int64(0)) { $0 + $1.value.filled }
        return FileSystem(
            device: mount.device, mountPoint: point, type: mount.type, source: mount.source,
            totalBytes: mount.total, availableBytes: mount.total - used, isReadOnly: false)
    }

    func mount(holding path: String) -> (String, Mount) {
        let best = mounts.keys.filter { path == $0 || path.hasPrefix($0 + "/") }.max { $0.count < $1.count }
        let root = Mount(source: "/dev/root", device: 1, total: 10 << 30)
        return best.flatMap { point in mounts[point].map { (point, $0) } } ?? ("/", root)
    }

    func processes() throws -> [ProcessStatus] {
        try alive()
        return running.values.map(\.status)
    }
    func process(_ pid: Int32) throws -> ProcessStatus? {
        try alive()
        return running[pid]?.status
    }
    func networkNamespace(of pid: Int32?) throws -> UInt64? {
        try alive()
        guard let pid else { return 1 }
        guard let process = running[pid] else { return nil }
        let entered = process.status.arguments.first { $0.hasPrefix("--net=/run/netns/") }
        return entered.flatMap { namespaces[String($0.dropFirst("--net=/run/netns/".count))] } ?? 1
    }
    func listeners(onPort port: Int) throws -> [Int32] { [] }
    func sockets(of pid: Int32) throws -> Set<UInt64>? { running[pid] == nil ? nil : [] }
    func helpers(of id: InjectionID) throws -> [ProcessIdentity] {
        try alive()
        return running.values.filter { $0.mark == id }.map(\.status.identity).sorted { $0.pid < $1.pid }
    }
    func supervisor(of id: InjectionID) throws -> SupervisorStatus? {
        try alive()
        return supervisors[id].map {
            SupervisorStatus(process: $0.child.flatMap { running[$0]?.status.identity }, starts: $0.starts)
        }
    }
    func tool(_ name: String) -> String? { "/bin/\(name)" }

    func query(_ argv: [String], deadline: Duration) throws -> CommandResult {
        try alive()
        return command(argv, changing: false)
    }
}
