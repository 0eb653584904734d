import Glibc
import MusterCore
import MusterSystem

/// A guard's, a warden's or an undo command's end of a hands process: started, told, listened to, killed.
///
/// Hands die with whoever started them (PDEATHSIG), and hold `hands.lock` while they live, so that there are
/// never two menders of one journal.
final class HandsLink {
    let child: Child
    private let orders: Descriptor
    private let results: Descriptor
    private let flag: Descriptor
    private var reader = LineReader(limit: Frame.limit + 16)

    static let orderDescriptor: Int32 = 3
    static let resultDescriptor: Int32 = 4
    static let flagDescriptor: Int32 = 5

    /// - Parameters:
    ///   - executable: our own, open.
    ///   - deferred: what hung last time and is tried after everything else.
    init(executable: Descriptor, state: String, deferred: [InjectionID]) throws {
        let orders = try Descriptor.pipe()
        let results = try Descriptor.pipe()
        let flag = try Descriptor.pipe()
        var arguments = ["muster-guard", "hands", "--state", state]
        if !deferred.isEmpty { arguments += ["--defer", deferred.map(\.rawValue).joined(separator: ",")] }
        var spawn = Spawn(.descriptor(executable.number), arguments)
        spawn.directory = "/"
        spawn.errors = .inherit
        spawn.newSession = true
        spawn.deathSignal = SIGKILL
        spawn.descriptors = [
            Self.orderDescriptor: orders.read.number, Self.resultDescriptor: results.write.number,
            Self.flagDescriptor: flag.read.number,
        ]
        child = try spawn.start()
        self.orders = orders.write
        self.results = results.read
        self.flag = flag.write
        try self.orders.setNonblocking()
        try self.results.setNonblocking()
        try self.flag.setNonblocking()
    }

    /// Becomes readable when there is something to `receive`.
    var descriptor: Int32 { results.number }

    /// Hands take one order at a time, so an order always fits into the pipe or they are stuck.
    func send(_ order: [UInt8]) throws {
        let deadline = SystemTimekeeper().monotonic() + .milliseconds(500)
        var rest = order[...]
        while !rest.isEmpty {
            if let taken = try orders.write(some: rest) {
                rest = rest.dropFirst(taken)
            } else if try waitFor([Interest(orders.number, .writable)], until: deadline)[0].isEmpty {
                throw SystemError("give an order to the hands", code: EAGAIN)
            }
        }
    }

    /// Out of band: refuses every later step of an injection, whatever the hands are doing.
    func forbid() { _ = try? flag.write(some: [UInt8(ascii: "!")][...]) }

    /// What has come in so far.
    /// - Returns: nil once the hands have ended.
    func receive() throws -> [HandsMessage]? {
        var messages: [HandsMessage] = []
        var ended = false
        reading: while true {
            switch try results.read(upTo: 65536) {
            case .bytes(let bytes): reader.append(bytes)
            case .wouldBlock: break reading
            case .end:
                ended = true
                break reading
            }
        }
        while let line = try reader.next() {
            if let message = HandsMessage(line) { messages.append(message) }
        }
        return ended && messages.isEmpty ? nil : messages
    }

    /// Whether somebody has stopped them (SIGSTOP, a debugger).
    var isStopped: Bool { isProcessStopped(child.pid) }

    /// Kills them and waits until they are gone, so that their lock is free.
    /// - Returns: false when even SIGKILL has not ended them in time (they hang in the kernel).
    @discardableResult
    func kill(within limit: Duration = .seconds(5)) -> Bool {
        _ = try? child.kill()
        return ((try? child.wait(for: limit)) ?? nil) != nil
    }
}

/// Whether a process is stopped by a signal or a tracer.
func isProcessStopped(_ pid: Int32) -> Bool {
    guard let stat = try? ProcessStat.read(pid) else { return false }
    return stat.state == "T" || stat.state == "t"
}
