import Foundation
import MusterCore
import MusterDrills
import MusterSystem

/// The engine's end of a receiver, `muster-net receive`: a child that ends when nobody holds its standard input any
/// more, so that it outlives neither the run nor an engine that is killed. The token goes through a pipe, because
/// arguments and environment can be read by others (proc(5)).
final class ReceiverLink: @unchecked Sendable {
    enum Message: Sendable {
        case message(Bracket, [UInt8])
        case refused(String)
        /// It was not looking in between.
        case stoodStill(Bracket)
        /// Since then nobody listens.
        case lost(Bracket, String)
    }

    /// A receiver looks every 50 ms and says so every 100 ms.
    private static let patience = Duration.seconds(2)
    /// Complaints of strangers that are told.
    private static let mostComplaints = 5

    private let name: String
    private let heard: @Sendable (Message) -> Void
    private let clock = SystemTimekeeper()
    private let lock = NSLock()
    // Guarded by `lock`.
    private var child: Child?
    private var input: Descriptor?
    private var isStopping = false
    private var isRead = false
    // Only touched by the reading thread.
    private var lastLook = Instant(nanoseconds: 0)
    private var complaints = 0
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter heard: called on a thread of its own.
    init(_ name: String, heard: @escaping @Sendable (Message) -> Void) {
        self.name = name
        self.heard = heard
    }

    /// - Returns: where it listens.
    /// - Throws: `Refusal` when it cannot.
    func start(listen: String, token: String) throws -> String {
        let toChild = try Descriptor.pipe()
        let fromChild = try Descriptor.pipe()
        var spawn = Spawn([try Companion.net.path(), "receive"])
        spawn.input = .descriptor(toChild.read.number)
        spawn.output = .descriptor(fromChild.write.number)
        // What a terminal sends to the run, Ctrl-C, is not for it.
        spawn.newSession = true
        spawn.directory = "/"
        let child = try spawn.start()
        lock.withLock {
            self.child = child
            input = toChild.write
        }
        try toChild.write.write(Array("listen \(listen)\ntoken \(token)\n".utf8))
        var reader = ReceiverReader(fromChild.read)
        guard let first = try reader.line(until: clock.monotonic() + .seconds(10)) else {
            stop()
            throw Refusal(.refused, "the receiver of '\(name)' said nothing", advice: "")
        }
        guard first.hasPrefix("ready ") else {
            stop()
            throw Refusal(
                .refused, "'\(name)' cannot listen at \(listen): \(first.drop { $0 != " " }.dropFirst())",
                advice: "give webhook: another address, or \"127.0.0.1:${port:NAME}\"")
        }
        lastLook = clock.monotonic()
        lock.withLock { isRead = true }
        do {
            try startThread(name: "alert-receiver") { [self, reader] in read(reader) }
        } catch {
            lock.withLock { isRead = false }
            throw error
        }
        return String(first.dropFirst(6))
    }

    /// Ends it, and waits for that.
    func stop() {
        let (child, isRead) = lock.withLock {
            isStopping = true
            input = nil
            return (self.child, self.isRead)
        }
        guard let child else { return }
        if (try? child.wait(for: .seconds(2))).flatMap({ $0 }) == nil {
            _ = try? child.kill()
            _ = try? child.wait(for: .seconds(2))
        }
        if isRead { _ = ended.wait(timeout: .now() + 2) }
    }

    private func read(_ reader: ReceiverReader) {
        var reader = reader
        defer { ended.signal() }
        while let line = (try? reader.line(until: nil)) ?? nil {
            let words = line.split(separator: " ")
            switch words.first {
            case "look": look(words)
            case "message":
                guard words.count == 4, let lower = Int64(words[1]), let upper = Int64(words[2]),
                    let count = Int(words[3]), lower <= upper, let body = (try? reader.bytes(count)) ?? nil
                else { return lose("it said '\(line.prefix(80))'") }
                heard(.message(Bracket(Instant(nanoseconds: lower), Instant(nanoseconds: upper)), body))
            case "refused": complain(String(line.dropFirst(8)))
            default: return lose("it said '\(line.prefix(80))'")
            }
        }
        lose("its process ended")
    }

    private func look(_ words: [Substring]) {
        guard words.count == 2, let at = Int64(words[1]) else { return }
        let now = Instant(nanoseconds: at)
        if now - lastLook > Self.patience { heard(.stoodStill(Bracket(lastLook, now))) }
        lastLook = max(lastLook, now)
    }

    private func complain(_ why: String) {
        complaints += 1
        if complaints <= Self.mostComplaints { heard(.refused(why)) }
        if complaints == Self.mostComplaints { heard(.refused("more of the same is not told any more")) }
    }

    private func lose(_ why: String) {
        if lock.withLock({ isStopping }) { return }
        heard(.lost(Bracket(lastLook, max(lastLook, clock.monotonic())), why))
    }
}

/// Lines, and bytes that are announced by them.
private struct ReceiverReader {
    private let source: Descriptor
    private var held: [UInt8] = []
    private static let longest = 4096

    init(_ source: Descriptor) { self.source = source }

    /// - Returns: nil at the end, or when none came in time.
    mutating func line(until deadline: Instant?) throws -> String? {
        while true {
            if let end = held.firstIndex(of: UInt8(ascii: "\n")) {
                defer { held.removeFirst(end + 1) }
                return String(decoding: held[..<end], as: UTF8.self)
            }
            guard held.count < Self.longest, try more(until: deadline) else { return nil }
        }
    }

    mutating func bytes(_ count: Int) throws -> [UInt8]? {
        guard (0...(64 << 20)).contains(count) else { return nil }
        while held.count < count { guard try more(until: nil) else { return nil } }
        defer { held.removeFirst(count) }
        return Array(held[..<count])
    }

    private mutating func more(until deadline: Instant?) throws -> Bool {
        guard try waitFor([.init(source.number, .readable)], until: deadline).first?.isEmpty == false,
            case .bytes(let bytes) = try source.read(upTo: 65_536)
        else { return false }
        held += bytes
        return true
    }
}
