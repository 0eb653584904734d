import ArgumentParser
import Dispatch
import Glibc
import MusterProxy
import NIOPosix
import Synchronization

/// The receiver of alerts of a run: `muster run` starts it, tells it over standard input where to listen and which token
/// to ask for, and reads from its standard output what came. It ends with its standard input, so that it outlives
/// nobody.
///
/// Input: the lines `listen ADDRESS:PORT` and `token TOKEN`, then nothing until the end. Output: `ready ADDRESS` or
/// `failed WHY`; then `look NS`, `refused WHY`, and `message NS NS BYTES` followed by so many bytes; moments are
/// nanoseconds of CLOCK_MONOTONIC.
struct ReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Listens for alerts on behalf of a run.", shouldDisplay: false)

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        guard let listen = line("listen"), let token = line("token") else {
            throw refusal(
                "receive: expected 'listen ADDRESS:PORT' and 'token TOKEN' on standard input", .usage)
        }
        let outlet = ReceiverOutlet(STDOUT_FILENO)
        defer { outlet.flush(within: 1) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let started = DispatchSemaphore(value: 0)
        let result = Mutex<Result<AlertReceiver, any Error>?>(nil)
        Task.detached {
            let made: Result<AlertReceiver, any Error>
            do {
                made = .success(
                    try await AlertReceiver.start(listen: listen, token: token, on: group) { outlet.tell($0) }
                )
            } catch { made = .failure(error) }
            result.withLock { $0 = made }
            started.signal()
        }
        started.wait()
        switch result.withLock({ $0 }) {
        case .success(let receiver):
            outlet.say("ready \(receiver.address)")
            work(receiver, outlet)
        case .failure(let error):
            outlet.say("failed \("\(error)".split(separator: "\n").joined(separator: " "))")
        case nil: preconditionFailure("the task gave no result")
        }
    }

    /// Until nobody holds the other end of standard input any more.
    private func work(_ receiver: AlertReceiver, _ outlet: ReceiverOutlet) {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var buffer = [UInt8](repeating: 0, count: 64)
        while outlet.say("look \(receiver.lastLook)") {
            if poll(&input, 1, 100) > 0, read(STDIN_FILENO, &buffer, buffer.count) <= 0 { return }
        }
    }

    private func line(_ key: String) -> String? {
        guard let line = readLine(), line.hasPrefix(key + " ") else { return nil }
        return String(line.dropFirst(key.count + 1))
    }
}

/// What goes to the engine, in order, from one thread: an engine that does not read makes the receiver refuse messages,
/// whose senders try again, and nothing else.
final class ReceiverOutlet: Sendable {
    /// Bytes that may wait.
    private static let most = 16 << 20

    private let waiting = Atomic<Int>(0)
    private let isBroken = Atomic<Bool>(false)
    private let queue = DispatchQueue(label: "outlet")
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Returns: whether somebody is still there.
    @discardableResult
    func say(_ line: String) -> Bool {
        if waiting.load(ordering: .relaxed) < Self.most { add(Array("\(line)\n".utf8)) }
        return !isBroken.load(ordering: .relaxed)
    }

    func tell(_ event: ReceiverEvent) -> Bool {
        switch event {
        case .refused(let why): return say("refused \(why)")
        case .message(let lower, let upper, let body):
            guard waiting.load(ordering: .relaxed) + body.count < Self.most else { return false }
            add(Array("message \(lower) \(upper) \(body.count)\n".utf8) + body)
            return !isBroken.load(ordering: .relaxed)
        }
    }

    /// Waits for what was said to be taken, no longer than that.
    func flush(within seconds: Double) {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + seconds)
    }

    private func add(_ bytes: [UInt8]) {
        waiting.wrappingAdd(bytes.count, ordering: .relaxed)
        queue.async { [self] in
            write(bytes)
            waiting.wrappingSubtract(bytes.count, ordering: .relaxed)
        }
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty, !isBroken.load(ordering: .relaxed) {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return isBroken.store(true, ordering: .relaxed) }
            rest = rest.dropFirst(count)
        }
    }
}
