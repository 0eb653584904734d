/// What keeps Muster from measuring at all. Failures of what is measured are samples, never errors.
public enum MeasuringError: Error, CustomStringConvertible, Sendable {
    /// A call to the system failed: what was tried, and its errno.
    case system(String, Int32)
    /// A library, such as libcurl, cannot be used: why, and what to install.
    case library(String)
    /// A probe or workload of a kind that this engine does not run.
    case unknownKind(String)
    /// What is configured cannot work: what, where, and what was expected.
    case configuration(String)
    /// The ledger's file cannot be used.
    case ledger(path: String, String)

    public var description: String {
        switch self {
        case .system(let what, let code): "\(what): \(errorText(code)) (errno \(code))"
        case .library(let why): why
        case .unknownKind(let kind):
            "'\(kind)' is not a probe or workload that can be run; expected one of those in `muster probes`"
        case .configuration(let what): what
        case .ledger(let path, let what): "ledger \(path): \(what)"
        }
    }
}
