import Glibc
import MusterSystem

/// A directory of a test's own, removed with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/muster-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("make a directory") }
        path = String(cString: made)
    }

    deinit {
        _ = try? Spawn(["/bin/rm", "-rf", path]).start().wait(for: .seconds(60))
    }
}
