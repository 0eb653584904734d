import MusterCore

/// What must be true of a file system before it may be filled (SAFETY, rule 7). A trial script without these
/// checks filled a root disk, because the mount that it meant was not there.
struct FillSafety {
    var fileSystem: FileSystem
    /// The mount point that the drill declares.
    var mount: String?
    var target: Target

    func check(device: UInt64, _ path: String, on host: any HostReader) throws {
        let point = fileSystem.mountPoint
        if let mount, mount != point {
            throw FaultRefusal(
                .unsafe, "\(path) lies on \(point), but the drill declares `mount: \(mount)`",
                advice: "mount it first, or correct the drill")
        }
        if device != fileSystem.device {
            throw FaultRefusal(
                .unsafe, "\(path) is on device \(device), but \(point) is device \(fileSystem.device)",
                advice: "aim at a directory on the file system itself")
        }
        if point == "/", !target.allow.contains("root-filesystem") {
            throw FaultRefusal(
                .protected, "\(path) lies on the root file system",
                advice: "use a scratch fixture of its own, or allow: [root-filesystem] on the target")
        }
        if fileSystem.isReadOnly {
            throw FaultRefusal(.unsafe, "\(point) is mounted read-only", advice: "aim at another file system")
        }
        if ["proc", "sysfs", "devtmpfs", "cgroup", "cgroup2", "nsfs"].contains(fileSystem.type) {
            throw FaultRefusal(
                .unsafe, "\(point) is \(fileSystem.type), which holds no data",
                advice: "aim at another file system")
        }
        for own in [host.site.stateDirectory] + host.site.protectedPaths {
            let there = try Self.nearestExisting(own, on: host)
            guard try host.fileSystem(holding: there).device != fileSystem.device else {
                throw FaultRefusal(
                    .protected,
                    "\(own) is on \(point) too: the record that undoes this drill needs that space",
                    advice: "aim at a file system of its own, or move Muster's state with --state")
            }
        }
    }

    static func nearestExisting(_ path: String, on host: any HostReader) throws -> String {
        var path = path
        while path != "/" {
            if let real = try host.resolve(path) { return real }
            path = path.directory
        }
        return "/"
    }
}
