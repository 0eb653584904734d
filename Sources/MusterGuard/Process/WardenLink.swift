import Glibc
import MusterCore
import MusterSystem

/// What a guard holds of its warden.
final class WardenLink {
    let child: Child
    let identity: ProcessIdentity?
    private let pipe: Descriptor

    init(executable: Descriptor, state: StateDirectory, lease: Duration, guardProcess: ProcessIdentity) throws
    {
        let pipe = try Descriptor.pipe()
        let own = try PidDescriptor(of: guardProcess.pid)
        let log = try? Descriptor(opening: state.wardenLog, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW)
        var spawn = Spawn(
            .descriptor(executable.number),
            [
                "muster-guard", "warden", "--state", state.path, "--lease", lease.unitsText, "--guard",
                "\(guardProcess.pid):\(guardProcess.startTicks)",
            ])
        spawn.directory = "/"
        spawn.newSession = true
        if let log { spawn.errors = .descriptor(log.number) }
        spawn.descriptors = [
            Warden.pipeDescriptor: pipe.read.number, Warden.guardDescriptor: own.descriptor.number,
        ]
        child = try spawn.start()
        identity = try processIdentity(of: child.pid)
        self.pipe = pipe.write
        try self.pipe.setNonblocking()
    }

    func beat() { _ = try? pipe.write(some: [Warden.beat][...]) }

    /// Everything is in order: it may go.
    func sayClean() {
        _ = try? pipe.write(some: [Warden.clean][...])
        if ((try? child.wait(for: .seconds(1))) ?? nil) == nil { kill() }
    }

    /// Nothing is open, or it does not answer: it must not stay behind.
    func kill() {
        _ = try? child.kill()
        _ = try? child.wait(for: .seconds(2))
    }
}
