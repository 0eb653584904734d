internal import Glibc

/// The file of a UNIX socket that we listen on, removed only while it is still ours.
struct SocketFile: Sendable {
    private let path: String
    private let inode: UInt
    private let device: UInt

    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.path = path
        inode = UInt(status.st_ino)
        device = UInt(status.st_dev)
    }

    func remove() {
        guard let now = SocketFile(path), now.inode == inode, now.device == device else { return }
        unlink(path)
    }

    /// A socket file that nobody listens on is left over from a program that was killed; anything else stays.
    static func makeRoom(at path: String) throws(BindProblem) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw BindProblem(
                "listen unix \(path): bind: address already in use: there is a file that is no socket")
        }
        guard !hasListener(path) else {
            throw BindProblem("listen unix \(path): bind: address already in use", code: EADDRINUSE)
        }
        unlink(path)
    }

    /// Whether somebody listens; also true when that cannot be told.
    private static func hasListener(_ path: String) -> Bool {
        let descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue),
            0)
        guard descriptor >= 0 else { return true }
        defer { Glibc.close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let answer = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return answer == 0 || errno != ECONNREFUSED
    }
}
