import CCurl
import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization

/// A server in this process that greets whoever connects. Nothing of a drill can be wrong with it: when it
/// does not answer, the instrument is what is broken.
///
/// It listens on loopback, whose ports and whose network thread most probes need as well. Where loopback is down, as in a
/// network namespace that somebody just made, it listens on a UNIX socket, which tells of the loop and of the host's
/// processors all the same.
final class NullServer: @unchecked Sendable {
    let address: SocketAddress
    private let listener: Descriptor
    private let isStopped = Atomic<Bool>(false)
    /// Tests keep it from greeting anybody.
    private let isMute = Atomic<Bool>(false)
    private var thread: OwnThread?

    /// What it cannot tell, for people; nil when it can tell everything.
    var shortcoming: String? {
        address.family != AF_UNIX
            ? nil
            : "loopback is down here, so the canary looks at a UNIX socket: it tells whether this process and its host "
                + "are too busy, but not whether TCP connections of this host fail for want of ports or memory"
    }

    /// - Throws: `MeasuringError` when there is no socket or thread for it.
    init(isRealtime: Bool) throws {
        var loopback = sockaddr_in()
        loopback.sin_family = sa_family_t(AF_INET)
        loopback.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let first = Result { try Self.listen(withUnsafeBytes(of: &loopback) { Array($0) }, AF_INET) }
        if case .success(let (found, place)) = first, Self.isReachable(place) {
            (listener, address) = (found, place)
        } else {
            // Without a name it gets an abstract one of its own, and leaves no file behind (unix(7), autobind).
            var family = sa_family_t(AF_UNIX)
            (listener, address) = try Self.listen(withUnsafeBytes(of: &family) { Array($0) }, AF_UNIX)
        }
        thread = try OwnThread("muster-null") { [self] in
            if isRealtime { _ = ccurl_realtime_thread(10) }
            work()
        }
    }

    /// Where loopback is down, kernels let servers listen on it, but nobody connect (or neither).
    private static func isReachable(_ address: SocketAddress) -> Bool {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(address.family, kind, 0)
        guard number >= 0 else { return true }
        defer { close(number) }
        return address.connect(number) == 0
            || ![ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL].contains(errno)
    }

    private static func listen(_ wanted: [UInt8], _ family: Int32) throws -> (Descriptor, SocketAddress) {
        let place = family == AF_UNIX ? "a UNIX socket" : "loopback"
        let number = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw MeasuringError.system("cannot make a socket for \(place)", errno) }
        let listener = Descriptor(adopting: number)
        var found = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isDone = withUnsafeMutableBytes(of: &found) { raw in
            raw.copyBytes(from: wanted)
            guard let start = raw.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return bind(number, start, socklen_t(wanted.count)) == 0 && Glibc.listen(number, 64) == 0
                && getsockname(number, start, &length) == 0
        }
        guard isDone else { throw MeasuringError.system("cannot listen on \(place)", errno) }
        let bytes = withUnsafeBytes(of: &found) { Array($0.prefix(Int(length))) }
        return (listener, SocketAddress(family: family, bytes: bytes))
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        // accept(2) returns with it.
        shutdown(listener.number, Int32(SHUT_RDWR))
        thread?.join()
        thread = nil
    }

    /// Has it greet nobody any more, or again. For tests.
    func mute(_ on: Bool) { isMute.store(on, ordering: .releasing) }

    private func work() {
        // Whoever connects and does not let go holds nobody up for long.
        var patience = timeval(tv_sec: 0, tv_usec: 100_000)
        while !isStopped.load(ordering: .acquiring) {
            let connection = accept(listener.number, nil, nil)
            if connection < 0 {
                // Out of descriptors, for instance; the canary finds out by itself.
                if errno != EINTR { SystemTimekeeper().sleep(for: .milliseconds(1)) }
                continue
            }
            setsockopt(
                connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            var byte = UInt8(ascii: "!")
            if !isMute.load(ordering: .acquiring) { _ = send(connection, &byte, 1, Int32(MSG_NOSIGNAL)) }
            // The one that asked closes first, so that no port of the server's waits for stragglers.
            _ = recv(connection, &byte, 1, 0)
            close(connection)
        }
    }
}

/// Looks at the null server from the probes' thread, by the same loop and clocks as every probe.
enum Canary {
    static let period = Duration.milliseconds(50)
    /// Of which only counts what the loop did not neglect (`Patience`).
    static let timeout = Duration.milliseconds(250)

    static func schedule(on loop: EventLoop, _ server: NullServer, recorder: Recorder) -> ProbeSchedule {
        ProbeSchedule(
            loop: loop, prober: CanaryProber(server.address, loop),
            setting: ProbeSetting(every: period, timeout: timeout), signal: Int(SampleRecord.canary),
            recorder: recorder)
    }
}

private final class CanaryProber: Prober {
    private let server: SocketAddress
    private let loop: EventLoop

    init(_ server: SocketAddress, _ loop: EventLoop) {
        self.server = server
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        let stream = StreamConnection(loop: loop)
        var isOver = false
        func finish(_ finding: Finding) {
            guard !isOver else { return }
            isOver = true
            stream.received = nil
            stream.ended = nil
            stream.close()
            done(finding)
        }
        // Our own server stands still when we do: it is never asked outside of this process.
        patience.begin { finish($0.finding) }
        stream.received = { _ in
            patience.cancel()
            finish(.ok)
        }
        stream.ended = { code in
            patience.cancel()
            finish(.error(code == 0 ? SampleCode.endOfStream : code))
        }
        stream.open(server) { code in
            guard code != 0 else { return }
            patience.cancel()
            finish(.error(code))
        }
    }
}
