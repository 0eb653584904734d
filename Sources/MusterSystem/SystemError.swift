import CLinux
import Glibc
public import MusterCore

/// A system call failed.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, such as `open /srv/data/a`.
    public var operation: String
    /// The value of errno (errno(3)).
    public var code: Int32

    public init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    /// The error of the call that failed just now. Take it before anything else can overwrite errno.
    public static func last(_ operation: String) -> SystemError { SystemError(operation, code: errno) }

    /// The system's words for `code`, such as `No space left on device`.
    public var reason: String { Self.text(of: code) }
    public var description: String { "\(operation): \(reason)" }

    /// The system's words for a value of errno.
    public static func text(of code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            buffer.initialize(repeating: 0)
            guard let text = csystem_error_text(code, buffer.baseAddress, buffer.count) else {
                return "error \(code)"
            }
            return String(cString: text)
        }
    }

    /// The same in the vocabulary of the port `Host`.
    public var hostError: HostError { HostError(Self.hostCode(of: code), operation, reason) }

    /// The port's word for a value of errno.
    public static func hostCode(of code: Int32) -> HostError.Code {
        switch code {
        case EPERM, EACCES: .notPermitted
        case ENOENT, ESRCH, ENOTDIR, ENODEV, ENXIO: .notFound
        case EEXIST, ENOTEMPTY: .exists
        case ENOSPC, EDQUOT: .noSpace
        case EROFS: .readOnly
        case ETIMEDOUT: .timedOut
        case EBUSY, EAGAIN, ETXTBSY: .busy
        case EOPNOTSUPP, ENOSYS, ENOTTY: .notSupported
        default: .failed
        }
    }
}

/// Runs a call that returns -1 and sets errno, again while it is interrupted (signal(7)).
@discardableResult
func call<Number: FixedWidthInteger & SignedInteger>(
    _ operation: @autoclosure () -> String, _ body: () -> Number
) throws(SystemError) -> Number {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemError(operation(), code: code) }
    }
}
