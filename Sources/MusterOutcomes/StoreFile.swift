import Glibc

/// The files of the store, kept in the hands of whoever owns the directory: a run under sudo in a user's
/// checkout must not leave files there that the user can no longer write.
enum StoreFile {
    /// Makes the file, and its directory, when they are missing.
    static func createIfMissing(_ path: String) throws {
        let directory = parent(of: path)
        try createDirectory(directory)
        // Exclusive and not through links: nobody's file is touched, and only what is made here is given away.
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw OutcomeStoreError.cannotOpen(path: path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        if let owner = ownerToGive(directory) {
            _ = fchown(descriptor, owner.user, owner.group)
        }
    }

    /// SQLite gives -wal and -shm to the owner of the database when root makes them (os_unix.c,
    /// `robustFchown`), but only since it knows the database's owner; this makes sure.
    static func giveAwayCompanions(of path: String) {
        guard let owner = ownerToGive(path) else { return }
        for suffix in ["-wal", "-shm"] {
            var status = stat()
            if lstat(path + suffix, &status) == 0, status.st_uid == 0 {
                _ = lchown(path + suffix, owner.user, owner.group)
            }
        }
    }

    static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Readers share an index with the writer (-shm), which SQLite maps and makes without asking for its blocks: on a full
    /// disk they would be killed by SIGBUS (mmap(2)) as soon as they touch it; where nothing can be made, they could not
    /// open it.
    static func cannotBeReadInPlace(_ path: String) -> Bool {
        if access(parent(of: path), W_OK) != 0, size(path + "-shm") == nil { return true }
        return room(path).map { $0 < 65_536 } ?? false
    }

    /// Bytes that are left on the disk of `path`; nil when nobody knows.
    static func room(_ path: String) -> UInt64? {
        var disk = statvfs()
        guard statvfs(path, &disk) == 0 else { return nil }
        return UInt64(disk.f_bavail) * UInt64(disk.f_frsize)
    }

    private static func createDirectory(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 { return }
        let above = parent(of: path)
        if above != path { try createDirectory(above) }
        guard mkdir(path, 0o755) == 0 else {
            if errno == EEXIST { return }
            throw OutcomeStoreError.cannotOpen(
                path: path, "its directory cannot be made: " + String(cString: strerror(errno)))
        }
        if let owner = ownerToGive(above) {
            _ = lchown(path, owner.user, owner.group)
        }
    }

    /// The owner of `place`, when this process is root and the owner is somebody else.
    private static func ownerToGive(_ place: String) -> (user: uid_t, group: gid_t)? {
        var status = stat()
        guard geteuid() == 0, stat(place, &status) == 0, status.st_uid != 0 else { return nil }
        return (status.st_uid, status.st_gid)
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
