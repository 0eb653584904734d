import Foundation
import Glibc
import MusterSystem

/// The SHA-256 of the running binary, reckoned while something else is waited for: the binary is large, and
/// nobody shall wait for the first probe longer than needed.
final class BinaryHash: @unchecked Sendable {
    private let condition = NSCondition()
    private var result: String?

    /// Begins at once, on a thread of its own.
    init() {
        let thread = Thread { [self] in
            let hash = Self.reckon()
            condition.lock()
            result = hash
            condition.broadcast()
            condition.unlock()
        }
        thread.name = "muster-hash"
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Hexadecimal; waits until it is known. Empty when /proc cannot be read.
    var text: String {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result { return result }
            condition.wait()
        }
    }

    private static func reckon() -> String { FileHash.of("/proc/self/exe") ?? "" }
}

/// SHA-256 of a file.
enum FileHash {
    /// Hexadecimal; nil when it cannot be read. Read in pieces into one buffer: a mapping would count as memory of
    /// the engine.
    static func of(_ path: String) -> String? {
        guard let file = try? Descriptor(opening: path, O_RDONLY) else { return nil }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(file.number, &buffer, buffer.count)
            if count == 0 { return hash.hex }
            if count < 0, errno != EINTR { return nil }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(max(0, count)))) }
        }
    }
}
