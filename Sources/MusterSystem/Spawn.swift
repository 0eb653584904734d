import CLinux
import Glibc

/// How to start a program. Everything between fork and exec happens in C; the child starts with an empty signal
/// mask, default dispositions and no descriptors but those named here.
public struct Spawn: Sendable {
    public enum Program: Sendable {
        /// A path; no search.
        case path(String)
        /// An open file (execveat(2)), which stays what it was when the path is replaced. Not for scripts.
        case descriptor(Int32)
    }

    public enum Stream: Sendable {
        /// /dev/null.
        case null
        /// The parent's own.
        case inherit
        case descriptor(Int32)
    }

    public var program: Program
    /// With the name of the program in front.
    public var arguments: [String]
    /// `NAME=value`; nil inherits.
    public var environment: [String]?
    /// nil inherits.
    public var directory: String?
    public var input = Stream.null
    public var output = Stream.null
    public var errors = Stream.null
    /// More descriptors: number in the child (3…1000) to number in the parent.
    public var descriptors: [Int32: Int32] = [:]
    /// Makes the child the leader of a new session (setsid(2)).
    public var newSession = false
    /// Sent to the child when the THREAD that spawned it ends, not only the process (prctl(2),
    /// PR_SET_PDEATHSIG): spawn from a thread that lives as long as the process.
    public var deathSignal: Int32?
    /// A cgroup directory that the child joins before its program runs.
    public var cgroup: String?
    /// Whether the child waits for `Child.release()` before its program runs, so that its identity can be
    /// recorded first. It exits by itself when the parent dies before that.
    public var isGated = false

    public init(_ program: Program, _ arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }

    /// A program by its path, with its arguments.
    public init(_ argv: [String]) { self.init(.path(argv.first ?? ""), argv) }

    /// Starts the program.
    /// - Returns: once the program runs, or once the child waits at its gate.
    /// - Throws: `SystemError`, also when the child cannot join the cgroup, find its directory or execute the
    ///   program; there is no child then.
    public func start() throws(SystemError) -> Child {
        guard !arguments.isEmpty else { throw SystemError("spawn without arguments", code: EINVAL) }
        let null = try Descriptor(opening: "/dev/null", O_RDWR)
        var pairs: [(source: Int32, target: Int32)] = []
        for (target, stream) in [input, output, errors].enumerated() {
            switch stream {
            case .null: pairs.append((null.number, Int32(target)))
            case .inherit: pairs.append((Int32(target), Int32(target)))
            case .descriptor(let source): pairs.append((source, Int32(target)))
            }
        }
        for (target, source) in descriptors {
            guard (3...1000).contains(target) else {
                throw SystemError("place a descriptor at \(target)", code: EBADF)
            }
            pairs.append((source, target))
        }
        var child = csystem_child()
        var failure = csystem_status()
        let result = withRequest(pairs) { csystem_spawn(&$0, &child, &failure) }
        guard result == 0 else { throw self.failure(failure) }
        let made = Child(child, spawn: self)
        return made
    }

    /// A failure in the child, in words.
    func failure(_ status: csystem_status) -> SystemError {
        let name =
            switch program {
            case .path(let path): path
            case .descriptor(let number): "descriptor \(number) (\(arguments[0]))"
            }
        let operation =
            switch status.stage {
            case Int32(CSYSTEM_STAGE_CGROUP.rawValue): "join cgroup \(cgroup ?? "") for \(name)"
            case Int32(CSYSTEM_STAGE_DIRECTORY.rawValue):
                "change to directory \(directory ?? "") for \(name)"
            case Int32(CSYSTEM_STAGE_DESCRIPTORS.rawValue): "place the descriptors of \(name)"
            case Int32(CSYSTEM_STAGE_EXECUTE.rawValue): "execute \(name)"
            default: "start \(name)"
            }
        return SystemError(operation, code: status.error)
    }

    private func withRequest<R>(
        _ pairs: [(source: Int32, target: Int32)], _ body: (inout csystem_spawn) -> R
    ) -> R {
        let sources = pairs.map(\.source)
        let targets = pairs.map(\.target)
        return withStrings(arguments) { arguments in
            withOptionalStrings(environment) { environment in
                withOptionalString(directory) { directory in
                    withOptionalString(cgroup.map { $0 + "/cgroup.procs" }) { procs in
                        sources.withUnsafeBufferPointer { sources in
                            targets.withUnsafeBufferPointer { targets in
                                var request = csystem_spawn()
                                request.arguments = arguments
                                request.environment = environment
                                request.directory = directory
                                request.cgroup_procs = procs
                                request.sources = sources.baseAddress
                                request.targets = targets.baseAddress
                                request.count = Int32(pairs.count)
                                request.new_session = newSession ? 1 : 0
                                request.death_signal = deathSignal ?? 0
                                request.gated = isGated ? 1 : 0
                                switch program {
                                case .descriptor(let number):
                                    request.executable = number
                                    return body(&request)
                                case .path(let path):
                                    request.executable = -1
                                    return path.withCString {
                                        request.path = $0
                                        return body(&request)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An array of C strings that ends with NULL, as exec wants it.
func withStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}

private func withOptionalStrings<R>(
    _ strings: [String]?, _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> R
) -> R {
    guard let strings else { return body(nil) }
    return withStrings(strings) { body($0) }
}

private func withOptionalString<R>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let string else { return body(nil) }
    return string.withCString { body($0) }
}
