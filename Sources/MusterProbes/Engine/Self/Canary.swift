import CCurl
import Glibc
import MusterCore
import MusterSystem
import Synchronization

/// A server in this process that greets whoever connects. Nothing of a drill can be wrong with it: when it
/// does not answer, the instrument is what is broken.
final class NullServer: @unchecked Sendable {
    let port: UInt16
    private let listener: Descriptor
    private let isStopped = Atomic<Bool>(false)
    /// Tests keep it from greeting anybody.
    private let isMute = Atomic<Bool>(false)
    private var thread: OwnThread?

    /// - Throws: `MeasuringError` when there is no socket or thread for it.
    init(isRealtime: Bool) throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw MeasuringError.system("cannot make a socket on loopback", errno) }
        let listener = Descriptor(adopting: number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isDone = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 64) == 0
                    && getsockname(number, $0, &length) == 0
            }
        }
        guard isDone else { throw MeasuringError.system("cannot listen on loopback", errno) }
        port = UInt16(bigEndian: address.sin_port)
        self.listener = listener
        thread = try OwnThread("muster-null") { [self] in
            if isRealtime { _ = ccurl_realtime_thread(10) }
            work()
        }
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

    static func schedule(on loop: EventLoop, port: UInt16, recorder: Recorder) -> ProbeSchedule {
        ProbeSchedule(
            loop: loop, prober: CanaryProber(Endpoint(loopback: port), loop),
            setting: ProbeSetting(every: period, timeout: timeout), signal: Int(SampleRecord.canary),
            recorder: recorder)
    }
}

private final class CanaryProber: Prober {
    private let server: Endpoint
    private let loop: EventLoop

    init(_ server: Endpoint, _ loop: EventLoop) {
        self.server = server
        self.loop = loop
    }

    func look(timeout: Duration, done: @escaping (Finding) -> Void) {
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
        let patience = Patience(timeout, on: loop) { finish(.timeout) }
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

extension Endpoint {
    fileprivate init(loopback port: UInt16) {
        host = "127.0.0.1"
        self.port = port
    }
}
