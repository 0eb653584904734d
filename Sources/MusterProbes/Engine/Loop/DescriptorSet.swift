import CCurl
import Glibc
import MusterCore

/// What becomes ready on descriptors, and who handles it: one epoll set. Belongs to its loop's thread.
final class DescriptorSet {
    /// What became ready on a descriptor.
    struct Readiness: OptionSet {
        let rawValue: UInt32
        static let read = Readiness(rawValue: UInt32(CCURL_READ))
        static let write = Readiness(rawValue: UInt32(CCURL_WRITE))
        static let broken = Readiness(rawValue: UInt32(CCURL_BROKEN))
        /// Reported when it becomes ready, not for as long as it is.
        static let once = Readiness(rawValue: UInt32(CCURL_EDGE))
    }

    private struct Watch {
        var generation: UInt32 = 0
        /// What the epoll set knows of it; 0 when it is not in there.
        var registered: UInt32 = 0
        var handler: ((Readiness) -> Void)?
    }

    private let epoll: Int32
    private var watches: [Watch] = []
    private var events = [ccurl_event](repeating: ccurl_event(), count: 64)

    /// - Throws: `MeasuringError` when the kernel gives no descriptor.
    init() throws {
        epoll = ccurl_epoll_new()
        guard epoll >= 0 else { throw MeasuringError.system("cannot make an epoll set", errno) }
    }

    deinit { close(epoll) }

    func watch(_ descriptor: Int32, _ wanted: Readiness, _ handler: @escaping (Readiness) -> Void) {
        let index = Int(descriptor)
        while watches.count <= index { watches.append(Watch()) }
        watches[index].handler = handler
        let before = watches[index].registered
        guard before != wanted.rawValue else { return }
        if before == 0 { watches[index].generation &+= 1 }
        watches[index].registered = wanted.rawValue
        let key = UInt64(watches[index].generation) << 32 | UInt64(UInt32(descriptor))
        _ = ccurl_epoll_set(epoll, descriptor, wanted.rawValue, key, before == 0 ? 1 : 0)
    }

    func rest(_ descriptor: Int32) {
        if watches.indices.contains(Int(descriptor)) { watches[Int(descriptor)].handler = nil }
    }

    func unwatch(_ descriptor: Int32) {
        guard watches.indices.contains(Int(descriptor)), watches[Int(descriptor)].registered != 0 else {
            return
        }
        watches[Int(descriptor)].handler = nil
        watches[Int(descriptor)].registered = 0
        _ = ccurl_epoll_remove(epoll, descriptor)
    }

    func unwatchAll(but kept: [Int32]) {
        for descriptor in watches.indices where !kept.contains(Int32(descriptor)) {
            unwatch(Int32(descriptor))
        }
    }

    /// Looks what is ready, and has it handled.
    /// - Parameters:
    ///   - wait: until something is.
    ///   - handled: called after each batch.
    ///   - whole: called once everything that had been ready at an instant is handled, with that instant.
    func look(wait: Bool, handled: () -> Void, whole: (Instant) -> Void) {
        var mayWait = wait
        // What is ready beyond one batch must not wait for timers, which may be its timeouts.
        for _ in 0..<32 {
            let began = monotonicNow()
            let count = Int(ccurl_epoll_wait(epoll, &events, Int32(events.count), mayWait ? 1 : 0))
            if count > 0 {
                for index in 0..<count { handle(events[index]) }
                handled()
            }
            // An interrupted wait has looked at nothing.
            if count < events.count { return count >= 0 ? whole(began) : () }
            mayWait = false
        }
    }

    private func handle(_ event: ccurl_event) {
        let descriptor = Int(UInt32(truncatingIfNeeded: event.key))
        // A descriptor closed and reused within this batch has another generation.
        guard watches[descriptor].generation == UInt32(event.key >> 32) else { return }
        guard let handler = watches[descriptor].handler else {
            // It rests, and would be reported for as long as it is ready.
            return unwatch(Int32(descriptor))
        }
        handler(Readiness(rawValue: event.events))
    }
}
