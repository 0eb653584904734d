import Glibc
import MusterCore
import MusterSystem

extension LinuxHost {
    public func removeTree(_ path: String) throws {
        let components = path.split(separator: "/", omittingEmptySubsequences: true)
        guard path.hasPrefix("/"), components.count >= 2, !components.contains(".."),
            !components.contains(".")
        else {
            throw HostError(
                .notPermitted, "remove the tree \(path)",
                "only an absolute path of at least two components without '.' and '..' is removed")
        }
        guard let parent = try resolve("/" + components.dropLast().joined(separator: "/")) else { return }
        let name = String(components[components.count - 1])
        let real = parent == "/" ? "/" + name : parent + "/" + name
        try port { () throws(SystemError) in
            // Bind mounts of one file system have the same st_dev, so the list of mounts is asked as well.
            if let mount = try Mounts.read().mountPoints(within: real).first {
                throw SystemError("remove the tree \(path), because \(mount) is a mount", code: EBUSY)
            }
            let directory = try Descriptor(opening: parent, O_RDONLY | O_DIRECTORY)
            try TreeRemoval.remove(name, in: directory, path: real, device: nil)
            try directory.synchronize()
        }
    }
}

/// Removes by names in open directories, so that nobody can put a link in the way meanwhile (openat(2)).
enum TreeRemoval {
    /// - Parameter device: the file system that is not left; nil takes that of the first directory.
    static func remove(_ name: String, in parent: Descriptor, path: String, device: UInt?) throws(SystemError)
    {
        if unlinkat(parent.number, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw .last("remove \(path)") }
        let refused = errno
        let directory: Descriptor
        do throws(SystemError) {
            directory = try Descriptor(opening: name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: parent)
        } catch {
            let code = error.code == ENOTDIR || error.code == ELOOP ? refused : error.code
            throw SystemError("remove \(path)", code: code)
        }
        let here = UInt(try directory.status().st_dev)
        guard device == nil || device == here else {
            throw SystemError("remove \(path), which is another file system", code: EXDEV)
        }
        for entry in try directory.names() {
            try remove(entry, in: directory, path: path + "/" + entry, device: here)
        }
        if unlinkat(parent.number, name, AT_REMOVEDIR) != 0, errno != ENOENT { throw .last("remove \(path)") }
    }
}
