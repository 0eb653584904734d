import Glibc
import MusterCore
import MusterSystem

/// The hint that a helper carries in its environment. Only a hint: programs overwrite theirs, and other users'
/// cannot be read.
public enum Mark {
    static let variable = "MUSTER_INJECTION"
    /// The same for what a runbook's step starts. Another one, because what a step leaves behind when it has ended is
    /// meant to stay: it counts only while its injection is open, and a scan without a journal passes it over.
    public static let stepVariable = "MUSTER_STEP_MARK"

    /// The id in a process's environment at its start (/proc/PID/environ); nil when there is none or it must not
    /// be read.
    static func id(inEnvironmentOf pid: Int32) -> InjectionID? {
        value(of: variable, in: environment(of: pid)).flatMap { InjectionID(String($0)) }
    }

    /// Whether a process carries the mark, as a helper or as part of a step.
    static func isCarried(by pid: Int32, _ id: InjectionID) -> Bool {
        let environment = environment(of: pid)
        return [variable, stepVariable].contains {
            value(of: $0, in: environment)?.elementsEqual(id.rawValue) == true
        }
    }

    private static func environment(of pid: Int32) -> [Substring] {
        ((try? readSmallFile("/proc/\(pid)/environ")) ?? "").split(separator: "\0")
    }

    private static func value(of variable: String, in environment: [Substring]) -> Substring? {
        // The last one counts, as it does for getenv in a program that was started with several.
        environment.last { $0.hasPrefix(variable + "=") }?.dropFirst(variable.utf8.count + 1)
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
