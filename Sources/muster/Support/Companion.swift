import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// The programs that stand beside `muster` and do some of its work.
enum Companion: String {
    case guardian = "muster-guard"
    case net = "muster-net"

    /// - Throws: `Refusal` when it is not there.
    func path() throws -> String {
        let path = "\(Files.besideUs)/\(rawValue)"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Refusal(
                .internalError, "\(rawValue) was not found beside muster (\(path))",
                advice:
                    "start muster through the wrapper at the top of the checkout, which builds all of them")
        }
        return path
    }

    /// Becomes that program with these arguments; returns only when that fails.
    func become(_ arguments: [String]) throws -> Never {
        let path = try path()
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        argv.append(nil)
        execv(path, argv)
        throw Refusal(
            .internalError, "\(rawValue) could not be started: \(String(cString: strerror(errno)))",
            advice: "")
    }
}
