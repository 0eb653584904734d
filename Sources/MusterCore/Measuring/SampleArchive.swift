/// Where the older samples of a run lie while it goes on, so that its memory does not grow with it. What was
/// taken is never changed, so that copies of a series can share it. Any thread may call.
public protocol SampleArchive: AnyObject, Sendable {
    /// - Returns: where the bytes lie; nil when they were not taken, and must stay in memory.
    func keep(_ bytes: [UInt8]) -> Int?

    /// - Parameters:
    ///   - place: what `keep` returned.
    ///   - bytes: filled whole.
    /// - Returns: false when they cannot be read any more.
    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool
}
