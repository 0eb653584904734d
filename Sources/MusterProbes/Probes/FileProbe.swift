import Glibc
public import MusterCore
public import MusterDrills

/// Looks at a file of the controller's own machine, on a thread of its own: where the file system hangs, the look
/// times out and other probes go on.
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
    func prober(on loop: EventLoop) throws -> any Prober { FileProber(self, loop) }

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
                Duration.seconds(now.tv_sec) - .seconds(status.st_mtim.tv_sec)
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
        return bytes.holds(contains) ? .ok : .error(SampleCode.wrongContent)
    }
}

private final class FileProber: Prober {
    private let probe: FileProbe
    private let loop: EventLoop
    /// Threads that have not come back from the file system.
    private var looking = 0
    private static let mostLooking = 64

    init(_ probe: FileProbe, _ loop: EventLoop) {
        self.probe = probe
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        guard looking < Self.mostLooking else { return done(.unknown(SampleCode.tooManyInFlight)) }
        var isOver = false
        patience.begin { end in
            isOver = true
            done(end.finding)
        }
        let box = LoopOnly { [weak self] (finding: Finding) in
            self?.looking -= 1
            if isOver { return }
            patience.cancel()
            done(finding)
        }
        do {
            looking += 1
            try OwnThread("muster-file") { [probe, loop] in
                let finding = probe.look()
                loop.post { box.value(finding) }
            }.detach()
        } catch {
            looking -= 1
            patience.cancel()
            done(.unknown(SampleCode.tooManyInFlight))
        }
    }
}
