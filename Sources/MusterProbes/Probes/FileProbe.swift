import Glibc
public import MusterCore

/// Looks at a file of the controller's own machine.
///
/// It is read in line with the other probes, so a file system that hangs stops them all: use `exec` for a
/// network file system.
public struct FileProbe: Probe, Hashable {
    public var file = ""
    public var contains: String?
    public var newerThan: Duration?
    public init() {}

    public static let form = Form(
        "file", "Looks at a local file; good is that it is there, and as fresh and as filled as is asked.",
        example: "backup: { file: /var/backups/db.dump, newerThan: 1d, every: 1s }",
        blank: FileProbe(),
        fields: [
            Field(
                required: "file", \.file, "The path.",
                in: { $0.hasPrefix("/") ? nil : "a path that starts with /" }),
            Field("contains", \.contains, "Text that must be in its first 1 MiB."),
            Field("newerThan", \.newerThan, "How long ago it may have been changed at most."),
        ])
}

extension FileProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober { FileProber(self) }

    func look() -> Finding {
        let descriptor = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return .error(errno == ENOENT ? SampleCode.fileMissing : errno) }
        defer { close(descriptor) }
        if let newerThan {
            var status = stat()
            var now = timespec()
            guard fstat(descriptor, &status) == 0 else { return .error(errno) }
            clock_gettime(CLOCK_REALTIME, &now)
            let age =
                Duration.seconds(now.tv_sec - status.st_mtim.tv_sec)
                + .nanoseconds(now.tv_nsec - status.st_mtim.tv_nsec)
            if age > newerThan { return .error(SampleCode.fileTooOld) }
        }
        guard let contains else { return .ok }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < 1 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 { return .error(errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).range(of: contains) == nil
            ? .error(SampleCode.wrongContent) : .ok
    }
}

private final class FileProber: Prober {
    private let probe: FileProbe
    init(_ probe: FileProbe) { self.probe = probe }
    func look(timeout: Duration, done: @escaping (Finding) -> Void) { done(probe.look()) }
}
