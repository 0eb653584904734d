import Glibc
import MusterSystem

/// What of a file, directory or link is compared. Of its times at most when it was written last: a restore need not bring them
/// back.
struct FileFacts {
    var status: stat
    /// nil for what holds nothing that can be read.
    var contents: SHA256?
    var attributes: [(name: String, value: [UInt8])] = []

    /// - Parameter key: its path, as `DatasetKey` writes it.
    /// - Returns: a hash of all of it, and a shorter one of the contents alone.
    func hash(_ key: [UInt8], withTimes hasTimes: Bool) -> (UInt128, contents: UInt64) {
        var hash = SHA256()
        func put(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { hash.update($0) } }
        func put(_ bytes: [UInt8]) {
            put(UInt64(bytes.count))
            hash.update(bytes)
        }
        let type = status.st_mode & S_IFMT
        put(key)
        put(UInt64(status.st_mode))
        put(UInt64(status.st_uid))
        put(UInt64(status.st_gid))
        // How large a directory is, is its file system's business.
        put(type == S_IFREG ? UInt64(status.st_size) : 0)
        put(type == S_IFCHR || type == S_IFBLK ? UInt64(status.st_rdev) : 0)
        if hasTimes {
            put(UInt64(bitPattern: Int64(status.st_mtim.tv_sec)))
            put(UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)))
        }
        let digest = contents?.digest() ?? []
        put(digest)
        for attribute in attributes {
            put(Array(attribute.name.utf8))
            put(attribute.value)
        }
        return (hash.truncated(), digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
