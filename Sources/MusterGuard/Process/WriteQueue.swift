/// What waits to be written to the engine. Bounded, because a reader that stalls must not cost the guard its
/// memory, and never waited for, because it must not cost the guard its lease either (SAFETY 9).
struct WriteQueue {
    static let frameLimit = 1000
    static let byteLimit = 4 << 20

    private var frames: [ArraySlice<UInt8>] = []
    private(set) var bytes = 0
    /// Droppable frames that found no room.
    private(set) var dropped = 0

    var isEmpty: Bool { frames.isEmpty }
    var count: Int { frames.count }

    /// - Parameter droppable: readings may be lost; answers may not.
    /// - Returns: false when there was no room for a frame that may not be dropped: the reader has stalled.
    mutating func push(_ frame: [UInt8], droppable: Bool = false) -> Bool {
        guard frames.count < Self.frameLimit, bytes + frame.count <= Self.byteLimit else {
            if droppable { dropped += 1 }
            return droppable
        }
        frames.append(frame[...])
        bytes += frame.count
        return true
    }

    /// Hands the front to `write` until it takes no more.
    /// - Parameter write: how many bytes were taken, nil for none now.
    mutating func flush(_ write: (ArraySlice<UInt8>) throws -> Int?) rethrows {
        while let front = frames.first {
            guard let taken = try write(front) else { return }
            bytes -= taken
            if taken == front.count {
                frames.removeFirst()
            } else {
                frames[0] = front.dropFirst(taken)
            }
        }
    }
}
