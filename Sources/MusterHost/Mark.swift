import Glibc
import MusterCore
import MusterSystem

/// The hint that a helper carries in its environment. Only a hint: programs overwrite theirs, and other users'
/// cannot be read.
enum Mark {
    static let variable = "MUSTER_INJECTION"

    /// The id in a process's environment at its start (/proc/PID/environ); nil when there is none or it must not
    /// be read.
    static func id(inEnvironmentOf pid: Int32) -> InjectionID? {
        guard let text = try? readSmallFile("/proc/\(pid)/environ") else { return nil }
        let prefix = variable + "="
        // The last one counts, as it does for getenv in a program that was started with several.
        let value = text.split(separator: "\0").last { $0.hasPrefix(prefix) }?.dropFirst(prefix.count)
        return value.flatMap { InjectionID(String($0)) }
    }

    static func ownEnvironment() -> [String] {
        var result: [String] = []
        var entry = Glibc.environ
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        return result
    }
}
