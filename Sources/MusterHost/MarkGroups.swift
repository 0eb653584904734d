import Glibc
import MusterCore
import MusterSystem

/// The cgroups that carry marks: `<mount of cgroup2>/<name>/<id>`, each command that is run in one of its own
/// below (cgroups(7)).
struct MarkGroups {
    /// Where the unified hierarchy is mounted.
    let root: String
    let name: String

    /// nil when there is no unified hierarchy or this user must not make cgroups in it.
    static func find(named name: String) -> MarkGroups? {
        guard let mounts = try? Mounts.read(),
            let mount = mounts.entries.last(where: { $0.type == "cgroup2" && !$0.isReadOnly })
        else { return nil }
        let groups = MarkGroups(root: mount.mountPoint, name: name)
        return access(groups.base, W_OK) == 0 || access(mount.mountPoint, W_OK) == 0 ? groups : nil
    }

    var base: String { root + "/" + name }
    func directory(of id: InjectionID) -> String { base + "/" + id.rawValue }
    func exists(_ id: InjectionID) -> Bool { isDirectory(directory(of: id)) }

    /// Makes the cgroup of a mark, or one for a command below it.
    /// - Returns: its directory; nil when it is not permitted.
    func make(_ id: InjectionID, command: Int? = nil) throws(SystemError) -> String? {
        var path = directory(of: id)
        var paths = [base, path]
        if let command {
            // The pid tells apart two processes that mark with one id, one after the other.
            path += "/run-\(getpid())-\(command)"
            paths.append(path)
        }
        var tries = 0
        while let failed = paths.first(where: { mkdir($0, 0o755) != 0 && errno != EEXIST }) {
            if [EACCES, EPERM, EROFS].contains(errno) { return nil }
            tries += 1
            // Whoever removed the last mark of another journal took the empty directory above it along.
            guard errno == ENOENT, tries < 5 else { throw .last("make cgroup \(failed)") }
        }
        return path
    }

    /// Processes in a cgroup directory and below it.
    static func processes(in directory: String) -> Set<Int32> {
        var found: Set<Int32> = []
        for group in tree(directory) {
            let text = try? readSmallFile(group + "/cgroup.procs")
            found.formUnion((text ?? "").split(separator: "\n").compactMap { Int32($0) })
        }
        // 0 stands for a process outside of our pid namespace.
        found.remove(0)
        return found
    }

    /// Kills all processes of a cgroup and below it at once, where the kernel can (5.14).
    static func kill(_ directory: String) {
        guard let file = try? Descriptor(opening: directory + "/cgroup.kill", O_WRONLY) else { return }
        try? file.write([UInt8(ascii: "1")])
    }

    /// Removes a cgroup and those below it; one with processes stays.
    /// - Returns: whether there is none any more.
    @discardableResult
    static func remove(_ directory: String) -> Bool {
        for group in tree(directory).reversed() { rmdir(group) }
        // Nothing of ours stays, not even the empty cgroup above; refused while other marks are in it.
        rmdir((directory[..<(directory.lastIndex(of: "/") ?? directory.endIndex)]).description)
        return access(directory, F_OK) != 0
    }

    /// Ids that have a cgroup.
    func ids() -> [InjectionID] {
        guard let directory = try? Descriptor(opening: base, O_RDONLY | O_DIRECTORY),
            let names = try? directory.names()
        else { return [] }
        return names.compactMap { InjectionID($0) }.filter { isDirectory(self.directory(of: $0)) }
    }

    /// A directory and all below it, parents first.
    private static func tree(_ directory: String) -> [String] {
        guard let open = try? Descriptor(opening: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            let names = try? open.names()
        else { return [] }
        return [directory] + names.map { directory + "/" + $0 }.filter(isDirectory).flatMap(tree)
    }
}

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
