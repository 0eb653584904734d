import Dispatch
import Glibc
import Synchronization

/// Lines on their way to a descriptor that somebody reads, or does not: a pipe that is full, or a terminal that is held,
/// stops a thread of its own here, and neither the registry nor the end of the program. What does not fit is counted and
/// told of when there is room again.
final class LogQueue: Sendable {
    /// Bytes that may wait.
    static let most = 1 << 18

    private struct State {
        var bytes: [UInt8] = []
        var lost = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let writer = DispatchQueue(label: "log")
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func add(_ line: String) {
        let starts = state.withLock { state in
            let bytes = Array("\(line)\n".utf8)
            guard state.bytes.count + bytes.count <= Self.most else {
                state.lost += 1
                return false
            }
            state.bytes += bytes
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if starts { writer.async { self.write() } }
    }

    /// Waits for what was added to be written, no longer than that.
    func flush(within seconds: Double) {
        let done = DispatchSemaphore(value: 0)
        writer.async { done.signal() }
        _ = done.wait(timeout: .now() + seconds)
    }

    private func write() {
        while let bytes = take() {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // Nobody is there any more, or never was.
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
        }
    }

    private func take() -> [UInt8]? {
        state.withLock { state in
            var bytes = state.bytes
            state.bytes = []
            if state.lost > 0 {
                bytes += Array("muster-net: \(state.lost) lines were lost: nobody read standard error\n".utf8)
                state.lost = 0
            }
            state.isWriting = !bytes.isEmpty
            return bytes.isEmpty ? nil : bytes
        }
    }
}
