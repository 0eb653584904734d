import Glibc
import MusterCore

/// What an engine needs of the machine that it runs on.
enum EngineHost {
    /// A probe that hangs holds a socket for as long as its timeout; the usual limit is 1024.
    static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        if limit.rlim_cur < 8192, limit.rlim_max > limit.rlim_cur {
            limit.rlim_cur = min(8192, limit.rlim_max)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return max(16, min(4096, (Int(clamping: limit.rlim_cur) - 256) / 2))
    }

    static func makeDirectory(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o700) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES {
                throw MeasuringError.ledger(path: path, "its folder cannot be made: \(errorText(errno))")
            }
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw MeasuringError.ledger(path: path, "the folder cannot be written: \(errorText(errno))")
        }
    }
}
