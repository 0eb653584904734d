import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func visit(_ visit: Visit, atOnce count: Int) -> [Sighting] {
        var visitors: [Visitor] = []
        defer { withExtendedLifetime(visitors) {} }
        for _ in 0..<max(1, count) {
            let visitor = Visitor(visit)
            visitor.look()
            visitors.append(visitor)
            if visitor.sighting.ending != .answered { break }
        }
        return visitors.map(\.sighting)
    }
}

/// One connection of a client that looks at a server. Keeps it open while it lives.
private final class Visitor {
    private let visit: Visit
    private let began: Instant
    private let clock = SystemTimekeeper()
    private var socket: Descriptor?
    private(set) var sighting = Sighting(.silent)

    init(_ visit: Visit) {
        self.visit = visit
        began = clock.monotonic()
    }

    func look() {
        sighting.ending = ending()
        sighting.ended = clock.monotonic() - began
    }

    private func ending() -> Sighting.Ending {
        do throws(SystemError) {
            let deadline = began + visit.deadline
            let space = visit.namespace.map { "/run/netns/\($0)" }
            let socket = try StreamSocket.connect(to: visit.address, from: space, until: deadline)
            self.socket = socket
            sighting.connected = clock.monotonic() - began
            return try converse(socket, until: deadline)
        } catch {
            return switch error.code {
            case ECONNREFUSED, ENOENT: .refused
            case ECONNRESET, EPIPE, ECONNABORTED: .reset
            case ETIMEDOUT: .silent
            default: .impossible(error.description)
            }
        }
    }

    /// Says and hears at the same time: a server need not take all before it answers.
    private func converse(_ socket: Descriptor, until deadline: Instant) throws(SystemError)
        -> Sighting.Ending
    {
        var unsaid = visit.says[...]
        var hasClosed = false
        if visit.isEnough([]) { return .answered }
        while true {
            if unsaid.isEmpty, visit.closesFirst, !hasClosed {
                try StreamSocket.endSending(socket)
                hasClosed = true
            }
            let wish: Interest.Events = unsaid.isEmpty ? .readable : [.readable, .writable]
            let ready = try waitFor([Interest(socket.number, wish)], until: deadline)[0]
            if ready.isEmpty { return .silent }
            if ready.contains(.writable), !unsaid.isEmpty, let taken = try socket.sendSome(unsaid) {
                unsaid = unsaid.dropFirst(taken)
            }
            guard !ready.isDisjoint(with: [.readable, .hungUp, .failed]) else { continue }
            switch try socket.read(upTo: 65536) {
            case .end: return .closed
            case .wouldBlock: continue
            case .bytes(let bytes):
                if sighting.first == nil { sighting.first = clock.monotonic() - began }
                sighting.pieces += 1
                sighting.bytes += bytes
                if visit.isEnough(sighting.bytes) { return .answered }
                if sighting.bytes.count >= Visit.limit {
                    return .impossible("it says more than \(ByteCount(Int64(Visit.limit)).forPeople)")
                }
            }
        }
    }
}
