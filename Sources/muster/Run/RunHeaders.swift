import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterSystem

/// What is known of a run when it begins.
enum RunHeaders {
    static func make(
        _ prepared: PreparedDrill, start: Instant, hello: Hello, binaryHash: String
    ) throws -> RunHeader {
        let drill = prepared.drill
        let system = HostNames.read()
        return RunHeader(
            id: prepared.runID, drill: drill.name, drillPath: prepared.path, drillText: prepared.text,
            drillHash: SHA256.hex(of: prepared.text.utf8), service: drill.service, owner: drill.owner,
            environment: drill.environment, failureMode: drill.failureMode, expect: drill.expect,
            variables: drill.variables, durabilityScope: DrillJudge.durabilityScope(of: drill),
            host: system.host, bootID: try bootID(), kernel: system.kernel,
            timeZone: TimeZone.current.identifier, actor: actor, toolVersion: toolVersion,
            protocolVersion: hello.protocol, judgeVersion: DrillJudge.version, binaryHash: binaryHash,
            configurationHash: prepared.services.map { SHA256.hex(of: $0.utf8) } ?? "",
            repeatGroup: prepared.repeatGroup, startedAt: start,
            startedAtUTC: SystemTimekeeper().utcNanoseconds())
    }

    /// The person behind sudo, where there is one.
    static var actor: String {
        let environment = ProcessInfo.processInfo.environment
        let named = ["SUDO_USER", "USER", "LOGNAME"].compactMap { environment[$0] }.first { !$0.isEmpty }
        // A daemon's environment names nobody (getpwuid(3)).
        return named ?? getpwuid(getuid()).flatMap { String(validatingCString: $0.pointee.pw_name) }
            ?? "uid \(getuid())"
    }
}

/// How this host and its kernel are called, in every record (uname(2)).
struct HostNames {
    var host: String
    var kernel: String

    static func read() -> HostNames {
        var system = utsname()
        uname(&system)
        return HostNames(
            host: text(&system.nodename),
            kernel: "\(text(&system.sysname)) \(text(&system.release)) \(text(&system.machine))")
    }

    private static func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
