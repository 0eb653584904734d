internal import NIOCore
internal import Synchronization

/// Hands what happens to everybody who reads `GET /events`, one JSON object a line.
///
/// Nobody is waited for: each reader has a queue of its own, which loses what does not fit and tells how much it
/// lost.
public final class EventHub: LinkEventSink, RegistryEventSink {
    private let readers = Mutex<[ObjectIdentifier: EventReader]>([:])
    private let count = Atomic<Int>(0)

    public init() {}

    public var isListening: Bool { count.load(ordering: .relaxed) > 0 }

    /// - Returns: false when there are as many already.
    @discardableResult
    func add(_ reader: EventReader, atMost most: Int = .max) -> Bool {
        readers.withLock { readers in
            guard readers.count < most else { return false }
            readers[ObjectIdentifier(reader)] = reader
            count.store(readers.count, ordering: .relaxed)
            return true
        }
    }

    func remove(_ reader: EventReader) {
        readers.withLock { readers in
            readers[ObjectIdentifier(reader)] = nil
            count.store(readers.count, ordering: .relaxed)
        }
    }

    public func happened(_ event: RegistryEvent) {
        guard isListening else { return }
        publish { $0.event(event) }
    }

    public func happened(_ event: LinkEvent) {
        guard isListening else { return }
        publish { $0.event(event) }
    }

    private func publish(_ write: (inout JSONWriter) -> Void) {
        var line = JSONWriter()
        line.raw("{")
        line.name("time", first: true)
        line.text(WallTime.now().rfc3339)
        write(&line)
        line.raw("}\n")
        let bytes = line.bytes
        for reader in readers.withLock({ Array($0.values) }) { reader.offer(bytes) }
    }
}

/// One who reads events: a queue between whatever thread something happens on and the loop of the reader's
/// connection.
final class EventReader: Sendable {
    /// Bytes that may wait.
    static let most = 1 << 18

    private struct Queue {
        var lines: [[UInt8]] = []
        var bytes = 0
        var lost = 0
        /// The connection's loop will come for what is there.
        var isAwaited = false
    }

    private let queue = Mutex(Queue())
    private let wake: @Sendable () -> Void

    /// - Parameter wake: called when there is something to take, once until `take` is called. From any thread.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func offer(_ line: [UInt8]) {
        let wakes = queue.withLock { queue in
            guard queue.bytes + line.count <= Self.most else {
                queue.lost += 1
                return false
            }
            queue.lines.append(line)
            queue.bytes += line.count
            defer { queue.isAwaited = true }
            return !queue.isAwaited
        }
        if wakes { wake() }
    }

    /// What has gathered, and behind it how many lines were lost; empty: nothing.
    func take() -> [UInt8] {
        let (lines, lost) = queue.withLock { queue in
            defer { queue = Queue() }
            return (queue.lines, queue.lost)
        }
        var bytes = lines.flatMap { $0 }
        if lost > 0 {
            var line = JSONWriter()
            line.raw("{")
            line.name("time", first: true)
            line.text(WallTime.now().rfc3339)
            line.event("lost")
            line.name("count")
            line.integer(lost)
            line.raw("}\n")
            bytes += line.bytes
        }
        return bytes
    }
}

extension JSONWriter {
    fileprivate mutating func event(_ word: String) {
        name("event")
        text(word)
    }

    fileprivate mutating func field(_ key: String, _ value: String) {
        name(key)
        text(value)
    }

    fileprivate mutating func event(_ event: RegistryEvent) {
        switch event {
        case .proxy(let change, let proxy, let listen, let upstream, let enabled):
            self.event("proxy_\(change.rawValue)")
            field("proxy", proxy)
            field("listen", listen)
            field("upstream", upstream)
            name("enabled")
            flag(enabled)
        case .toxic(let change, let toxic, let type, let stream, let proxy):
            self.event("toxic_\(change.rawValue)")
            field("proxy", proxy)
            field("toxic", toxic)
            field("type", type)
            field("stream", stream.rawValue)
        }
    }

    fileprivate mutating func event(_ event: LinkEvent) {
        switch event.kind {
        case .opened:
            self.event("connection_opened")
            connection(of: event)
        case .effective(let toxic, let stream):
            self.event("toxic_effective")
            connection(of: event)
            field("toxic", toxic)
            field("stream", stream.rawValue)
        case .noticed(let toxic, let notice):
            self.event("toxic_\(notice.kind == .effective ? "struck" : notice.kind.rawValue)")
            connection(of: event)
            field("toxic", toxic)
            field("detail", notice.detail)
        case .closed(let closed):
            self.event("connection_closed")
            connection(of: event)
            field("cause", closed.cause.rawValue)
            name("duration_us")
            integer(closed.duration.nanoseconds / 1000)
            for traffic in [closed.upstream, closed.downstream] {
                name(traffic.stream.rawValue)
                raw("{")
                name("received", first: true)
                integer(traffic.received)
                name("sent")
                integer(traffic.sent)
                raw("}")
            }
            name("effects")
            raw("{")
            for (index, effect) in closed.effects.sorted(by: { $0.key < $1.key }).enumerated() {
                name(effect.key, first: index == 0)
                integer(effect.value)
            }
            raw("}")
        }
    }

    private mutating func connection(of event: LinkEvent) {
        field("proxy", event.proxy)
        name("connection")
        integer(event.connection)
        field("client", event.client)
    }
}
