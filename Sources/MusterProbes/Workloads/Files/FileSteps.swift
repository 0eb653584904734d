import Glibc
import MusterCore
import MusterSystem

/// What came of a step on files: nothing, or an errno.
enum FileSteps {
    /// The errors by which rename(2), unlink(2), open(2) and mkdir(2) say that they did nothing. Others, such as
    /// EIO, may come after the change was made.
    static func isCertain(_ code: Int32) -> Bool {
        [
            ENOSPC, EDQUOT, EROFS, EACCES, EPERM, ENOENT, ENOTDIR, EEXIST, ELOOP, ENAMETOOLONG, EMFILE,
            ENFILE,
            EISDIR, EMLINK, EFBIG,
        ].contains(code)
    }

    static func answer(to code: Int32) -> WriteAnswer {
        isCertain(code) ? .refused(code) : .inDoubt(code)
    }

    /// Makes a directory, and its name durable.
    /// - Returns: errno; 0 when it was made. One that is there already is somebody else's.
    static func makeDirectory(_ path: String, in parent: String) -> Int32 {
        guard mkdir(path, 0o755) == 0 else { return errno }
        return synchronize(parent)
    }

    static func synchronize(_ directory: String) -> Int32 {
        do {
            try synchronizeDirectory(directory)
            return 0
        } catch {
            return error.code
        }
    }

    /// Names in a directory.
    /// - Returns: nil with errno set when it cannot be read.
    static func names(in directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        return errno == 0 ? names : nil
    }
}
